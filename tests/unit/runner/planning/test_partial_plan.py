"""A part of a plan, for somebody who tries a pipeline out."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import PipelineResultStatus, SimplePipelineRunner
from airflow_provider.runner.planning.decide import plan_skipping
from airflow_provider.runner.planning.partial_plan import restrict_plan
from airflow_provider.runner.planning.plan import RunPlan
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

ABCD = pipeline("a", component("b", "a"), "c", component("d", "b"))


def part(completed: str = "", **what: Any) -> RunPlan:
    return restrict_plan(plan_skipping(ABCD, set(completed)), ABCD, **what)


def run(plan: RunPlan) -> Any:
    return SimplePipelineRunner(ABCD, spark=object()).run(plan=plan)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("completed", "what", "calls"),
    [
        ("", {"until": "b"}, ["a", "b"]),
        ("a", {"until": "c"}, ["b", "c"]),
        ("a", {"only": ["b"]}, ["b"]),
        ("", {"only": ["c"]}, ["c"]),
        ("", {"only": ["a", "b"]}, ["a", "b"]),
        ("", {"only": ["a", "d"], "until": "a"}, ["a"]),
        ("ab", {"only": ["a"]}, []),
        ("", {}, ["a", "b", "c", "d"]),
    ],
)
def test_only_the_requested_part_of_a_plan_runs(
    script: Script, completed: str, what: dict[str, Any], calls: list[str]
) -> None:
    """What is left out stays incomplete, so the pipeline is green only if nothing is (invariant 10)."""
    result = run(part(completed, **what))
    assert script.take_calls() == calls
    done = set(completed) | set(calls)
    assert set(result.completed_components) == done
    assert (result.status is PipelineResultStatus.SUCCESS) == (done == set("abcd"))
    assert result.is_part == (done != set("abcd"))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"only": ["b"]}, "component 'b' needs 'a', not complete in this run; run it first, or use --until b"),
        ({"only": ["bb"]}, "unknown or disabled component 'bb'; did you mean 'b'?"),
        ({"until": "../../x"}, "unknown or disabled component '../../x'"),
    ],
)
def test_a_part_that_cannot_run_is_refused(what: dict[str, Any], why: str) -> None:
    """Before anything runs, with the remedy."""
    with pytest.raises(PipelineConfigError) as refused:
        part(**what)
    assert why in str(refused.value)
