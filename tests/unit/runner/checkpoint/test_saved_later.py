"""What a completed component left may be saved later on, because the attempt fails or what it had read changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import CheckpointHooks, CompositeHooks, LocalCheckpointStore, NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, SessionStateSaved
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from tests.conftest import Script
from tests.samples.harness.runs import ScriptedRun
from tests.samples.pipelines import pipeline

VIEW = SavedView(name="v", url="/x/v", format="parquet", columns=["id"], files=1, bytes=7, digest="d")
SAVED = SessionStateRecord(handling="kept", reason="the attempt failed", views=[VIEW])


class Afterwards(NoOpHooks):
    """Does something as soon as a component's completion is recorded."""

    def __init__(self, component: str, act: Callable[[], None]) -> None:
        self._component, self._act = component, act

    def after_component(self, event: ComponentCompleted) -> None:
        if event.component.name == self._component:
            self._act()


def attempt(run: ScriptedRun, after: str, act: Callable[[CheckpointHooks], None]) -> None:
    """Run the pipeline, and act once ``after`` is recorded."""
    hooks = run.checkpoint_hooks()
    run.attempt(CompositeHooks(hooks, Afterwards(after, lambda: act(hooks))))


@pytest.fixture
def run(tmp_path: Path) -> ScriptedRun:
    return ScriptedRun(pipeline("a", "b", "c"), LocalCheckpointStore(tmp_path))


def test_what_was_saved_later_on_is_durable_before_anything_else(script: Script, run: ScriptedRun) -> None:
    """Another process reads it at once; all else in the component's record, and the other records, are as before."""
    seen = []

    def saved(hooks: CheckpointHooks) -> None:
        before = run.stored
        hooks.on_session_state_saved(SessionStateSaved("a", SAVED))
        seen.append((before, run.stored))

    script.fail("c")
    attempt(run, "b", saved)
    ((before, after),) = seen
    assert before.components["a"].session_state is None
    assert after.components["a"] == before.components["a"].model_copy(update={"session_state": SAVED})
    assert after.components["b"] == before.components["b"]
    assert after.completed_components == before.completed_components == ["a", "b"]
    assert run.stored.components["a"].session_state == SAVED
    assert run.completed() == {"a", "b"}


def test_an_attempt_that_has_been_replaced_records_nothing_more(script: Script, run: ScriptedRun) -> None:
    """What it saved is not what the newer attempt's record speaks of (invariant 5)."""

    def replaced(hooks: CheckpointHooks) -> None:
        run.attempt()
        hooks.on_session_state_saved(SessionStateSaved("a", SAVED))

    with pytest.raises(StaleAttemptError):
        attempt(run, "b", replaced)
    assert script.calls == ["a", "b", "c"]  # c by the newer one
    assert run.stored.status == "completed"
    assert run.stored.components["a"].session_state is None


def test_a_component_that_is_not_in_the_record_stays_out_of_it(script: Script, run: ScriptedRun) -> None:
    """The caller had said that it is complete: only what this run recorded counts (invariant 2)."""
    hooks = run.checkpoint_hooks()

    def saved() -> None:
        hooks.on_session_state_saved(SessionStateSaved("a", SAVED))

    script.fail("c")
    run.runner(CompositeHooks(hooks, Afterwards("b", saved))).run(completed_components={"a"})
    assert script.calls == ["b", "c"]
    assert run.stored.completed_components == ["b"]
    assert "a" not in run.stored.components
