"""The plan: what an attempt does with each component and why.

A table of cases first (the sketches are read by ``tests.samples.sketches``), then what the runner adds to the plan by
looking at saved views, then invariants over random pipelines and checkpoints.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider.errors import ConfigChangedError, PipelineConfigError
from airflow_provider.runner import CheckpointState, PipelineConfig, SimplePipelineRunner, compute_pipeline_fingerprint
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.decide import decide, plan_fresh, plan_skipping
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.session_state_record import (
    CatalogObject,
    SavedView,
    SessionStateRecord,
    TableDescription,
)
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.saved.files import files_for
from tests.samples.sketches import SECONDS, checkpoint, config, session_state

COMPLETED = "REUSE completed in attempt 1 at 2024-05-06 07:08:09 UTC"
REPLAY = "REPLAY completed in attempt 1, but later components need its session state, which was not saved: it was cheap"
NOT_COMPLETED = "RUN not completed in attempt 1"
OF_DEPENDENCY = "RUN a component that it depends on has changed"
SEVEN = "a b(a) c(b) d(c) e(d) f(c) g(f)"
SEVEN_D_CHANGED = SEVEN.replace("d(c)", "d=2(c)")


def start(*names: str, **scope: Any) -> tuple[RestartFrom, ...]:
    """Return what somebody asks for who wants a restart from these components."""
    return (RestartFrom(components=names, **scope),)


@dataclass(frozen=True)
class Case:
    """One situation and the plan that must come of it.

    :param now: sketch of today's config
    :param done: sketch of what had completed; None: there is no checkpoint
    :param expected: names, separated by blanks, to their action and a part of the reason
    :param was: sketch of the config of the checkpoint; default: the same as today's
    :param policy: ``on_config_change``
    :param failed: which component had failed
    :param bare: the checkpoint is hand-made and holds nothing but names
    :param kept_by_rerun_affected: names that ``rerun_affected`` would have kept
    :param more: further arguments of the plan
    """

    now: str
    done: str | None
    expected: Mapping[str, str]
    was: str | None = None
    policy: str = "restart"
    failed: str | None = None
    bare: bool = False
    kept_by_rerun_affected: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> PipelineConfig:
        return config(self.now, on_config_change=self.policy)

    def checkpoint(self) -> CheckpointState | None:
        if self.done is None:
            return None
        fields: dict[str, Any] = {"components": {}, "fields": {}} if self.bare else {}
        return checkpoint(config(self.was or self.now), self.done, failed_component=self.failed, **fields)

    def plan(self) -> RunPlan:
        return decide(self.config(), Facts(self.checkpoint(), **self.more))


CASES = {
    # What is complete is reused
    "no checkpoint: everything runs": Case("a b(a)", None, {"a b": "RUN no checkpoint yet"}),
    "nothing completed: everything runs": Case("a b(a)", "", {"a": "RUN failed in attempt 1", "b": NOT_COMPLETED},
                                               failed="a"),
    "a prefix completed: the rest runs": Case("a b c d", "a b", {"a b": COMPLETED, "c d": NOT_COMPLETED}),
    "the one that failed is named": Case("a b c d", "a b", {"a b": COMPLETED, "c": "RUN failed in attempt 1",
                                                            "d": NOT_COMPLETED}, failed="c"),
    "gaps are filled and nothing else": Case("a b(a) c d(b)", "a c", {"a c": COMPLETED, "b d": NOT_COMPLETED}),
    "all completed: nothing runs": Case("a b(a) c", "a b c", {"a b c": COMPLETED}),
    "what no longer exists in the config plays no role": Case("a b", "a b z", {"a b": COMPLETED}, was="a b z",
                                                              policy="rerun_affected"),

    # on_config_change
    "restart: a change runs everything": Case(
        "a b=2 c(b)", "a b c", {"a b c": "RUN config changed: config.value of 'b' changed"}, was="a b c(b)",
        kept_by_rerun_affected="a",
    ),
    "restart: the first three changes are named": Case(
        "a=2 b=2 c=2 d=2 e=2", "a", {"a b c d e": "RUN config changed: config.value of 'a' changed, config.value of 'b'"
                                     " changed, config.value of 'c' changed and 2 more"}, was="a b c d e",
    ),
    "rerun_affected: the changed and its descendants": Case(
        "a b=2 c(b) d(c) e", "a b c d e", {"a e": COMPLETED, "b": "RUN its config changed", "c d": OF_DEPENDENCY},
        was="a b c(b) d(c) e", policy="rerun_affected",
    ),
    "rerun_affected: 4 of 7 changed, 1 to 3 and what does not depend on 4 are kept": Case(
        SEVEN_D_CHANGED, "a b c d e f g",
        {"a b c f g": COMPLETED, "d": "RUN its config changed", "e": OF_DEPENDENCY}, was=SEVEN, policy="rerun_affected",
    ),
    "rerun_affected: 4 of 7 changed after 6 of 7 completed": Case(
        SEVEN_D_CHANGED, "a b c d e f",
        {"a b c f": COMPLETED, "d": "RUN its config changed", "e": OF_DEPENDENCY, "g": "RUN failed in attempt 1"},
        was=SEVEN, policy="rerun_affected", failed="g",
    ),
    "restart: what rerun_affected would have kept is known": Case(
        SEVEN_D_CHANGED, "a b c d e f", {"a b c d e f g": "RUN config changed: config.value of 'd' changed"}, was=SEVEN,
        failed="g", kept_by_rerun_affected="a b c f",
    ),
    "rerun_affected: only what has not completed changed": Case(
        "a b=2", "a", {"a": COMPLETED, "b": "RUN"}, was="a b", policy="rerun_affected", failed="b",
    ),
    "rerun_affected: what had not completed changed, and what depends on it had": Case(
        "a=2 b(a) c", "b c", {"a": "RUN", "b": OF_DEPENDENCY, "c": COMPLETED}, was="a b(a) c",
        policy="rerun_affected", failed="a",
    ),
    "fail: without a change it resumes": Case("a b", "a", {"a": COMPLETED, "b": NOT_COMPLETED}, policy="fail"),

    # What kinds of changes there are
    "restart: a component was added": Case("a b n", "a b", {"a b n": "RUN config changed: 'n' added"}, was="a b",
                                           kept_by_rerun_affected="a b"),
    "rerun_affected: a component was added at the end": Case(
        "a b n", "a b", {"a b": COMPLETED, "n": "RUN new in the config"}, was="a b", policy="rerun_affected",
    ),
    "rerun_affected: a component was added in the middle": Case(
        "a n(a) b(n) c", "a b c", {"a c": COMPLETED, "n": "RUN new in the config", "b": "RUN its config changed"},
        was="a b(a) c", policy="rerun_affected",
    ),
    "restart: a component was removed": Case("a b", "a b c", {"a b": "RUN config changed: 'c' removed"}, was="a b c",
                                             kept_by_rerun_affected="a b"),
    "rerun_affected: a component was removed": Case("a b", "a b c", {"a b": COMPLETED}, was="a b c",
                                                    policy="rerun_affected"),
    "rerun_affected: a component that others need was removed": Case(
        "a c(a) d(c)", "a b c d", {"a": COMPLETED, "c": "RUN its config changed", "d": OF_DEPENDENCY},
        was="a b(a) c(b) d(c)", policy="rerun_affected",
    ),
    "restart: a component was renamed": Case("a n(a)", "a b", {"a n": "RUN config changed: 'n' added, 'b' removed"},
                                             was="a b(a)", kept_by_rerun_affected="a"),
    "rerun_affected: a component was renamed": Case(
        "a n(a) c(n) d", "a b c d", {"a d": COMPLETED, "n": "RUN new in the config", "c": "RUN its config changed"},
        was="a b(a) c(b) d", policy="rerun_affected",
    ),
    "restart: a component was disabled": Case("a -b c(b)", "a b c", {"a c": "RUN config changed: enabled of 'b' chang"},
                                              was="a b c(b)", kept_by_rerun_affected="a"),
    "rerun_affected: a component was disabled": Case(
        "a -b c(b)", "a b c", {"a": COMPLETED, "c": OF_DEPENDENCY}, was="a b c(b)", policy="rerun_affected",
    ),
    "restart: a component was enabled again": Case(
        "a b c(b)",
        "a c",
        {"a b c": "RUN config changed: enabled of 'b' changed"},
        was="a -b c(b)",
        kept_by_rerun_affected="a",
    ),
    "rerun_affected: a component was enabled again": Case(
        "a b c(b) d", "a c d", {"a d": COMPLETED, "b": "RUN", "c": OF_DEPENDENCY}, was="a -b c(b) d",
        policy="rerun_affected",
    ),
    "rerun_affected: a component changed that is and was disabled": Case(
        "a -b=2 c(b)", "a c", {"a c": COMPLETED}, was="a -b c(b)", policy="rerun_affected",
    ),
    "restart: only the order changed": Case("b a", "a b", {"a b": "RUN config changed: the order of its components"},
                                            was="a b", kept_by_rerun_affected="b a"),
    "rerun_affected: only the order changed": Case("b a", "a b", {"a b": COMPLETED}, was="a b",
                                                   policy="rerun_affected"),
    "rerun_affected: a checkpoint_version was raised": Case(
        "a@2 b(a) c", "a b c", {"a": "RUN its config changed", "b": OF_DEPENDENCY, "c": COMPLETED}, was="a@1 b(a) c",
        policy="rerun_affected",
    ),
    "restart: a checkpoint_version was set": Case("a@2 b", "a b", {"a b": "RUN config changed: checkpoint_version of"},
                                                  was="a b", kept_by_rerun_affected="b"),

    # restart_from
    "restart_from: it and its descendants": Case(
        "a b(a) c(b) d(a) e", "a b c d e", {"a d e": COMPLETED, "b c": "RUN restart from 'b' was requested"},
        more={"restarts": start("b")},
    ),
    "restart_from: what had not completed runs for that reason": Case(
        "a b(a) c(b)", "a b", {"a": COMPLETED, "b": "RUN restart from 'b' was requested", "c": "RUN failed in attempt"},
        failed="c", more={"restarts": start("b")},
    ),
    "restart_from and a change: both are done": Case(
        "a=2 b(a) c d", "a b c d",
        {"a": "RUN its config changed", "b": OF_DEPENDENCY, "c": "RUN restart from 'c' was requested", "d": COMPLETED},
        was="a b(a) c d", policy="rerun_affected", more={"restarts": start("c")},
    ),
    "restart_from without a checkpoint: everything runs anyway": Case(
        "a b", None, {"a b": "RUN no checkpoint yet"}, more={"restarts": start("b")},
    ),

    # always_run
    "always_run: with something else to run": Case(
        "a! b c d(a)", "a b d", {"a": "RUN always_run", "b d": COMPLETED, "c": NOT_COMPLETED},
    ),
    "always_run: also after the last one that runs": Case(
        "a b c!", "a c", {"a": COMPLETED, "b": NOT_COMPLETED, "c": "RUN always_run"},
    ),
    "always_run: not when nothing else runs": Case("a! b", "a b", {"a b": COMPLETED}),
    "always_run: what was asked for is the better reason": Case(
        "a! b", "a b", {"a": "RUN restart from 'a' was requested", "b": COMPLETED}, more={"restarts": start("a")},
    ),
    "always_run: rerun_affected would not have kept it": Case(
        "a! b=2 c", "a b c", {"a b c": "RUN config changed: config.value of 'b' changed"}, was="a! b c",
        kept_by_rerun_affected="c",
    ),
    "always_run: rerun_affected would have kept it when nothing else ran": Case(
        "b a!", "a b", {"a b": "RUN config changed: the order"}, was="a! b", kept_by_rerun_affected="b a",
    ),

    # REPLAY and what was saved
    "REPLAY before the last RUN, not after it": Case(
        "a b c d", "a:replay b:replay d:replay", {"a b": REPLAY, "c": NOT_COMPLETED, "d": COMPLETED},
    ),
    "REPLAY whatever the dependencies: session state has none": Case(
        "a b c(b)", "a:replay b:replay", {"a b": REPLAY, "c": NOT_COMPLETED},
    ),
    "no REPLAY when nothing runs": Case("a b", "a:replay b:replay", {"a b": COMPLETED}),
    "REPLAY between two that run": Case(
        "a b(a) c d(a) e", "a:kept b:kept c:replay d e:replay",
        {"a b d": "RUN restart from 'a' was requested", "c": REPLAY, "e": COMPLETED}, more={"restarts": start("a")},
    ),
    "a REPLAY brings no always_run with it, but an always_run brings REPLAY": Case(
        "a b! c", "a:replay b c:kept", {"a": REPLAY, "b": "RUN always_run", "c": "RUN restart"},
        more={"restarts": start("c")},
    ),
    "handling 'none' is never replayed": Case("a b", "a:none", {"a": COMPLETED, "b": NOT_COMPLETED}),
    "handling 'kept' is reused": Case("a b", "a:kept", {"a": COMPLETED, "b": NOT_COMPLETED}),
    "a saved view is to be restored": Case(
        "a b", "a:1view", {"a": f"{COMPLETED}; 1 saved view to restore", "b": NOT_COMPLETED},
    ),
    "saved views are to be restored where they are needed": Case(
        "a b c", "a:2views c:2views", {"a": f"{COMPLETED}; 2 saved views to restore", "b": NOT_COMPLETED,
                                       "c": COMPLETED},
    ),
    "nobody looked at the session: it is reused": Case("a b", "a", {"a": COMPLETED, "b": NOT_COMPLETED}),
    "a damaged view: its component runs, what depends on it does not": Case(
        "a b(a) c", "a:1view b", {"a": "RUN its saved view is gone", "b": COMPLETED, "c": NOT_COMPLETED},
        more={"damaged": {"a": "its saved view is gone"}},
    ),
    "a damaged view: what comes before it is replayed for it": Case(
        "a b c", "a:replay b:1view", {"a": REPLAY, "b": "RUN its saved view is gone", "c": NOT_COMPLETED},
        more={"damaged": {"b": "its saved view is gone"}},
    ),
    "a damaged view of what runs anyway changes no reason": Case(
        "a b", "", {"a": "RUN failed in attempt 1", "b": NOT_COMPLETED}, failed="a", more={"damaged": {"a": "gone"}},
    ),
    "present in the session: no REPLAY": Case(
        "a b c", "a:replay b:replay", {"a": COMPLETED, "b": REPLAY, "c": NOT_COMPLETED}, more={"present": {"a"}},
    ),
    "present in the session, but what comes before it runs once more and may undo it": Case(
        "a b c", "a:replay b:replay", {"a": "RUN restart from 'a' was requested", "b": REPLAY, "c": NOT_COMPLETED},
        more={"restarts": start("a"), "present": {"a", "b"}},
    ),
    "present in the session, but what comes before it is replayed and may undo it": Case(
        "a b c", "a:replay b:replay", {"a b": REPLAY, "c": NOT_COMPLETED}, more={"present": {"b"}},
    ),

    # A checkpoint that holds nothing but names
    "names only: they are reused": Case("a b", "a", {"a": "REUSE completed in an earlier attempt", "b": NOT_COMPLETED},
                                        bare=True),
    "names only, restart: a change runs everything": Case(
        "a b=2", "a b", {"a b": "RUN config changed: the checkpoint does not show what"}, was="a b", bare=True,
    ),
    "names only, rerun_affected: a change may concern any of them": Case(
        "a b=2 c", "a b",
        {"a b": "RUN config changed, and the checkpoint does not show whether that affects it", "c": NOT_COMPLETED},
        was="a b c", policy="rerun_affected", bare=True,
    ),
    "names only: they can be restarted from": Case(
        "a b(a) c", "a b", {"a": "REUSE completed in an earlier", "b": "RUN restart from 'b'", "c": NOT_COMPLETED},
        bare=True, more={"restarts": start("b")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_component_gets_its_decision_and_the_reason(case: Case) -> None:
    """Invariant 7: the case says the rule."""
    plan = case.plan()
    got = {d.component: f"{d.action} {d.reason}" for d in plan.decisions}
    expected = {name: text for names, text in case.expected.items() for name in names.split()}
    assert list(got) == [c.name for c in case.config().ordered]
    assert got.keys() == expected.keys()
    differ = {name: (text, expected[name]) for name, text in got.items() if not text.startswith(expected[name])}
    assert not differ
    assert plan.kept_by_rerun_affected == tuple(case.kept_by_rerun_affected.split())
    assert plan.config_changed == (case.done is not None and case.was not in (None, case.now))


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ("a b=hunter2 c(b)", "config.value of 'b' changed"),
        ("a b c(b) n=hunter2", "'n' added"),
        ("a b", "'c' removed"),
        ("a n=hunter2 c(n)", "'n' added, depends_on of 'c' changed, 'b' removed"),
        ("a b c(a)", "depends_on of 'c' changed"),
        ("-a b c(b)", "enabled of 'a' changed"),
        ("a@hunter2 b c(b)", "checkpoint_version of 'a' changed"),
        ("b a c(b)", "the order of its components"),
    ],
)
@pytest.mark.parametrize("completed", ["", "a", "a b c"], ids=["nothing done", "something done", "all done"])
def test_fail_names_what_changed_and_what_to_do_and_never_a_value(now: str, what: str, completed: str) -> None:
    """Invariants 7 and 8: whatever had completed, and whatever else is asked for."""
    was = config("a b c(b)")
    today = config(now, on_config_change="fail")
    for more in ({}, {"restarts": start("b")}) if "b" in {c.name for c in today.ordered} else ({},):
        with pytest.raises(ConfigChangedError) as caught:
            decide(today, Facts(checkpoint(was, completed), **more))
        assert str(caught.value) == (
            f"pipeline 'p', run 'run-1': the config has changed since the checkpoint: {what}; change it back, or set "
            "on_config_change to 'restart' or 'rerun_affected', or delete the checkpoint"
        )
        assert caught.value.pipeline == "p"


@pytest.mark.parametrize("policy", ["restart", "rerun_affected"])
def test_no_value_of_the_old_or_new_config_is_in_a_plan(policy: str) -> None:
    """Invariant 8: a value may be a password."""
    was, today = config("a=oldsecret b c"), config("a=newsecret b=newsecret c", on_config_change=policy)
    plan = decide(today, Facts(checkpoint(was, "a b")))
    assert [str(change) for change in plan.config_changes] == [
        "config.value of 'a' changed",
        "config.value of 'b' changed",
    ]
    assert "secret" not in repr(plan)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("load_ordres", "did you mean 'load_orders'?"),
        ("zzz", "choose from 'load_orders', 'clean'"),
        ("off", "choose from 'load_orders', 'clean'"),
    ],
    ids=["misspelt", "unknown", "disabled"],
)
@pytest.mark.parametrize("exists", [True, False], ids=["with a checkpoint", "without one"])
def test_restart_from_a_component_that_does_not_run_is_a_config_error_with_a_suggestion(
    wanted: str, hint: str, exists: bool
) -> None:
    today = config("load_orders clean(load_orders) -off")
    found = checkpoint(today, "load_orders") if exists else None
    with pytest.raises(PipelineConfigError) as caught:
        decide(today, Facts(found, restarts=start(wanted)))
    (problem,) = caught.value.problems
    assert problem.field == "restart_from"
    assert problem.message == f"unknown or disabled component {wanted!r}; {hint}"


def test_a_plan_says_how_long_the_reused_components_had_run() -> None:
    """What runs or is replayed saves nothing, and neither does what nobody timed."""
    today = config("a b c d")
    plan = decide(today, Facts(checkpoint(today, "a:kept b:replay d")))
    assert {d.component: d.seconds_saved for d in plan.decisions} == {"a": SECONDS, "b": 0.0, "c": 0.0, "d": SECONDS}
    names_only = decide(today, Facts(checkpoint(today, "a", components={})))
    assert sum(d.seconds_saved for d in names_only.decisions) == 0.0


def test_only_what_stays_completed_brings_its_session_state_along() -> None:
    today = config("a b c d")
    plan = decide(today, Facts(checkpoint(today, "a:1view b:replay d:none")))
    assert [d.session_state for d in plan.decisions] == [
        session_state("a", "1view"),
        session_state("b", "replay"),
        None,
        session_state("d", "none"),
    ]


def test_what_is_restored_is_what_is_reused_before_the_last_one_that_runs() -> None:
    today = config("a b c d e")
    plan = decide(today, Facts(checkpoint(today, "a:kept b:replay d e:kept")))
    assert [d.component for d in plan.decisions if d.restore] == ["a"]
    assert plan.runs_until == 3
    assert plan.kept == list("abde")


def test_when_nothing_runs_nothing_is_restored() -> None:
    today = config("a b")
    plan = decide(today, Facts(checkpoint(today, "a:1view b:replay")))
    assert (plan.runs_until, [d for d in plan.decisions if d.restore], plan.kept) == (0, [], ["a", "b"])


def test_a_fresh_plan_runs_every_enabled_component_for_the_reason_given() -> None:
    """Also what a clear with ``on_clear: restart`` comes to."""
    plan = plan_fresh(config("b(a) a -off c!", restart_from="b"), "cleared after success")
    assert [(d.component, d.action, str(d.reason)) for d in plan.decisions] == [
        (name, Action.RUN, "cleared after success") for name in "abc"
    ]


def test_what_the_caller_says_is_complete_is_left_out_and_nothing_else() -> None:
    today = config("a b(a) c! -off")
    assert [
        (d.component, d.action, str(d.reason)) for d in plan_skipping(today, {"a", "off", "unknown"}).decisions
    ] == [
        ("a", Action.REUSE, "given as completed"),
        ("b", Action.RUN, "not completed yet"),
        ("c", Action.RUN, "not completed yet"),
    ]
    assert {str(d.reason) for d in plan_skipping(today, ()).decisions} == {"no component was given as completed"}


# What the runner adds: it looks at what was saved


def place(directory: Path, name: str) -> Path:
    """Where a run of this directory keeps a view."""
    return directory / "attempt-0123456789ab" / f"0001-{name.encode().hex():0>8}" / "0"


def saved_view(directory: Path, name: str) -> SessionStateRecord:
    """A view that is really there, for whoever only looks at its files."""
    path = place(directory, name)
    path.mkdir(parents=True)
    (path / "part-0").write_text("rows")
    listing = files_for(str(path), None).listing(str(path))
    assert listing is not None
    view = SavedView(
        name=name,
        url=str(path),
        format="parquet",
        columns=["id"],
        files=listing.files,
        bytes=listing.bytes,
        digest=listing.digest,
    )
    return SessionStateRecord(handling="kept", reason="ran 61.0 s", views=[view], left_views=[ViewName(name)])


def with_session_state(state: CheckpointState, records: Mapping[str, SessionStateRecord]) -> CheckpointState:
    components = {
        name: record.model_copy(update={"session_state": records.get(name, record.session_state)})
        for name, record in state.components.items()
    }
    return state.model_copy(update={"components": components})


def no_spark() -> Any:
    raise AssertionError("Spark was started for views on a local disk")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: None, None),
        (lambda path: (path / "_SUCCESS").write_text(""), None),
        (lambda path: [(path / "part-0").unlink(), path.rmdir()], "its saved view 'v' is gone from {path}"),
        (
            lambda path: (path / "part-0").unlink(),
            "its saved view 'v' was changed: {path} holds 0 files with 0 bytes, it was 1 files with 4 bytes",
        ),
        (
            lambda path: (path / "part-0").write_text("ro"),
            "its saved view 'v' was changed: {path} holds 1 files with 2 bytes, it was 1 files with 4 bytes",
        ),
        (
            lambda path: (path / "part-1").write_text("more"),
            "its saved view 'v' was changed: {path} holds 2 files with 8 bytes, it was 1 files with 4 bytes",
        ),
    ],
    ids=["untouched", "hidden file", "gone", "file gone", "truncated", "file added"],
)
def test_a_component_whose_saved_view_is_damaged_runs_again_with_that_reason(
    tmp_path: Path, spoil: Callable[[Path], object], why: str | None
) -> None:
    """What it left cannot be brought back, so it runs; no Spark is started to find out."""
    today = config("a b(a) c")
    state = with_session_state(checkpoint(today, "a b"), {"a": saved_view(tmp_path, "v")})
    spoil(place(tmp_path, "v"))
    plan = SimplePipelineRunner(today, spark=no_spark, session_state_url=str(tmp_path)).plan(state)
    a, b, c = plan.decisions
    if why is None:
        assert (a.action, str(a.reason).partition("; ")[2]) == (Action.REUSE, "1 saved view to restore")
    else:
        assert (a.action, str(a.reason)) == (Action.RUN, why.format(path=place(tmp_path, "v")))
    assert (b.action, c.action) == (Action.REUSE, Action.RUN)


def test_a_damaged_view_that_nothing_needs_is_not_missed(tmp_path: Path) -> None:
    """After the last component that runs, and when nothing runs at all."""
    today = config("a b c")
    records = {"a": saved_view(tmp_path, "va"), "c": saved_view(tmp_path, "vc")}
    for name in ("va", "vc"):
        (place(tmp_path, name) / "part-0").unlink()
    runner = SimplePipelineRunner(today, spark=no_spark, session_state_url=str(tmp_path))
    assert runner.plan(with_session_state(checkpoint(today, "a b c"), records)).kept == ["a", "b", "c"]
    assert runner.plan(with_session_state(checkpoint(today, "a c"), records)).kept == ["c"]


def test_a_table_that_is_gone_makes_its_component_run_again(tmp_path: Path) -> None:
    """A catalog in memory forgets it, and its data is not where it was."""
    columns = '{"type":"struct","fields":[]}'
    description = TableDescription(name="t", managed=True, provider="parquet", columns=columns)
    table = CatalogObject(database="db", location=str(tmp_path / "t"), table=description)
    made = SessionStateRecord(handling="kept", reason="left no view", objects=[table])
    today = config("a b")
    state = with_session_state(checkpoint(today, "a"), {"a": made})
    runner = SimplePipelineRunner(today, spark=no_spark, session_state_url=str(tmp_path))
    assert str(runner.plan(state).decisions[0].reason) == f"its table `db`.`t` is missing from {tmp_path / 't'}"
    (tmp_path / "t").mkdir()
    assert runner.plan(state).decisions[0].action is Action.REUSE


def test_always_run_runs_with_a_component_whose_view_is_damaged(tmp_path: Path) -> None:
    today = config("a! b c d")
    view = saved_view(tmp_path, "v")
    (place(tmp_path, "v") / "part-0").unlink()
    plan = SimplePipelineRunner(today, spark=no_spark, session_state_url=str(tmp_path)).plan(
        with_session_state(checkpoint(today, "a b d"), {"b": view})
    )
    assert [d.action for d in plan.decisions] == [Action.RUN, Action.RUN, Action.RUN, Action.REUSE]


# Invariants over random pipelines and checkpoints


@dataclass(frozen=True)
class Node:
    """One component of a random situation, and what happened to it."""

    name: str
    depends_on: tuple[str, ...]
    new: bool
    changed: bool
    was_enabled: bool
    enabled: bool
    always_run: bool
    completed: bool
    handling: str
    damaged: bool
    present: bool


@dataclass(frozen=True)
class Situation:
    """A config, a checkpoint of an earlier one, and what is asked for."""

    nodes: tuple[Node, ...]
    """In the order of the config, which dependencies do not follow."""
    removed: tuple[tuple[str, tuple[str, ...]], ...]
    """Components that the config no longer has, and who depended on them."""
    policy: str
    restart_from: str | None
    failed: str | None

    def config(self, policy: str | None = None) -> PipelineConfig:
        return self._config(
            (node.name, node.depends_on, "2" if node.changed else "1", node.enabled, node.always_run)
            for node in self.nodes
        ).model_copy(update={"on_config_change": policy or self.policy})

    def checkpoint(self) -> CheckpointState:
        known = {node.name for node in self.nodes if not node.new}
        made_with = self._config(
            [(name, (), "1", True, False) for name, _ in self.removed]
            + [
                (
                    node.name,
                    tuple(n for n in node.depends_on if n in known)
                    + tuple(name for name, dependents in self.removed if node.name in dependents),
                    "1",
                    node.was_enabled,
                    False,
                )
                for node in self.nodes
                if not node.new
            ]
        )
        done = [f"{node.name}:{node.handling}" for node in self.nodes if node.completed]
        return checkpoint(
            made_with, " ".join([*done, *(name for name, _ in self.removed)]), failed_component=self.failed
        )

    def plan(self) -> RunPlan:
        return decide(self.config(), Facts(self.checkpoint(), **self.more()))

    def more(self) -> dict[str, Any]:
        return {
            "restarts": start(self.restart_from) if self.restart_from is not None else (),
            "damaged": {node.name: "its saved view is gone" for node in self.nodes if node.damaged},
            "present": {node.name for node in self.nodes if node.present},
        }

    @staticmethod
    def _config(components: Any) -> PipelineConfig:
        return config(
            " ".join(
                f"{'' if enabled else '-'}{name}={value}{'(' + ','.join(needs) + ')' if needs else ''}{'!' * always}"
                for name, needs, value, enabled, always in components
            )
        )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any graph, with its components listed in any order, and anything that may have happened to them.

    Most things happen to few components, or nothing would ever be reused.
    """
    rarely = st.sampled_from([False] * 7 + [True])
    names = [f"c{index}" for index in range(draw(st.integers(1, 10)))]
    nodes = []
    for index, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3)) if index else []
        new = bool(nodes) and draw(rarely)  # the first one was there, because no pipeline is empty
        was_enabled = not new and not draw(rarely)
        completed = was_enabled and draw(st.sampled_from([True, True, True, False]))
        nodes.append(
            Node(
                name,
                depends_on=tuple(needs),
                new=new,
                changed=not new and draw(rarely),
                was_enabled=was_enabled,
                enabled=not draw(rarely),
                always_run=draw(rarely),
                completed=completed,
                handling=draw(st.sampled_from(["kept", "replay", "none", ""])) if completed else "",
                damaged=completed and draw(rarely),
                present=completed and draw(st.booleans()),
            )
        )
    old = [node.name for node in nodes if not node.new]
    removed = draw(st.sampled_from([0, 0, 0, 1]))
    dependents = st.lists(st.sampled_from(old), unique=True, max_size=2).map(tuple) if old else st.just(())
    enabled = [node.name for node in nodes if node.enabled]
    open_ones = [node.name for node in nodes if not node.completed]
    return Situation(
        tuple(draw(st.permutations(nodes))),
        tuple((f"gone{index}", draw(dependents)) for index in range(removed)),
        draw(st.sampled_from(["rerun_affected", "rerun_affected", "restart"])),
        draw(st.sampled_from([None, None, *enabled])),
        draw(st.sampled_from([None, *open_ones])),
    )


class Model:
    """What the plan must come to, written down once more: slowly, and one component at a time."""

    def __init__(self, situation: Situation) -> None:
        self.nodes = {node.name: node for node in situation.nodes}
        self.situation = situation
        self.lost_dependency = {name for _, dependents in situation.removed for name in dependents}
        self.config_changed = situation.checkpoint().pipeline_fingerprint != compute_pipeline_fingerprint(
            situation.config()
        )
        self.starts_over = self.config_changed and situation.policy == "restart"

    def changed(self, name: str) -> bool:
        """Whether the config of this component is another one than in the checkpoint, in a way that matters."""
        node = self.nodes[name]
        if not (node.enabled or node.was_enabled):
            # It did nothing then and does nothing now; but whoever came to depend on it has changed.
            return node.new
        return (
            node.new
            or node.changed
            or node.enabled != node.was_enabled
            or name in self.lost_dependency
            or any(self.nodes[other].new for other in node.depends_on)
        )

    def valid(self, name: str) -> bool:
        """Whether it is recorded as complete, and its config and that of all it depends on are the same."""
        return self.nodes[name].completed and not self.outdated(name)

    def outdated(self, name: str) -> bool:
        return self.changed(name) or any(self.outdated(other) for other in self.nodes[name].depends_on)

    def asked_for(self, name: str) -> bool:
        wanted = self.situation.restart_from
        return name == wanted or any(self.asked_for(other) for other in self.nodes[name].depends_on)

    def must_run(self, name: str) -> bool:
        """Whether it runs for a reason of its own, whatever the others do and under any policy for changes."""
        return not self.valid(name) or self.asked_for(name) or self.nodes[name].damaged

    def may_run(self, name: str) -> bool:
        return self.starts_over or self.must_run(name) or self.nodes[name].always_run


def actions(plan: RunPlan) -> dict[str, Action]:
    return {d.component: d.action for d in plan.decisions}


def last_run(plan: RunPlan) -> int:
    """Place of the last component that runs; -1 if none does."""
    return max((index for index, d in enumerate(plan.decisions) if d.action is Action.RUN), default=-1)


few = settings(max_examples=60)


@few
@given(situations())
def test_what_is_valid_and_not_asked_for_does_not_run(situation: Situation) -> None:
    """Invariant 1, never forget; and every RUN has one of the allowed causes."""
    model, plan = Model(situation), situation.plan()
    for name, action in actions(plan).items():
        assert action is not Action.RUN or model.may_run(name), name
    if not model.starts_over and not any(model.must_run(name) for name in actions(plan)):
        assert last_run(plan) == -1, "always_run alone runs nothing"


@few
@given(situations())
def test_what_is_not_valid_is_neither_reused_nor_replayed(situation: Situation) -> None:
    """Invariant 7, no silent reuse; and what was asked for is done."""
    model, plan = Model(situation), situation.plan()
    got = actions(plan)
    for name, action in got.items():
        if model.starts_over or model.must_run(name):
            assert action is Action.RUN, name
        if model.nodes[name].always_run and last_run(plan) >= 0:
            assert action is Action.RUN, name


@few
@given(situations())
def test_a_run_or_replay_finds_the_session_state_of_all_before_it(situation: Situation) -> None:
    """Invariant 6, same answer: each earlier component that left unsaved state is itself run or replayed.

    Or its state is in the session, and nothing before it runs that may replace the view that it had made.
    """
    model, plan = Model(situation), situation.plan()
    until, untouched = last_run(plan), True
    for index, decision in enumerate(plan.decisions):
        node = model.nodes[decision.component]
        if decision.action is Action.REUSE and node.handling == "replay" and index < until:
            assert node.present, decision.component
            assert untouched, decision.component
        untouched = untouched and decision.action is Action.REUSE


@few
@given(situations())
def test_nothing_is_replayed_without_need(situation: Situation) -> None:
    """Not after the last RUN, and not if what it left was saved, or is in the session and stays there."""
    model, plan = Model(situation), situation.plan()
    until, untouched = last_run(plan), True
    for index, decision in enumerate(plan.decisions):
        node = model.nodes[decision.component]
        if decision.action is Action.REPLAY:
            assert index < until
            assert node.handling == "replay"
            assert not (node.present and untouched)
        untouched = untouched and decision.action is Action.REUSE


@few
@given(situations())
def test_every_decision_is_made_once_with_a_reason_and_after_those_of_its_dependencies(situation: Situation) -> None:
    """Invariant 7: one decision for each enabled component."""
    plan, today = situation.plan(), situation.config()
    position = {d.component: index for index, d in enumerate(plan.decisions)}
    assert len(position) == len(plan.decisions)
    assert position.keys() == {c.name for c in today.components if c.enabled}
    for component in today.components:
        for other in component.depends_on:
            if component.enabled and other in position:
                assert position[other] < position[component.name]
    assert all(str(d.reason).strip() for d in plan.decisions)


@few
@given(situations())
def test_the_plan_is_a_pure_function(situation: Situation) -> None:
    """Same input, same plan, and the input is as it was."""
    today, found, more = situation.config(), situation.checkpoint(), situation.more()
    before = copy.deepcopy((today.model_dump(), found.model_dump(), more))
    plan = decide(today, Facts(found, **more))
    assert (today.model_dump(), found.model_dump(), more) == before
    assert decide(today, Facts(found, **more)) == plan
    assert decide(copy.deepcopy(today), copy.deepcopy(Facts(found, **more))) == plan


@few
@given(situations())
def test_what_rerun_affected_would_have_kept_is_what_it_keeps(situation: Situation) -> None:
    """The log must not promise what the other policy would not do."""
    found, more = situation.checkpoint(), situation.more()
    restart = decide(situation.config("restart"), Facts(found, **more))
    other = decide(situation.config("rerun_affected"), Facts(found, **more))
    assert other.kept_by_rerun_affected == ()
    if restart.config_changed:
        assert list(restart.kept_by_rerun_affected) == other.kept
        assert {d.action for d in restart.decisions} <= {Action.RUN}
    else:
        assert restart == other


@few
@given(situations())
def test_fail_refuses_every_change_and_only_a_change(situation: Situation) -> None:
    today, found, more = situation.config("fail"), situation.checkpoint(), situation.more()
    if Model(situation).config_changed:
        with pytest.raises(ConfigChangedError):
            decide(today, Facts(found, **more))
    else:
        assert decide(today, Facts(found, **more)) == situation.plan()
