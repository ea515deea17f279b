"""What an attempt does when what completed components had read has changed: ``on_source_change``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider.errors import SourceChangedError
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.source_facts import compare_sources
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.listing import SourceFile
from airflow_provider.runner.session_state.sources.look import as_not_listed, with_listing
from tests.samples.sketches import checkpoint, config

COMPLETED = "REUSE completed in attempt 1 at"
REPLAY = "REPLAY completed in attempt 1, but later components need its session state, which was not saved: it was cheap"
FAILED = "RUN failed in attempt 1"
OF_DEPENDENCY = "RUN a component that it depends on reads a changed source again"
AGAIN = "RUN a source changed since it was read: /in: 3 files more"
NEEDED = (
    "RUN later components need its session state, which was not saved, and a source changed since it was read: "
    "/in: 3 files more; old and new data are never mixed (on_source_change is 'auto')"
)
ALONG = (
    "RUN it read /in, which has changed since (3 files more), and 'r' must run again for its session state; old "
    "and new data are never mixed"
)
KEPT = (
    "source of 'r' has changed since it was read: /in: 3 files more; the run keeps what was read (on_source_change is "
)


def source(path: str, files: int) -> SourceRecord:
    """A directory of so many files; a question mark after its path: it cannot be told what it holds."""
    if path.endswith("?"):
        why = "a database does not tell whether its rows have changed"
        return SourceRecord(kind="other", name=path, state="unknown", why=why)
    record = SourceRecord(kind="files", name=path, roots=[path])
    if files < 0:
        return as_not_listed(record, "listing takes longer than 2 s")
    return with_listing(record, [SourceFile(f"{path}/{index}", 1, 1) for index in range(files)])


@dataclass(frozen=True)
class Case:
    """One situation and the plan that must come of it.

    :param now: sketch of the config
    :param done: sketch of what had completed, in that order; the first one left out failed
    :param read: ``r:/in=5`` for each source that a component read: how many files it had; -1: it was not looked at
    :param today: ``/in=8`` for each source
    :param expected: names to their action and the beginning of the reason
    :param left: ``w:/in=8`` for what a component left of a source that it wrote into
    :param policy: ``on_source_change``
    :param cleared: whether a person cleared the task
    :param notes: the beginnings of the plan's notes
    :param more: further facts
    :param fields: further fields of the pipeline
    """

    now: str
    done: str
    read: str
    today: str
    expected: Mapping[str, str]
    left: str = ""
    policy: str = "auto"
    cleared: bool = False
    notes: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def checkpoint(self) -> CheckpointState:
        state = checkpoint(config(self.now), self.done)
        records = {}
        for position, (name, record) in enumerate(state.components.items()):
            update = {
                "completed_at": record.completed_at + timedelta(seconds=position),
                "sources": [source(path, files) for path, files in _of(self.read, name)],
                "left": [source(path, files) for path, files in _of(self.left, name)],
            }
            records[name] = record.model_copy(update=update)
        failed = next((c.name for c in config(self.now).ordered if c.name not in records), None)
        return state.model_copy(update={"components": records, "failed_component": failed, "status": "failed"})

    def plan(self) -> RunPlan:
        today = {path: int(files) for path, _, files in (word.rpartition("=") for word in self.today.split())}
        found = compare_sources(
            self.checkpoint(), lambda record: source(record.name, today.get(record.name, 0)), cleared=self.cleared
        )
        facts = Facts(self.checkpoint(), sources=found, **self.more)
        return decide(config(self.now, on_source_change=self.policy, **self.fields), facts)


def _of(text: str, component: str) -> list[tuple[str, int]]:
    found = re.findall(rf"(?:^|\s){component}:(\S+?)=(-?\d+)", text)
    return [(path, int(files)) for path, files in found]


CASES = {
    # Nothing has changed
    "as it was: replayed as ever": Case("r x(r)", "r:replay", "r:/in=5", "/in=5", {"r": REPLAY, "x": FAILED}),
    "as it was, after a clear": Case(
        "r x(r)", "r:1view", "r:/in=5", "/in=5", {"r": COMPLETED, "x": FAILED}, cleared=True,
    ),

    # A retry keeps what was read
    "retry: saved views are used, with a note": Case(
        "r x(r)", "r:1view", "r:/in=5", "/in=8", {"r": COMPLETED, "x": FAILED},
        notes=(KEPT + "'auto' and this is a retry or restart; a clear or 'rerun_affected' reads it again)",),
    ),
    "retry: what left nothing is left alone": Case(
        "r x(r)", "r:kept", "r:/in=5", "/in=8", {"r": COMPLETED, "x": FAILED}, notes=(KEPT,),
    ),
    "retry: what would be replayed runs, with its descendants": Case(
        "r d(r) o x(d)", "r:replay d:kept o:kept", "r:/in=5", "/in=8",
        {"r": NEEDED, "d": OF_DEPENDENCY, "o": COMPLETED, "x": FAILED},
    ),
    "retry: and takes what read the same along, also if that was saved": Case(
        "s r d(s) x(r)", "s:1view r:replay d:kept", "s:/in=5 r:/in=5", "/in=8",
        {"s": ALONG, "r": NEEDED, "d": OF_DEPENDENCY, "x": FAILED},
    ),
    "retry: also what read a part of it": Case(
        "s r x(r)", "s:1view r:replay", "s:/in/sub=5 r:/in=5", "/in=8 /in/sub=8",
        {"s": "RUN it read /in/sub, which has changed since (3 files more), and 'r' must run again", "r": NEEDED,
         "x": FAILED},
    ),
    "retry: not what read another source": Case(
        "s r x(r)", "s:1view r:replay", "s:/other=2 r:/in=5", "/in=8 /other=2",
        {"s": COMPLETED, "r": NEEDED, "x": FAILED},
    ),
    "retry: not what read another source that has changed, too": Case(
        "s r x(r)", "s:1view r:replay", "s:/other=2 r:/in=5", "/in=8 /other=3",
        {"s": COMPLETED, "r": NEEDED, "x": FAILED},
        notes=("source of 's' has changed since it was read: /other: 1 file more; the run keeps what was read",),
    ),
    "retry: not what read it when it had changed already": Case(
        "s r x(r)", "s:1view r:replay", "s:/in=8 r:/in=5", "/in=8", {"s": COMPLETED, "r": NEEDED, "x": FAILED},
    ),
    "retry: what may have read it is taken along, too": Case(
        "s r x(r)", "s:1view r:replay", "s:/in=-1 r:/in=5", "/in=8",
        {"s": "RUN it read /in, which may have changed, and 'r' must run again", "r": NEEDED,
         "x": FAILED},
    ),
    "retry: what runs again for another reason takes along, too": Case(
        "s r x(r)", "s:1view r:1view", "s:/in=5 r:/in=5", "/in=8",
        {"s": "RUN it read /in, which has changed since (3 files more), and 'r' runs again; old and new data",
         "r": "RUN its saved view is gone", "x": FAILED}, more={"damaged": {"r": "its saved view is gone"}},
    ),
    "retry: taking along makes more replays, which take along more": Case(
        "q r s x(s)", "q:1view r:replay s:replay", "q:/b=1 r:/in=5 s:/in=5 r:/b=1", "/in=8 /b=2",
        {"q": "RUN it read /b, which has changed since (1 file more)", "r": "RUN later components need", "s": NEEDED,
         "x": FAILED},
    ),
    "retry: a replay after the last that runs is none": Case(
        "x r", "r:replay", "r:/in=5", "/in=8", {"x": FAILED, "r": COMPLETED}, notes=(KEPT,),
    ),
    "retry: one whose author vouches for it takes along all the same": Case(
        "s r x(r)", "s:1view r:replay", "s:/in=5 r:/in=5", "/in=8", {"s": ALONG, "r": NEEDED, "x": FAILED},
        fields={"session_state": "replay"},
    ),
    "retry: what cannot be told is said": Case(
        "r x(r)", "r:replay", "r:jdbc?=0", "",
        {"r": REPLAY + "; jdbc? may have changed", "x": FAILED},
    ),
    "retry: what is not looked at any more is said": Case(
        "r x(r)", "r:replay", "r:/in=5", "/in=-1",
        {"r": REPLAY + "; /in may have changed", "x": FAILED},
    ),
    "retry: a source that is gone": Case(
        "r x(r)", "r:1view", "r:/in=5", "/in=0", {"r": COMPLETED, "x": FAILED},
        notes=("source of 'r' has changed since it was read: /in: gone, 5 files; the run keeps what was read",),
    ),
    "one note for all that read a source": Case(
        "r s x(r)", "r:1view s:kept", "r:/in=5 s:/in=5", "/in=8", {"r s": COMPLETED, "x": FAILED},
        notes=("source of 'r', 's' has changed since it was read: /in: 3 files more; the run keeps what was read",),
    ),

    # A person cleared the task
    "clear: what read it runs again, with its descendants": Case(
        "r d(r) o x(d)", "r:1view d:kept o:kept", "r:/in=5", "/in=8",
        {"r": AGAIN + " (on_source_change is 'auto' and the task was cleared)", "d": OF_DEPENDENCY, "o": COMPLETED,
         "x": FAILED}, cleared=True,
    ),
    "clear: also what comes last and what read it in an action": Case(
        "r x c", "r:kept c:kept", "r:/in=5 c:/in=5", "/in=8", {"r c": AGAIN, "x": FAILED}, cleared=True,
    ),
    "clear: what always runs does": Case(
        "r! x(r)", "r:kept", "r:/in=5", "/in=5", {"r": "RUN always_run", "x": FAILED}, cleared=True,
    ),

    # The other policies
    "keep: saved views are used": Case(
        "r x(r)", "r:1view", "r:/in=5", "/in=8", {"r": COMPLETED, "x": FAILED}, policy="keep", cleared=True,
        notes=(KEPT + "'keep')",),
    ),
    "keep: a replay reads what is there, and the plan says so": Case(
        "s r x(r)", "s:1view r:replay", "s:/in=5 r:/in=5", "/in=8", {"s": COMPLETED, "r": REPLAY, "x": FAILED},
        policy="keep",
        notes=("replaying 'r' reads different data than before: /in: 3 files more (on_source_change is 'keep')",
               "source of 's' has changed since it was read: /in: 3 files more; the run keeps what was read"),
    ),
    "rerun_affected: also in a retry": Case(
        "r d(r) o x(d)", "r:1view d:kept o:kept", "r:/in=5", "/in=8",
        {"r": AGAIN + " (on_source_change is 'rerun_affected')", "d": OF_DEPENDENCY, "o": COMPLETED, "x": FAILED},
        policy="rerun_affected",
    ),
    "fail: not for what runs anyway": Case(
        "r x(r)", "r:kept", "r:/in=5", "/in=8", {"r": "RUN restart from 'r' was requested", "x": FAILED}, policy="fail",
        more={"restarts": (RestartFrom(components=("r",)),)},
    ),
    "fail: not for what has not changed": Case(
        "r x(r)", "r:kept", "r:/in=5", "/in=5", {"r": COMPLETED, "x": FAILED}, policy="fail",
    ),

    # The run itself wrote there
    "our own: saved views are used without a word": Case(
        "r w(r) x(w)", "r:1view w:kept", "r:/in=5", "/in=8", {"r w": COMPLETED, "x": FAILED}, left="w:/in=8",
    ),
    "our own: nothing runs again after a clear": Case(
        "r w(r) x(w)", "r:1view w:kept", "r:/in=5", "/in=8", {"r w": COMPLETED, "x": FAILED}, left="w:/in=8",
        cleared=True,
    ),
    "our own: nor with rerun_affected": Case(
        "r w(r) x(w)", "r:1view w:kept", "r:/in=5", "/in=8", {"r w": COMPLETED, "x": FAILED}, left="w:/in=8",
        policy="rerun_affected",
    ),
    "our own: nor is it a reason to fail": Case(
        "r w(r) x(w)", "r:1view w:kept", "r:/in=5", "/in=8", {"r w": COMPLETED, "x": FAILED}, left="w:/in=8",
        policy="fail",
    ),
    "our own: of two writers the last counts": Case(
        "r w v x", "r:1view w:kept v:kept", "r:/in=5", "/in=9", {"r w v": COMPLETED, "x": FAILED},
        left="w:/in=8 v:/in=9", cleared=True,
    ),
    "our own and then somebody else's: runs again after a clear": Case(
        "r w x", "r:1view w:kept", "r:/in=5", "/in=9", {"r": "RUN a source changed since it was read: /in: 4",
                                                        "w": COMPLETED, "x": FAILED}, left="w:/in=8", cleared=True,
    ),
    "our own, and somebody took it away again: nothing to do": Case(
        "r w x", "r:replay w:kept", "r:/in=5", "/in=5", {"r": REPLAY, "w": COMPLETED, "x": FAILED}, left="w:/in=8",
    ),
    "our own, and how it was left is not known: taken for our own": Case(
        "r w x", "r:1view w:kept", "r:/in=5", "/in=9", {"r w": COMPLETED, "x": FAILED}, left="w:/in=-1", cleared=True,
    ),
    "our own, written before it was read: somebody else's": Case(
        "w r x", "w:kept r:1view", "r:/in=5", "/in=8", {"w": COMPLETED, "r": AGAIN, "x": FAILED}, left="w:/in=8",
        cleared=True,
    ),
    "our own: a component that wrote into its own source": Case(
        "r x", "r:1view", "r:/in=5", "/in=8", {"r": COMPLETED, "x": FAILED}, left="r:/in=8", cleared=True,
    ),
    "our own: a replay that the author vouches for, with a note": Case(
        "r w(r) x(w)", "r:replay w:kept", "r:/in=5", "/in=8", {"r": REPLAY, "w": COMPLETED, "x": FAILED},
        left="w:/in=8", fields={"session_state": "replay"},
        notes=("replaying 'r' reads different data than before: /in: 3 files more",),
    ),
    "a writer that was killed half-way: what read there reads again": Case(
        "r w(r) x(w)", "r:replay", "r:/in=5", "/in=6",
        {"r": NEEDED.replace("3 files", "1 file"), "w": FAILED, "x": "RUN not completed in attempt 1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_the_plan_does_about_changed_sources(case: Case) -> None:
    """Each case: what runs, is reused or replayed, why, and what the plan tells."""
    plan = case.plan()
    found = {decision.component: f"{decision.action} {decision.reason}" for decision in plan.decisions}
    for names, expected in case.expected.items():
        for name in names.split():
            assert found.pop(name).startswith(expected), name
    assert not found
    assert len(plan.notes) == len(case.notes), plan.notes
    for note, beginning in zip(plan.notes, case.notes, strict=True):
        assert note.startswith(beginning)


def test_fail_lists_what_has_changed() -> None:
    """``fail`` names every component and source, what changed, and what to do."""
    case = Case("r s x", "r:1view s:kept", "r:/in=5 s:/other=3", "/in=8 /other=2", {}, policy="fail")
    with pytest.raises(SourceChangedError) as error:
        case.plan()
    assert str(error.value) == (
        "pipeline 'p': source of 'r' has changed since it was read: /in: 3 files more; source of 's' has changed since "
        "it was read: /other: 1 file gone; on_source_change is 'fail'. Set it to 'rerun_affected' to read them "
        "again or to 'keep' to continue with what was read, or restart from the component that read them"
    )


@pytest.mark.parametrize("policy", ["auto", "keep", "rerun_affected", "fail"])
def test_a_replay_that_would_read_what_this_run_wrote_is_refused(policy: str) -> None:
    """Nothing right can be made of it: the run's own writer has changed the source and will not run again."""
    case = Case("r w(r) x(w)", "r:replay w:kept", "r:/in=5", "/in=8", {}, left="w:/in=8", policy=policy)
    refusal = case.plan().obstacle
    assert isinstance(refusal, SourceChangedError)
    assert "by a later component of this run; its session state is needed" in str(refusal)


def test_a_view_that_is_bound_late_may_be_replayed_after_this_run_wrote_there() -> None:
    """It shows what was written in any case, so a replay makes no difference."""
    case = Case("r w(r) x(w)", "r:replay w:kept", "r:/in=5", "/in=8", {}, left="w:/in=8")
    state = case.checkpoint()
    reader = state.components["r"]
    assert reader.session_state is not None
    late = reader.session_state.model_copy(update={"late_bound": True})
    records = {**state.components, "r": reader.model_copy(update={"session_state": late})}
    state = state.model_copy(update={"components": records})
    found = compare_sources(state, lambda record: source(record.name, 8), cleared=False)
    plan = decide(config(case.now), Facts(state, sources=found))
    assert plan.obstacle is None
    assert not plan.notes


def test_a_complete_pipeline_is_left_alone() -> None:
    """After the end of a pipeline a source may change as it likes."""
    case = Case("r s", "r:1view s:kept", "r:/in=5", "/in=8", {}, policy="rerun_affected")
    done = case.checkpoint().model_copy(update={"status": "completed"})
    found = compare_sources(done, lambda record: source("/in", 8), cleared=False)
    plan = decide(config(case.now, on_source_change=case.policy), Facts(done, sources=found))
    assert plan.runs_until == 0
