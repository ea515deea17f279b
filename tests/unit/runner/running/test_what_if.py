"""What the next attempt would do for each request, as the next attempt then plans it."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider.runner import CheckpointState, PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.requests import RestartRequest, SettledRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.running.what_if import Answer, WhatIf, what_if
from tests.samples.sketches import COMPLETED_AT, checkpoint, config

PIPELINE = config("a b(a) c(b) d(a) e(c,d)")
FIRST = AirflowTry(1, 1, 0, clear_number=0)


def asked(found: CheckpointState, pipeline: PipelineConfig = PIPELINE, **how: float) -> WhatIf:
    run = AirflowAttemptSpec(pipeline, RunKey((), found.run_id, "p"), FIRST)
    return what_if(run, found.model_copy(update={"airflow": FIRST.record()}), **how)


def failed(completed: str, component: str, pipeline: PipelineConfig = PIPELINE) -> CheckpointState:
    return checkpoint(pipeline, completed, status="failed", failed_component=component)


def test_each_request_has_its_answer() -> None:
    found = asked(failed("a b", "c"))
    assert found.resume == Answer("rrxxx")
    assert found.beginning == Answer("xxxxx")
    assert {name: answer.actions for name, answer in found.restart.items()} == {
        "c": "rrxxx",
        "b": "rxxxx",
        "a": "xxxxx",
        "d": "rrxxx",
        "e": "rrxxx",
    }


def test_what_must_be_replayed_or_is_refused_is_told() -> None:
    """The views of b are not kept: it is replayed if it may be, and whoever needs it is refused otherwise."""
    assert asked(failed("a b:replay", "c")).resume == Answer("rpxxx")
    refused = asked(failed("a b:unrepeatable", "c"), config("a b(a) c(b) d(a) e(c,d)", on_clear="resume")).resume
    assert refused.actions == ""
    assert "b" in refused.refused


def test_after_a_success_a_clear_starts_over_and_a_request_does_not() -> None:
    found = asked(checkpoint(PIPELINE, "a b c d e", status="completed"))
    assert found.resume == Answer("xxxxx")
    assert found.restart["c"] == Answer("rrxrx")
    assert found.alone["e"] == Answer("rrrrx")


def test_what_would_be_set_aside_is_refused_with_the_reason() -> None:
    """A component that has read what the other one leaves would keep an old result."""
    found = asked(checkpoint(PIPELINE, "a:2views b:2views c:2views d:2views e", status="completed"))
    assert "c" in found.alone["b"].refused
    assert found.alone["b"].actions == ""


def test_the_likeliest_come_first_when_time_is_short() -> None:
    """The failed one and what it depends on, the nearest first."""

    def ticks() -> Iterator[float]:
        yield from map(float, range(100))

    clock = ticks()
    found = asked(failed("a b", "c"), clock=lambda: next(clock), seconds=3.5)
    assert list(found.restart) == ["c", "b", "a"]
    assert list(found.alone) == ["c", "b", "a"]


def test_in_the_progress_equal_actions_are_counted_and_places_stand_for_names() -> None:
    """A disabled component has a place there, too."""
    found = WhatIf(("a", "b", "c"), Answer("rrx"), Answer(refused="no"), {"b": Answer("rxx")}, {"a": Answer("xss")})
    assert found.to_json(["a", "b", "c"])["resume"] == "2r1x"
    assert found.to_json(["a", "off", "b", "c"]) == {
        "resume": "1r1s1r1x",
        "beginning": {"refused": "no"},
        "from": {"2": "1r1s2x"},
        "only": {"0": "1x3s"},
    }


def test_a_request_of_the_run_counts_until_an_attempt_has_dealt_with_it() -> None:
    request = RestartRequest.from_config_value(RestartFrom(components=("a",)), "x")
    found = failed("a b", "c").model_copy(update={"airflow": FIRST.record()})
    run = AirflowAttemptSpec(PIPELINE, RunKey((), found.run_id, "p"), FIRST, requests=(request,))
    assert what_if(run, found).resume == Answer("xxxxx")
    settled = SettledRequest.of(request, COMPLETED_AT, 1, None)
    assert what_if(run, found.model_copy(update={"requests": [settled]})).resume == Answer("rrxxx")
