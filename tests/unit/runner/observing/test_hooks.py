"""What the ready-made hooks say and count, and how durations and tables read."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import (
    CompositeHooks,
    LoggingHooks,
    MetricsHooks,
    NoOpHooks,
    PipelineConfig,
    PipelineHooks,
    PipelineResultStatus,
    SimplePipelineRunner,
)
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentStarted, SessionStateSaved
from airflow_provider.runner.observing.report import duration, table
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

SEVEN = pipeline(*"abcdefg")


class Ticks:
    """A clock that moves by so many seconds each time somebody looks at it."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def run(config: PipelineConfig, hooks: PipelineHooks, completed: set[str] | None = None, **options: Any) -> Any:
    options |= {"spark": object(), "environment": RunnerEnvironment(clock=Ticks(1), sleep=lambda seconds: None)}
    return SimplePipelineRunner(config, hooks=hooks, **options).run(completed)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return caplog.messages


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


# LoggingHooks


def test_the_log_tells_the_plan_each_component_and_the_result(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("load", "a longer name"), LoggingHooks())
    assert lines(caplog) == [
        "pipeline 'p' (version 1): plan of this attempt: 2 to RUN",
        "component       action   why",
        "─" * 60,
        "load            RUN      no component was given as completed",
        "a longer name   RUN      no component was given as completed",
        "[1/2] load: started",
        "[1/2] load: completed in 1.0 s",
        "[2/2] a longer name: started",
        "[2/2] a longer name: completed in 1.0 s",
        "pipeline 'p' succeeded after 5.0 s: 2 of 2 components complete",
        "component       action   outcome     time",
        "─" * 42,
        "load            RUN      completed   1.0 s",
        "a longer name   RUN      completed   1.0 s",
        "time: components 2.0 s, the rest 3.0 s",
    ]


def test_each_component_is_logged_with_its_place(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(SEVEN, LoggingHooks())
    assert "[3/7] c: started" in lines(caplog)
    assert "[3/7] c: completed in 1.0 s" in lines(caplog)


def test_a_reused_component_keeps_its_place_and_is_not_started(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    run(SEVEN, LoggingHooks(), {"a", "b"})
    assert "pipeline 'p' (version 1): plan of this attempt: 5 to RUN, 2 to REUSE" in lines(caplog)
    started = [line for line in lines(caplog) if line.endswith("started")]
    assert started == [f"[{place}/7] {name}: started" for place, name in enumerate("cdefg", start=3)]
    assert any(line.split() == ["a", "REUSE", "given", "as", "completed"] for line in lines(caplog))


def test_a_failure_is_logged_with_its_reason_and_what_comes_next(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.fail("b", ValueError("the file is empty\nsecond line"))
    run(pipeline("a", "b", "c"), LoggingHooks())
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors[0] == "[2/3] b: FAILED after 1.0 s: ValueError: the file is empty"
    assert "pipeline 'p' FAILED after 6.0 s: 1 of 3 components complete" in lines(caplog)
    assert lines(caplog)[-1] == "next: the next attempt of this run goes on with 'b'"
    header = next(index for index, line in enumerate(lines(caplog)) if "outcome" in line)
    assert lines(caplog)[header + 2 : header + 5] == [
        "a           RUN      completed                       1.0 s",
        "b           RUN      FAILED                          1.0 s",
        "c           RUN      not run: 'b' failed before it   -",
    ]


def test_version_environment_and_tags_are_in_the_first_line(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    config = PipelineConfig(
        name="p", version="2.1", environment="prod", tags={"team": "data"}, components=[component("a")]
    )
    run(config, LoggingHooks())
    assert lines(caplog)[0] == "pipeline 'p' (version 2.1, prod, team=data): plan of this attempt: 1 to RUN"


def test_own_retries_and_the_circuit_breaker_are_logged_as_warnings(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.fail("a", OSError("gone"))
    policy = {"retry": {"max_attempts": 3}, "circuit_breaker": {"failure_threshold": 1}}
    run(pipeline(component("a", resilience=policy)), LoggingHooks())
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["a: circuit breaker closed -> open", "a: try 1 of 3 failed, next in 1.0 s: OSError: gone"]


@pytest.mark.parametrize(("failures", "outcome"), [(1, "1 own retry"), (2, "2 own retries")])
def test_the_result_tells_how_many_own_retries_a_component_needed(
    script: Script, caplog: pytest.LogCaptureFixture, failures: int, outcome: str
) -> None:
    left = iter([OSError("gone")] * failures)

    def behaviour() -> None:
        for error in left:
            raise error

    script.on("a", behaviour)
    run(pipeline(component("a", retry={"max_attempts": 3})), LoggingHooks())
    assert f"completed after {outcome}" in lines(caplog)[-2]


def test_a_dependency_that_is_disabled_is_warned_about(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline(component("a", enabled=False), component("b", "a")), LoggingHooks())
    assert "component 'b' depends on 'a', which is disabled; it runs without it" in lines(caplog)
    assert script.calls == ["b"]


def test_a_logger_of_the_authors_own_is_used(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("a"), LoggingHooks(logging.getLogger("mine")))
    assert {record.name for record in caplog.records} == {"mine"}


def test_a_percent_sign_or_a_brace_in_a_name_is_text(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("100%s {x} [bold]"), LoggingHooks())
    assert "[1/1] 100%s {x} [bold]: started" in lines(caplog)
    assert any(line.startswith("100%s {x} [bold]   RUN") for line in lines(caplog))


# Tables and durations


def width(text: str) -> int:
    """Columns on a terminal: an East Asian wide character takes two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_columns_are_aligned_whatever_the_width_of_the_characters() -> None:
    names = ["load", "日本語", "ｆｕｌｌ", "cafe\u0301", "a name that is longer than the others", ""]
    rows = table(("component", "action"), [(name, "RUN") for name in names])
    starts = {width(line[: line.rindex("RUN")]) for line in rows[2:]}
    assert len(rows) == 2 + len(names)
    assert len(starts) == 1
    assert width(rows[0][: rows[0].index("action")]) in starts


def test_a_line_break_in_a_cell_does_not_break_the_table() -> None:
    rows = table(("component", "why"), [("a\nb\r\nc", "x"), ("d", "y")])
    assert [line.split("  ")[0] for line in rows[2:]] == ["a b c", "d"]


def test_a_long_cell_is_neither_cut_nor_wrapped() -> None:
    rows = table(("component", "why"), [("a", "x" * 500)])
    assert rows[-1].endswith("x" * 500)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10.0 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 00 s"),
        (59.99, "1 min 00 s"),
        (60, "1 min 00 s"),
        (61.4, "1 min 01 s"),
        (185, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3600, "1 h 00 min"),
        (21720, "6 h 02 min"),
        (360000, "100 h 00 min"),
    ],
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# MetricsHooks


def test_metrics_count_what_happens_and_time_each_component(script: Script) -> None:
    script.fail("d")
    metrics = MetricsHooks()
    run(pipeline("a", component("b", retry={"max_attempts": 2}), "c", "d", "e"), metrics, {"a"})
    assert metrics.counts == {"reused": 1, "completed": 2, "failed": 1}
    assert metrics.durations == {"b": 1.0, "c": 1.0, "d": 1.0}


def test_metrics_pass_each_figure_on_with_its_tags(script: Script) -> None:
    tries = iter([OSError("gone")])

    def behaviour() -> None:
        for error in tries:
            raise error

    script.on("b", behaviour)
    script.fail("c")
    figures: list[tuple[str, float, dict[str, str]]] = []
    config = pipeline("a", component("b", retry={"max_attempts": 2}), "c", name="daily")
    run(config, MetricsHooks(lambda *figure: figures.append(figure)), {"a"})

    def of(name: str) -> dict[str, str]:
        return {"pipeline": "daily", "component": name}

    assert figures == [
        ("component.reused", 1, of("a")),
        ("component.retried", 1, of("b")),
        ("component.completed", 1, of("b")),
        ("component.duration_seconds", 1.0, of("b")),
        ("component.failed", 1, of("c")),
        ("component.duration_seconds", 1.0, of("c")),
        ("pipeline.duration_seconds", 6.0, {"pipeline": "daily"}),
        ("pipeline.seconds_saved", 0, {"pipeline": "daily"}),
    ]


def test_a_metrics_server_that_is_down_does_not_stop_the_run(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Invariant 4."""

    def emit(*figure: object) -> None:
        raise ConnectionError("down")

    assert run(SEVEN, MetricsHooks(emit)).status is PipelineResultStatus.SUCCESS
    assert "hook MetricsHooks.after_component failed; the run goes on" in lines(caplog)


# Combining hooks


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


def test_what_was_saved_later_on_is_told_to_every_hook(caplog: pytest.LogCaptureFixture) -> None:
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
    assert lines(caplog) == ["hook Told.on_session_state_saved failed; the run goes on"]
    told.clear()
    with pytest.raises(StaleAttemptError):
        CompositeHooks(Told("first", StaleAttemptError("replaced")), Told("second")).on_session_state_saved(event)
    assert told == [("first", "a"), ("second", "a")]


def test_metrics_count_what_was_saved_later_on() -> None:
    """With the bytes that the views take."""
    figures: list[tuple[str, float, dict[str, str]]] = []
    metrics = MetricsHooks(lambda *figure: figures.append(figure))
    view = {"name": "v", "url": "/x", "format": "parquet", "columns": ["id"], "files": 1, "bytes": 7, "digest": "d"}
    state = SessionStateRecord(handling="kept", reason="the attempt failed", views=[SavedView.model_validate(view)])
    metrics.on_session_state_saved(SessionStateSaved("a", state))
    tags = {"pipeline": "", "component": "a"}
    assert metrics.counts == {"saved": 1}
    assert figures == [("component.saved", 1, tags), ("component.saved_bytes", 7, tags)]
