"""How several hooks are called: in order, each of them, whatever one of them raises."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import CompositeHooks, NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentStarted, SessionStateSaved
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from tests.conftest import Script
from tests.samples.harness.ticking_runs import run
from tests.samples.pipelines import pipeline


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


class Notes(NoOpHooks):
    def __init__(self, notes: list[str], name: str, error: Exception | None = None) -> None:
        self.notes, self.name, self.error = notes, name, error

    def before_component(self, event: ComponentStarted) -> None:
        self.notes.append(f"{self.name} before {event.component.name}")
        if self.error:
            raise self.error

    def after_component(self, event: ComponentCompleted) -> None:
        self.notes.append(f"{self.name} after {event.component.name}")


def test_hooks_are_called_in_the_order_given(script: Script) -> None:
    notes: list[str] = []
    run(pipeline("a"), CompositeHooks(Notes(notes, "first"), Notes(notes, "second")))
    assert notes == ["first before a", "second before a", "first after a", "second after a"]


@pytest.mark.parametrize("error", [ValueError("no"), StaleAttemptError("replaced")], ids=["observing", "checkpoint"])
def test_each_hook_is_called_even_if_one_before_it_raised(script: Script, error: Exception) -> None:
    """Invariant 4: a checkpoint error is raised again, but only after all the others were told."""
    notes: list[str] = []
    hooks = CompositeHooks(Notes(notes, "first", error), Notes(notes, "second"))
    if isinstance(error, StaleAttemptError):
        with pytest.raises(StaleAttemptError):
            run(pipeline("a"), hooks)
        assert script.calls == []
    else:
        run(pipeline("a"), hooks)
        assert script.calls == ["a"]
    assert notes[:2] == ["first before a", "second before a"]


def test_every_hook_gets_the_event_of_state_that_is_saved_later(caplog: pytest.LogCaptureFixture) -> None:
    """Also through a composite in a composite; a checkpoint error comes back, others are logged (invariant 4)."""
    told: list[tuple[str, str]] = []

    class Told(NoOpHooks):
        def __init__(self, name: str, error: Exception | None = None) -> None:
            self.name, self.error = name, error

        def on_session_state_saved(self, event: SessionStateSaved) -> None:
            told.append((self.name, event.component))
            if self.error:
                raise self.error

    event = SessionStateSaved("a", SessionStateRecord(handling="kept", reason="the attempt failed"))
    CompositeHooks(Told("first", ValueError("no")), CompositeHooks(Told("second"))).on_session_state_saved(event)
    assert told == [("first", "a"), ("second", "a")]
    assert caplog.messages == ["hook Told.on_session_state_saved failed; the run goes on"]
    told.clear()
    with pytest.raises(StaleAttemptError):
        CompositeHooks(Told("first", StaleAttemptError("replaced")), Told("second")).on_session_state_saved(event)
    assert told == [("first", "a"), ("second", "a")]
