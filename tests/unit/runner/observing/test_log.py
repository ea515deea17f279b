"""What the log of a run says."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.runner import (
    ComponentResult,
    LoggingHooks,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.observing.events import PipelineFinished
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.progress_record import SparkCosts, SparkUsage
from tests.conftest import Script
from tests.samples.harness.ticking_runs import run
from tests.samples.pipelines import component, pipeline

SEVEN = pipeline(*"abcdefg")


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_the_log_tells_the_plan_each_component_and_the_result(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("load", "a longer name"), LoggingHooks())
    assert caplog.messages == [
        "pipeline 'p' (version 1): plan of this attempt: 2 to RUN (no component was given as completed)",
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


def test_what_may_make_a_component_slow_follows_the_table(caplog: pytest.LogCaptureFixture) -> None:
    """One sentence per component, with what to do."""
    usage = SparkUsage(SparkCosts(spilled_bytes=4 * 10**9))
    part = ComponentResult("a", Action.RUN, "", ComponentStatus.COMPLETED, duration_seconds=60, usage=usage)
    config, result = pipeline("a"), PipelineResult("p", PipelineResultStatus.SUCCESS, (part,), 61.0)
    LoggingHooks().after_pipeline(PipelineFinished(config, result))
    assert caplog.messages[-1].startswith("a: it wrote 4.0 GB to disk because its tasks had too little memory: raise")


def test_a_plan_with_several_reasons_is_a_table(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("load", "a longer name", "end"), LoggingHooks(), {"load"})
    assert caplog.messages[:5] == [
        "pipeline 'p' (version 1): plan of this attempt: 2 to RUN, 1 to REUSE",
        "component       action   why",
        "─" * 43,
        "load            REUSE    given as completed",
        "a longer name   RUN      not completed yet",
    ]


def test_the_log_of_ten_components_fits_on_a_screen(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """At most 40 lines, with the two that the attempt itself adds in Airflow."""
    run(pipeline(*"abcdefghij"), LoggingHooks())
    assert len(caplog.messages) <= 38


def test_each_component_is_logged_with_its_place(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(SEVEN, LoggingHooks())
    assert "[3/7] c: started" in caplog.messages
    assert "[3/7] c: completed in 1.0 s" in caplog.messages


def test_a_reused_component_keeps_its_place_and_is_not_started(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    run(SEVEN, LoggingHooks(), {"a", "b"})
    assert "pipeline 'p' (version 1): plan of this attempt: 5 to RUN, 2 to REUSE" in caplog.messages
    started = [line for line in caplog.messages if line.endswith("started")]
    assert started == [f"[{place}/7] {name}: started" for place, name in enumerate("cdefg", start=3)]
    assert any(line.split() == ["a", "REUSE", "given", "as", "completed"] for line in caplog.messages)


def test_a_failure_is_logged_with_its_reason_and_what_comes_next(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.fail("b", ValueError("the file is empty\nsecond line"))
    run(pipeline("a", "b", "c"), LoggingHooks())
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors[0] == "[2/3] b: FAILED after 1.0 s: ValueError: the file is empty"
    assert "pipeline 'p' FAILED after 6.0 s: 1 of 3 components complete" in caplog.messages
    assert caplog.messages[-1] == "next: the next attempt of this run resumes at 'b'"
    header = next(index for index, line in enumerate(caplog.messages) if "outcome" in line)
    assert caplog.messages[header + 2 : header + 5] == [
        "a           RUN      completed                       1.0 s",
        "b           RUN      FAILED                          1.0 s",
        "c           RUN      not run: 'b' failed before it   -",
    ]


def test_the_stack_in_the_log_begins_with_the_authors_code(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """The frames of the engine, which called it, are in the log at level DEBUG."""
    caplog.set_level(logging.DEBUG)
    script.fail("a", ValueError("empty"))
    run(pipeline("a"), LoggingHooks())
    engine = {record.levelno for record in caplog.records if "component_runner.py" in record.getMessage()}
    assert engine == {logging.DEBUG}
    start = caplog.messages.index("Traceback (most recent call last):")
    assert "basic.py" in caplog.messages[start + 1]


def test_version_environment_and_tags_are_in_the_first_line(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    config = PipelineConfig(
        name="p", version="2.1", environment="prod", tags={"team": "data"}, components=[component("a")]
    )
    run(config, LoggingHooks())
    assert caplog.messages[0] == "pipeline 'p' (version 2.1, prod, team=data): plan of this attempt: 1 to RUN"


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
    assert f"completed after {outcome}" in caplog.messages[-2]


def test_a_dependency_that_is_disabled_is_warned_about(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline(component("a", enabled=False), component("b", "a")), LoggingHooks())
    assert "component 'b' depends on 'a', which is disabled; it runs without it" in caplog.messages
    assert script.calls == ["b"]


def test_a_logger_of_the_authors_own_is_used(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("a"), LoggingHooks(logging.getLogger("mine")))
    assert {record.name for record in caplog.records} == {"mine"}


def test_a_percent_sign_or_a_brace_in_a_name_is_text(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    run(pipeline("100%s {x} [bold]"), LoggingHooks())
    assert "[1/1] 100%s {x} [bold]: started" in caplog.messages
    assert any(line.startswith("100%s {x} [bold]   RUN") for line in caplog.messages)
