"""A request to restart from a component, left in the store for the next attempt."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import CheckpointWriteError
from airflow_provider.runner import CheckpointStore, InMemoryCheckpointStore, LocalCheckpointStore, PipelineResult
from airflow_provider.runner.checkpoint.layout import REQUEST
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.start_mode import AirflowTry, StartCase, StartMode
from airflow_provider.runner.record.requests import AT_THE_TRIGGER, RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script
from tests.samples.harness.watched import Killed, Watched
from tests.samples.pipelines import component, pipeline

KEY = RunKey((), "run", "p")
CHAIN = pipeline(component("a"), component("b", "a"), component("c", "b"))


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each store of the engine."""
    return InMemoryCheckpointStore() if request.param == "memory" else LocalCheckpointStore(tmp_path)


def attempt(store: CheckpointStore, **options: Any) -> PipelineResult:
    spark: Any = object()
    return run_attempt(
        AttemptSpec(CHAIN, store, KEY, spark=spark, saving=SavePolicy(sleep=lambda seconds: None), **options)
    )


def ask(store: Any, component: str) -> None:
    store.leave_request(RestartRequest(components=(component,)), KEY)


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
    attempt(store, start_mode=lambda checkpoint, asked: StartMode(StartCase.FRESH_REQUESTED))
    script.take_calls()
    attempt(store)
    assert script.take_calls() == ["c"]


def test_what_became_impossible_is_set_aside_and_never_blocks_a_run(
    script: Script, store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The attempt goes on as if there were none, the log says what to do, and what became of it is recorded."""
    script.fail("b")
    attempt(store)
    script.mend("b")
    script.take_calls()
    ask(store, "bb")
    attempt(store)
    assert script.take_calls() == ["b", "c"]
    assert store.find_request(KEY) is None
    assert "unknown or disabled component 'bb'; did you mean 'b'?" in caplog.text
    assert "leave a new request" in caplog.text
    (settled,) = store.load("run", "p").requests
    assert (settled.attempt, settled.what) == (2, "restart from 'bb'")
    assert "unknown or disabled" in settled.set_aside


class Failing(InMemoryCheckpointStore):
    """A store in which nothing of a certain name can be written or removed."""

    fails = "nothing"

    def storage(self) -> Any:
        return Watched(super().storage(), self._refuse)

    def _refuse(self, step: str, path: str, *content: bytes) -> None:
        if step in ("write", "delete") and self.fails in path:
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
    assert "cannot remove the request from the store (restart from 'b')" in caplog.text
    attempt(store)
    assert script.take_calls() == []


def test_a_typed_request_is_carried_out_once_whenever_the_attempt_is_killed(script: Script) -> None:
    """It has no id, so it gets one before anything is recorded: the retry after a kill must not restart again."""
    store = Failing()
    attempt(store)
    script.take_calls()
    store.storage().write(f"{KEY.path}/{REQUEST}", b"b\n")
    store.fails = "request.json"  # neither an id nor a removal can be written
    with pytest.raises(CheckpointWriteError, match="the request to restart"):
        attempt(store)
    assert script.take_calls() == [], "it is found again, so nothing may run that it would repeat"

    store.fails = "nothing"
    script.fail("c")
    attempt(store)
    assert script.take_calls() == ["b", "c"]
    store.leave_request(RestartRequest(components=("b",), id=load(store, KEY).requests[-1].id), KEY)  # as after a kill
    script.mend("c")
    attempt(store)
    assert script.take_calls() == ["c"]


def test_a_request_that_cannot_be_read_is_set_aside(script: Script, tmp_path: Path, caplog: Any) -> None:
    """Invariant 9 for requests: what is in the store never blocks a run."""
    store = LocalCheckpointStore(tmp_path)
    script.fail("b")
    attempt(store)
    script.mend("b")
    script.take_calls()
    ask(store, "a")
    (path,) = tmp_path.rglob("*request.json")
    path.write_text('{"components": [], "id": "1"}')
    attempt(store)
    assert script.take_calls() == ["b", "c"]
    assert "is not a valid restart request" in caplog.text
    assert store.find_request(KEY) is None
    assert load(store, KEY).requests[-1].what == "a request that cannot be read"
    attempt(store)
    assert script.take_calls() == []


def standing(component: str) -> tuple[RestartRequest, ...]:
    return (RestartRequest.from_config_value(RestartFrom(components=(component,)), AT_THE_TRIGGER, "ann"),)


def test_what_the_runs_conf_asks_for_holds_for_the_first_attempt(script: Script, store: Any) -> None:
    """It stands there for ever, so it must be carried out once; what it was and by whom is recorded."""
    script.fail("c")
    for _ in range(3):
        attempt(store, config_requests=standing("b"))
    assert script.take_calls() == ["a", "b", "c", "c", "c"]
    (settled,) = load(store, KEY).requests
    assert (settled.what, settled.attempt, settled.requested_by) == ("restart from 'b'", 1, "ann")
    assert str(settled).startswith(f"restart from 'b' ({AT_THE_TRIGGER} by ann): carried out by attempt 1 at ")


def test_two_requests_at_once_are_both_carried_out_once(script: Script, store: Any) -> None:
    """One in the store and one in the DAG file: neither is forgotten."""
    attempt(store)
    script.take_calls()
    ask(store, "c")
    script.fail("c")
    today = CHAIN.model_copy(update={"restart_from": RestartFrom(components=("b",))})
    spark: Any = object()
    for _ in range(2):
        run_attempt(AttemptSpec(today, store, KEY, spark=spark))
    assert script.take_calls() == ["b", "c", "c"]
    assert [str(settled.what) for settled in load(store, KEY).requests] == ["restart from 'c'", "restart from 'b'"]


def test_a_refused_request_is_set_aside_and_the_run_goes_on(script: Script, store: Any, caplog: Any) -> None:
    """What b left is not recorded without Spark, and c depends on it: b alone would leave c old."""
    script.fail("c")
    attempt(store)
    script.mend("c")
    attempt(store)
    script.take_calls()
    store.leave_request(RestartRequest(components=("b",), only=True), KEY)
    attempt(store)
    assert script.take_calls() == []
    assert "would leave 'c' with an old result" in caplog.text
    assert store.find_request(KEY) is None


def airflow_attempt(store: Any, number: int, *, max_tries: int, clears: int) -> PipelineResult:
    """Make an attempt as the operator does."""
    spark: Any = object()
    return run_airflow_attempt(
        AirflowAttemptSpec(CHAIN, KEY, AirflowTry(number, max_tries, 1, clears)), store, spark=spark
    )


def test_a_request_wins_over_the_fresh_start_after_a_success(script: Script, store: Any, caplog: Any) -> None:
    """Cleared after a success, what was asked for runs and nothing else, and a failure forgets nothing."""
    caplog.set_level(logging.INFO)
    airflow_attempt(store, 1, max_tries=1, clears=0)
    script.take_calls()
    ask(store, "b")
    script.fail("c")
    airflow_attempt(store, 2, max_tries=2, clears=1)
    assert script.take_calls() == ["b", "c"]
    assert "cleared after the pipeline had succeeded, with a restart request, so only that restart runs" in caplog.text
    script.mend("c")
    airflow_attempt(store, 3, max_tries=2, clears=1)
    assert script.take_calls() == ["c"], "the retry goes on: neither twice nor forgotten"
    airflow_attempt(store, 4, max_tries=4, clears=2)
    assert script.take_calls() == ["a", "b", "c"], "a clear without a request starts afresh"


def test_an_impossible_request_after_a_success_runs_nothing(script: Script, store: Any) -> None:
    """Everything would be the least that its author wanted."""
    airflow_attempt(store, 1, max_tries=1, clears=0)
    script.take_calls()
    ask(store, "gone")
    assert airflow_attempt(store, 2, max_tries=2, clears=1).failed_components == []
    assert script.take_calls() == []


class Dying(InMemoryCheckpointStore):
    """A store whose process is killed before a certain change of what is stored."""

    left = 10**6

    def storage(self) -> Any:
        return Watched(super().storage(), self._step)

    def _step(self, step: str, path: str, *content: bytes) -> None:
        if step in ("write", "delete"):
            self.left -= 1
            if self.left < 0:
                raise Killed


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "by command"])
def test_a_killed_restart_after_a_success_is_neither_repeated_nor_forgotten(script: Script, typed: bool) -> None:
    """Invariants 1 and 2: killed before any change of the store, the retry goes on with what was asked for."""
    for step in range(100):
        store = Dying()
        airflow_attempt(store, 1, max_tries=1, clears=0)
        ask(store, "b")
        if typed:
            store.storage().write(f"{KEY.path}/{REQUEST}", b"b\n")
        script.take_calls()
        store.left = step
        try:
            airflow_attempt(store, 2, max_tries=2, clears=1)
        except Killed:
            died = True
        else:
            died = False
        first = script.take_calls()
        store.left = 10**6
        airflow_attempt(store, 3, max_tries=2, clears=1)
        second = script.take_calls()
        # b is recorded before c begins; the component that was running runs again.
        assert [name for name in "abc" if name in first + second] == ["b", "c"], step
        assert not ("c" in first and "b" in second), step
        airflow_attempt(store, 4, max_tries=2, clears=1)
        assert script.take_calls() == [], step
        assert store.find_request(KEY) is None or load(store, KEY).settled(store.find_request(KEY).id)
        if not died:
            break
    assert not died
    assert step > 5
