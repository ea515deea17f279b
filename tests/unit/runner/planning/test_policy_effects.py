"""Policies act in the order of one tuple, and a new one is a function and a line there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from airflow_provider.errors import ConfigChangedError
from airflow_provider.runner.planning import policy_effects
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.policy_effects import PlanInputs, Policy, PolicyEffect
from airflow_provider.runner.planning.reasons import Reason
from tests.samples.sketches import checkpoint, config

PIPELINE = config("a b(a) c")


@dataclass(frozen=True)
class SparkChanged(Reason):
    version: str

    def __str__(self) -> str:
        return f"it ran on Spark {self.version}"


def on_spark_change(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    return PolicyEffect({"b": SparkChanged("3.5")})


def refuse(inputs: PlanInputs, so_far: PolicyEffect) -> PolicyEffect:
    return PolicyEffect(obstacle=ConfigChangedError("run", "p", "Spark"))


def plan_with(monkeypatch: pytest.MonkeyPatch, *policies: Policy) -> RunPlan:
    monkeypatch.setattr(policy_effects, "POLICIES", (*policy_effects.POLICIES, *policies))
    return decide(PIPELINE, Facts(checkpoint(PIPELINE, "a b c")))


def test_a_policy_in_the_tuple_decides_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_with(monkeypatch, on_spark_change)
    assert [f"{d.component} {d.action}" for d in plan.decisions] == ["a REUSE", "b RUN", "c REUSE"]
    assert plan.decisions[1].reason == SparkChanged("3.5")


def test_the_obstacle_of_a_policy_ends_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigChangedError):
        plan_with(monkeypatch, refuse, on_spark_change)


def test_the_reason_of_a_later_policy_replaces_that_of_an_earlier_one() -> None:
    first, second = (
        PolicyEffect({"a": SparkChanged("1"), "b": SparkChanged("1")}),
        PolicyEffect({"b": SparkChanged("2")}),
    )
    assert first.then(second).reasons == {"a": SparkChanged("1"), "b": SparkChanged("2")}


def test_a_restart_of_everything_is_kept_by_the_policies_after_it() -> None:
    restart = PolicyEffect({"a": SparkChanged("1")}, restarted_by="on_spark_change", kept_by_rerun_affected=("c",))
    both = restart.then(PolicyEffect({"b": SparkChanged("2")}))
    assert (both.restarted_by, both.kept_by_rerun_affected) == ("on_spark_change", ("c",))
