"""The policies at work: ``on_config_change`` and ``restart_from`` over several attempts at one run.

The pipeline of most tests has seven components; g fails at first, and d (the fourth) is the one that is changed:

    a ── b ── c ── d ── e
               └── f ── g
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import ConfigChangedError, PipelineConfigError
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    CompositeHooks,
    LocalCheckpointStore,
    LoggingHooks,
    NoOpHooks,
    PipelineConfig,
    PipelineHooks,
    PipelineResult,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.start_mode import StartMode
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script
from tests.samples.sketches import config

RUN = "run-1"
NO_SPARK: Any = object()
SEVEN = "a b(a) c(b) d(c) e(d) f(c) g(f)"
D_CHANGED = SEVEN.replace("d(c)", "d=hunter2(c)")


@dataclass
class PolicyRun:
    """Attempts at one run. Each is a new process in all but name, so nothing but the store connects them."""

    directory: Path
    script: Script
    resume: Callable[[PipelineConfig, LocalCheckpointStore, PipelineHooks], PipelineResult]
    result: PipelineResult | None = None

    @property
    def store(self) -> LocalCheckpointStore:
        return LocalCheckpointStore(self.directory)

    @property
    def stored(self) -> CheckpointState:
        state = self.store.load(RUN, "p")
        assert state is not None
        return state

    def ran(
        self, sketch: str, *, fails: Collection[str] = (), explicitly_from: str | None = None, **fields: Any
    ) -> str:
        """Make an attempt and return which components ran, in that order.

        :param sketch: the config, see ``tests.samples.sketches``
        :param fails: names of the components that fail in this attempt
        :param explicitly_from: ask the plan itself to restart from this component
        :param fields: further fields of the pipeline
        """
        today = config(sketch, **fields)
        for component in today.components:
            self.script.mend(component.name)
        for name in fails:
            self.script.fail(name)
        if explicitly_from is not None:
            self.result = by_attempt(today, self.store, NoOpHooks(), explicitly_from)
        else:
            hooks = CheckpointHooks(self.store, RUN, compute_pipeline_fingerprint(today))
            self.result = self.resume(today, self.store, CompositeHooks(LoggingHooks(), hooks))
        return "".join(self.script.take_calls())

    def documents(self) -> dict[Path, bytes]:
        """Return what is recorded, byte for byte, beside which attempt has taken it over."""
        return {path: path.read_bytes() for path in self.directory.rglob("*.json") if path.parent.name != "~fences"}

    def reasons(self) -> dict[str, str]:
        """Return what the last attempt did with each component and why."""
        assert self.result is not None
        return {r.component_name: f"{r.action} {r.reason}" for r in self.result.component_results}


def by_attempt(
    today: PipelineConfig, store: LocalCheckpointStore, hooks: PipelineHooks, restart_from: str | None = None
) -> PipelineResult:
    """As the operator does it: the takeover comes first. It has hooks of its own for log and checkpoint."""
    beginning = StartMode(restarts=(RestartFrom(components=(restart_from,)),) if restart_from is not None else ())
    return run_attempt(
        AttemptSpec(today, store, RunKey((), RUN, "p"), lambda checkpoint, asked: beginning, spark=NO_SPARK)
    )


def by_plan(today: PipelineConfig, store: LocalCheckpointStore, hooks: PipelineHooks) -> PipelineResult:
    """As somebody does it who wants to look at the plan first."""
    runner = SimplePipelineRunner(today, hooks=hooks, spark=NO_SPARK)
    return runner.run(plan=runner.plan(store.load(RUN, today.name)))


def by_names(today: PipelineConfig, store: LocalCheckpointStore, hooks: PipelineHooks) -> PipelineResult:
    """As the example of DESIGN.md does it."""
    runner = SimplePipelineRunner(today, hooks=hooks, spark=NO_SPARK)
    return runner.run(completed_components=load_checkpoint_for_resume(store, RUN, today))


WAYS = {"by attempt": by_attempt, "by plan": by_plan, "by completed components": by_names}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def attempts(request: pytest.FixtureRequest, tmp_path: Path, script: Script) -> PolicyRun:
    return PolicyRun(tmp_path / "store", script, request.param)


@pytest.fixture
def failed_at_g(attempts: PolicyRun) -> PolicyRun:
    """A run of which all but g completed."""
    assert attempts.ran(SEVEN, fails="g") == "abcdefg"
    return attempts


# on_config_change


def test_rerun_affected_runs_the_changed_one_its_descendants_and_what_had_not_completed(failed_at_g: PolicyRun) -> None:
    assert failed_at_g.ran(D_CHANGED, on_config_change="rerun_affected") == "deg"
    reasons = failed_at_g.reasons()
    assert reasons["d"] == "RUN its config changed"
    assert reasons["e"] == "RUN a component that it depends on has changed"
    assert reasons["g"] == "RUN failed in attempt 1"
    assert all(reasons[name].startswith("REUSE completed in attempt 1 at ") for name in "abcf")
    assert sorted(failed_at_g.stored.completed_components) == list("abcdefg")


@pytest.mark.parametrize(("fails", "second", "third"), [("d", "d", "deg"), ("e", "de", "eg"), ("g", "deg", "g")])
def test_after_another_failure_rerun_affected_repeats_nothing_of_what_it_completed(
    failed_at_g: PolicyRun, fails: str, second: str, third: str
) -> None:
    """Invariant 1: the change has been dealt with once; the third attempt is a plain retry."""
    assert failed_at_g.ran(D_CHANGED, fails=fails, on_config_change="rerun_affected") == second
    assert failed_at_g.ran(D_CHANGED, on_config_change="rerun_affected") == third
    assert all(reason.startswith("REUSE") for name, reason in failed_at_g.reasons().items() if name not in third)


def test_a_config_that_is_changed_back_is_changed_once_more(failed_at_g: PolicyRun) -> None:
    """Invariant 7: what d made under the other config is not what it makes under this one."""
    assert failed_at_g.ran(D_CHANGED, fails="g", on_config_change="rerun_affected") == "deg"
    assert failed_at_g.ran(SEVEN, on_config_change="rerun_affected") == "deg"


def test_a_change_of_what_failed_runs_nothing_else(failed_at_g: PolicyRun) -> None:
    """The usual repair: the author mends the config of the component that failed."""
    assert failed_at_g.ran(SEVEN.replace("g(f)", "g=2(f)"), on_config_change="rerun_affected") == "g"


def test_a_component_that_is_disabled_and_enabled_again_runs_with_what_depends_on_it(failed_at_g: PolicyRun) -> None:
    """Both times: what e made without d is not what it makes with it."""
    without = SEVEN.replace("d(c)", "-d(c)")
    assert failed_at_g.ran(without, fails="g", on_config_change="rerun_affected") == "eg"
    assert failed_at_g.ran(SEVEN, on_config_change="rerun_affected") == "deg"


def test_restart_runs_everything_once_and_not_again_on_the_attempt_after(failed_at_g: PolicyRun) -> None:
    assert failed_at_g.ran(D_CHANGED, fails="f") == "abcdef"
    assert set(failed_at_g.reasons().values()) >= {"RUN config changed: config.value of 'd' changed"}
    assert failed_at_g.stored.completed_components == list("abcde")
    assert failed_at_g.ran(D_CHANGED) == "fg"


def test_restart_keeps_the_record_true_when_the_first_one_fails_at_once(failed_at_g: PolicyRun) -> None:
    """Invariant 2: nothing of the old config is recorded under the new one."""
    assert failed_at_g.ran(D_CHANGED, fails="a") == "a"
    assert failed_at_g.stored.completed_components == []
    assert failed_at_g.ran(D_CHANGED) == "abcdefg"


def test_fail_runs_nothing_and_leaves_the_checkpoint_as_it_is(failed_at_g: PolicyRun) -> None:
    """Byte for byte, so that the run goes on when the config is changed back. An attempt may have taken it over."""
    before = failed_at_g.documents()
    with pytest.raises(ConfigChangedError, match=r"config\.value of 'd' changed; change it back, or set") as caught:
        failed_at_g.ran(D_CHANGED, on_config_change="fail")
    assert "hunter2" not in str(caught.value)
    assert failed_at_g.script.calls == []
    assert failed_at_g.documents() == before
    assert failed_at_g.ran(SEVEN, on_config_change="fail") == "g"


@pytest.mark.parametrize("policy", ["restart", "rerun_affected", "fail"])
def test_without_a_change_every_policy_resumes(failed_at_g: PolicyRun, policy: str) -> None:
    """The policy itself and what only describes the pipeline are no change."""
    assert failed_at_g.ran(SEVEN, on_config_change=policy, version="2", tags={"team": "data"}) == "g"


# What the log says of a change


def test_loading_names_what_changed_and_what_comes_of_it_without_values(
    failed_at_g: PolicyRun, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariants 7 and 8, for the person who reads the task log at 3 a.m."""
    caplog.clear()
    assert load_checkpoint_for_resume(failed_at_g.store, RUN, config(D_CHANGED)) == set()
    today = config(D_CHANGED, on_config_change="rerun_affected")
    assert load_checkpoint_for_resume(failed_at_g.store, RUN, today) == set("abcf")
    what = "pipeline 'p', run 'run-1': config changed: config.value of 'd' changed"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"{what}; it starts from the beginning",
        f"{what}; kept: a, b, c, f",
    ]
    assert "hunter2" not in caplog.text


def test_after_a_restart_the_log_says_what_rerun_affected_would_have_kept(
    failed_at_g: PolicyRun, caplog: pytest.LogCaptureFixture
) -> None:
    """So that whoever waits for the repeated work knows what to set next time."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    failed_at_g.ran(D_CHANGED)
    assert "on_config_change is 'restart'; 'rerun_affected' would have kept a, b, c, f" in caplog.messages
    assert any("config.value of 'd' changed" in message for message in caplog.messages)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("sketch", "fields"), [(SEVEN, {}), (D_CHANGED, {"on_config_change": "rerun_affected"})], ids=["same", "affected"]
)
def test_the_log_offers_rerun_affected_only_where_it_would_help(
    failed_at_g: PolicyRun, caplog: pytest.LogCaptureFixture, sketch: str, fields: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    failed_at_g.ran(sketch, **fields)
    assert not [message for message in caplog.messages if "would have kept" in message]


# restart_from


def test_restart_from_in_the_config_is_carried_out_once_and_its_retry_repeats_nothing(failed_at_g: PolicyRun) -> None:
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="d") == "deg"
    assert failed_at_g.reasons()["d"] == "RUN restart from 'd' was requested"
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="d") == "g"
    assert failed_at_g.ran(SEVEN, restart_from="d") == "g"
    assert failed_at_g.ran(SEVEN, restart_from="d") == ""


def test_a_restart_that_fails_midway_goes_on_where_it_failed(failed_at_g: PolicyRun) -> None:
    """Invariants 1 and 2: d is complete again, e is not, although both were before."""
    assert failed_at_g.ran(SEVEN, fails="e", restart_from="d") == "de"
    assert sorted(failed_at_g.stored.completed_components) == list("abcdf")
    assert failed_at_g.ran(SEVEN, restart_from="d") == "eg"


def test_restart_from_in_the_first_config_of_a_run_is_carried_out_by_the_first_attempt(attempts: PolicyRun) -> None:
    """It runs everything anyway."""
    assert attempts.ran(SEVEN, fails="g", restart_from="d") == "abcdefg"
    assert attempts.ran(SEVEN, restart_from="d") == "g"


def test_another_restart_from_is_another_request(failed_at_g: PolicyRun) -> None:
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="d") == "deg"
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="f") == "fg"
    assert failed_at_g.ran(SEVEN, fails="g") == "g"
    assert failed_at_g.ran(SEVEN, restart_from="f") == "g", "once per value, also when it was taken out meanwhile"


def test_restart_from_and_a_change_in_one_attempt_are_both_carried_out_once(failed_at_g: PolicyRun) -> None:
    more = {"on_config_change": "rerun_affected", "restart_from": "f"}
    assert failed_at_g.ran(D_CHANGED, fails="g", **more) == "defg"
    assert failed_at_g.ran(D_CHANGED, **more) == "g"


def test_a_restart_from_the_beginning_carries_out_restart_from_as_well(failed_at_g: PolicyRun) -> None:
    assert failed_at_g.ran(D_CHANGED, fails="g", restart_from="d") == "abcdefg"
    assert failed_at_g.ran(D_CHANGED, restart_from="d") == "g"


def test_an_explicit_restart_from_is_carried_out_each_time_it_is_asked_for(failed_at_g: PolicyRun) -> None:
    """A person asked for it, now; the retry after it is a plain one."""
    assert failed_at_g.ran(SEVEN, explicitly_from="d", fails="g") == "deg"
    assert failed_at_g.ran(SEVEN, explicitly_from="d", fails="g") == "deg"
    assert failed_at_g.ran(SEVEN, fails="g") == "g"
    assert failed_at_g.ran(SEVEN, explicitly_from="d") == "deg"
    assert failed_at_g.ran(SEVEN, explicitly_from="d") == "de", "also when all is complete"


def test_what_is_asked_for_in_two_ways_is_carried_out_in_one_attempt(failed_at_g: PolicyRun) -> None:
    """Neither is forgotten, and neither fires again."""
    assert failed_at_g.ran(SEVEN, explicitly_from="f", fails="g", restart_from="e") == "efg"
    assert failed_at_g.ran(SEVEN, restart_from="e") == "g"


def test_an_explicit_restart_from_does_not_bring_back_the_configs(failed_at_g: PolicyRun) -> None:
    """The config's was carried out under this checkpoint, once and for all."""
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="d") == "deg"
    assert failed_at_g.ran(SEVEN, explicitly_from="f", fails="g", restart_from="d") == "fg"
    assert failed_at_g.ran(SEVEN, fails="g", restart_from="d") == "g"


def test_restart_from_a_disabled_component_runs_nothing(failed_at_g: PolicyRun) -> None:
    """A config error; what is recorded stays."""
    without = SEVEN.replace("e(d)", "-e(d)")
    before = failed_at_g.documents()
    with pytest.raises(PipelineConfigError, match="unknown or disabled component 'e'"):
        failed_at_g.ran(without, on_config_change="rerun_affected", restart_from="e")
    assert failed_at_g.script.calls == []
    assert failed_at_g.documents() == before


# always_run


def test_always_run_runs_in_every_attempt_in_which_anything_runs(attempts: PolicyRun) -> None:
    """And keeps what depends on it complete: it sets things up, it makes no new data."""
    sketch = "setup! a(setup) b(a)"
    assert attempts.ran(sketch, fails="b") == "setupab"
    assert attempts.ran(sketch, fails="b") == "setupb"
    assert attempts.ran(sketch) == "setupb"
    assert attempts.reasons()["setup"] == "RUN always_run"
    assert attempts.ran(sketch) == ""


def test_an_always_run_that_fails_forgets_nothing_else(attempts: PolicyRun) -> None:
    """Invariant 1."""
    sketch = "setup! a(setup) b(a)"
    assert attempts.ran(sketch, fails="b") == "setupab"
    assert attempts.ran(sketch, fails=["setup"]) == "setup"
    assert attempts.stored.completed_components == ["a"]
    assert attempts.ran(sketch) == "setupb"


# All ways to resume


@pytest.mark.parametrize(
    ("sketch", "fields"),
    [
        (SEVEN, {}),
        (D_CHANGED, {}),
        (D_CHANGED, {"on_config_change": "rerun_affected"}),
        (SEVEN, {"restart_from": "d"}),
        (D_CHANGED, {"on_config_change": "rerun_affected", "restart_from": "f"}),
    ],
    ids=["same", "restart", "rerun_affected", "restart_from", "rerun_affected and restart_from"],
)
def test_all_ways_to_resume_come_to_the_same_plan(
    tmp_path: Path, script: Script, sketch: str, fields: dict[str, Any]
) -> None:
    """Invariant 7: the reasons are true ones whichever way is taken."""
    plans: list[RunPlan] = []

    class Look(LoggingHooks):
        def before_pipeline(self, event: Any) -> None:
            plans.append(event.plan)

    first = PolicyRun(tmp_path / "store", script, by_plan)
    first.ran(SEVEN, fails="g")
    today = config(sketch, **fields)
    for resume in (by_plan, by_names):
        resume(today, first.store, Look())  # without hooks for the checkpoint, so all see the same record
    run_attempt(AttemptSpec(today, first.store, RunKey((), RUN, "p"), spark=NO_SPARK, hooks=[Look()]))
    records = [plan.before.components for plan in plans if plan.before is not None]
    assert records[0] == records[1] == records[2]
    # The takeover of the last one is in the rest of its record.
    one, two, three = (dataclasses.replace(plan, before=None) for plan in plans)
    assert one == two == three
