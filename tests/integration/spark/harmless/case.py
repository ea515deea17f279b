"""One row of the tables: a component, what is expected of it, and how that is found out end to end.

The component finishes, a later one reads its view and fails, the next attempt resumes in a new session, and the later
one reads the view again. Then its side effects are counted, where they happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import PySparkPipelineError, describe
from airflow_provider.runner import ComponentConfig
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.saved.views import read_view
from tests.integration.spark.harmless.world import World
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ACTS = "tests.integration.spark.harmless.acts"

REPLAYED, SAVED, NOTHING, LOST = "replayed", "saved", "nothing to save", "neither, and said so"


@dataclass(frozen=True)
class Case:
    """A component and what is expected of it.

    :param component: below the package ``acts``, or a full class path
    :param verdict: ``REPLAYED``: it is known to be harmless and runs again when its view is needed. ``SAVED``: it never
        runs again, its view is read from storage. ``NOTHING``: it left no view, and never runs again. ``LOST``: it left
        what cannot be saved, and must not run again, so the resume fails with the remedy
    :param words: what the recorded reason must say, in upper or lower case
    :param config: its config; ``{name}`` in a text stands for what the :class:`World` has under that name
    :param count: counts its side effects; None if it has none, so that nothing is counted
    :param effects: how many there are when it ran once
    :param before: prepares the world
    :param between: what happens to the world between the two attempts
    :param redrawn: whether each reader gets other rows, as in plain Spark, so that after the failure it gets those of
        the copy, which are those of no reader before it
    :param view: the view that the later component reads, or a query; None if it left none
    :param pipeline: further fields of the pipeline
    :param fields: further fields of the component's config
    """

    component: str
    verdict: str
    words: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    count: Callable[[World], int] | None = None
    effects: int = 1
    before: Callable[[World], object] | None = None
    between: Callable[[World], object] | None = None
    redrawn: bool = False
    view: str | None = "v"
    pipeline: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.component.removeprefix("airflow_provider.")


def replayed(component: str, *words: str, **fields: Any) -> Case:
    """A row for a component that is known to be harmless; no side effects, or such as do not count."""
    return Case(component, REPLAYED, ("known to be harmless", *words), **_sorted_out(fields))


def saved(component: str, *words: str, **fields: Any) -> Case:
    """A row for a component that is not known to be harmless."""
    return Case(component, SAVED, words, **_sorted_out(fields))


def lost(component: str, *words: str, **fields: Any) -> Case:
    """A row for a component that can be brought back neither way."""
    return Case(component, LOST, words, **_sorted_out(fields))


def _sorted_out(fields: dict[str, Any]) -> dict[str, Any]:
    own = {name: fields.pop(name) for name in list(fields) if name in Case.__dataclass_fields__}
    return {**own, "config": fields}


def judge(case: Case, world: World) -> None:
    """Run the two attempts and compare.

    :raises AssertionError: with everything that is not as expected
    """
    wrong = list(_differences(case, world))
    assert not wrong, "\n  ".join([f"{case}: expected to be {case.verdict} ({', '.join(case.words)})", *wrong])


def _differences(case: Case, world: World) -> list[str]:
    if case.before is not None:
        case.before(world)
    # What is costly is saved; in a Spark that has just started, and beside others, anything may cost ten seconds.
    fields = {"replay_below_cpu_seconds": 1000, **case.pipeline}
    run = SparkRun(world.spark, world.tmp / "state", _component(case, world), "later", **fields)
    seen: list[Any] = []

    def fail(session: SparkSession) -> None:
        seen.append(_content(session, _filled_in(case.view, world)))
        raise RuntimeError("later broke")

    run.does("later", fail)
    [(failed, error)] = run.attempt().failed_components
    if failed != "later":
        return [f"it failed itself: {describe(error)}"]
    if "later broke" not in str(error):
        return [f"the later one could not read its view: {describe(error)}"]
    wrong = []
    record = run.record("it")
    got = {"kept": SAVED if record.views else NOTHING, "unrepeatable": LOST, "replay": REPLAYED}.get(record.handling)
    if got != case.verdict:
        wrong.append(f"got {got or record.handling}: {record.reason!r}")
    elif missing := [word for word in case.words if word.lower() not in record.reason.lower()]:
        wrong.append(f"the reason {record.reason!r} does not say {', '.join(map(repr, missing))}")
    wrong += _miscounted(case, world, "the first attempt")
    wanted = seen[0]
    if case.redrawn:
        wanted = (_saved_rows(world, record), seen[0][1])
        if wanted == seen[0]:
            wrong.append(f"a reader has seen what was saved: {seen[0]}")
    if case.between is not None:
        case.between(world)
    world.spark.catalog.clearCache()  # a new process has none
    run.in_new_session()
    run.does("later", lambda session: seen.append(_content(session, _filled_in(case.view, world))))
    wrong += _resumed(case, run)
    if len(seen) == 2 and wanted != seen[1]:
        wrong.append(f"the view was {wanted} and is now {seen[1]}")
    return wrong + _miscounted(case, world, "both attempts")


def _resumed(case: Case, run: SparkRun) -> list[str]:
    """Plan and run the second attempt; return what is wrong with it."""
    try:
        [decision] = [d for d in run.plan().decisions if d.component == "it"]
        failed = run.attempt().failed_components
    except PySparkPipelineError as error:
        if case.verdict != LOST or type(error).__name__ != "SessionStateNotSavedError":
            return [f"the resume raised {type(error).__name__}: {error}"]
        return [] if "session_state: replay" in str(error) else [f"the error names no remedy: {error}"]
    wrong = []
    if case.verdict == LOST:
        wrong.append("the resume was not refused")
    expected = "REPLAY" if case.verdict == REPLAYED else "REUSE"
    if decision.action != expected and case.verdict != LOST:
        wrong.append(f"the plan was to {decision.action} it, because {decision.reason}; expected {expected}")
    return wrong + [f"in the resume {name} failed: {describe(error)}" for name, error in failed]


def _miscounted(case: Case, world: World, when: str) -> list[str]:
    if case.count is None:
        return []
    found = case.count(world)
    return [] if found == case.effects else [f"{found} side effects after {when}, expected {case.effects}"]


def _saved_rows(world: World, record: SessionStateRecord) -> list[str]:
    return sorted(str(row) for saved in record.views for row in read_view(world.spark, saved).collect())


def _component(case: Case, world: World) -> ComponentConfig:
    path = case.component if case.component.startswith("airflow_provider.") else f"{ACTS}.{case.component}"
    config = {name: _filled_in(value, world) for name, value in case.config.items()}
    return ComponentConfig(name="it", class_path=path, config=config, **case.fields)


def _filled_in(value: Any, world: World) -> Any:
    return value.format_map(world) if isinstance(value, str) else value


def _content(session: SparkSession, view: str | None) -> Any:
    """Return the rows of a view, and how Spark caches it."""
    if view is None:
        return None
    frame = session.sql(view) if " " in view else session.table(view)
    level = frame.storageLevel
    return sorted(map(str, frame.collect())), f"{level}"
