"""A request to restart from a component, left in the store for the next attempt."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointWriteError, PipelineConfigError
from airflow_provider.runner import CheckpointStore, InMemoryCheckpointStore, LocalCheckpointStore, PipelineResult
from airflow_provider.runner.checkpoint.saving import Saving
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import Attempt, Beginning, run_attempt
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline
from tests.samples.watched import Watched

KEY = RunKey((), "run", "p")
CHAIN = pipeline(component("a"), component("b", "a"), component("c", "b"))


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each store of the engine."""
    return InMemoryCheckpointStore() if request.param == "memory" else LocalCheckpointStore(tmp_path)


def attempt(store: CheckpointStore, **options: Any) -> PipelineResult:
    spark: Any = object()
    return run_attempt(Attempt(CHAIN, store, KEY, spark=spark, saving=Saving(sleep=lambda seconds: None), **options))


def ask(store: Any, component: str) -> None:
    store.leave_request(RestartRequest(component=component), KEY)


def test_a_request_is_carried_out_by_the_next_attempt_and_only_by_that(script: Script, store: Any) -> None:
    """The component and its descendants run again, also when they fail on the way (invariant 1)."""
    attempt(store)
    assert script.take_calls() == ["a", "b", "c"]
    ask(store, "b")
    script.fail("c")
    attempt(store)
    assert script.take_calls() == ["b", "c"]
    assert store.find_request(KEY) is None
    script.mend("c")
    attempt(store)
    assert script.take_calls() == ["c"]


def test_the_same_component_can_be_asked_for_again(script: Script, store: Any) -> None:
    """Each request counts, whatever was asked before."""
    attempt(store)
    for _ in range(2):
        script.take_calls()
        ask(store, "c")
        attempt(store)
        assert script.take_calls() == ["c"]


def test_a_fresh_start_fulfils_a_request(script: Script, store: Any) -> None:
    """Everything runs anyway, and the attempt after it must not restart once more."""
    attempt(store)
    ask(store, "b")
    script.fail("c")
    attempt(store, beginning=lambda checkpoint, asked: Beginning(fresh="as the test asked for"))
    script.take_calls()
    attempt(store)
    assert script.take_calls() == ["c"]


def test_an_unknown_component_is_an_error_and_the_request_stays(script: Script, store: Any) -> None:
    """Nothing runs, and the message says where the request is and what to do."""
    attempt(store)
    script.take_calls()
    ask(store, "bb")
    with pytest.raises(PipelineConfigError, match="restart run 'run' from 'bb' names an unknown or disabled component"):
        attempt(store)
    assert script.take_calls() == []
    assert store.find_request(KEY).component == "bb"


class Failing(InMemoryCheckpointStore):
    """A store in which nothing of a certain name can be written or removed."""

    fails = "nothing"

    def _files(self) -> Any:
        return Watched(super()._files(), self._refuse)

    def _refuse(self, step: str, path: str, *content: bytes) -> None:
        if step in ("write", "remove") and self.fails in path:
            raise OSError("the network is down")


@pytest.mark.parametrize("fails", ["fences/", ".checkpoint.json"], ids=["the takeover", "the beginning"])
def test_a_request_that_could_not_be_recorded_is_not_lost(script: Script, fails: str) -> None:
    """If the attempt cannot begin, the next one finds the request."""
    store = Failing()
    attempt(store)
    script.take_calls()
    ask(store, "b")
    store.fails = fails
    with pytest.raises(CheckpointWriteError):
        attempt(store)
    assert script.take_calls() == []
    store.fails = "nothing"
    attempt(store)
    assert script.take_calls() == ["b", "c"]


def test_a_request_that_could_not_be_removed_is_not_carried_out_twice(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The checkpoint says that it has been carried out."""
    caplog.set_level(logging.WARNING)
    store = Failing()
    attempt(store)
    script.take_calls()
    ask(store, "b")
    store.fails = "request.json"
    attempt(store)
    assert script.take_calls() == ["b", "c"]
    assert "the request to restart from 'b' stays in the store" in caplog.text
    attempt(store)
    assert script.take_calls() == []
