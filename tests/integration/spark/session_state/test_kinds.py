"""Every kind of session state is captured, recorded, restored or lost with a reason, compared after a replay, worded.

A kind in ``KINDS`` without a sample here fails these tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark import SparkFiles
from pyspark.sql.datasource import DataSource, DataSourceReader

from airflow_provider.errors import ReplayDiffersError
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.changes.diff import session_changes, take_snapshot
from airflow_provider.runner.session_state.component_left import (
    ComponentLeft,
    carry_into_thread,
    carry_over,
    component_left,
)
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_state import (
    left_names,
    left_something,
    restored_in_brief,
    restored_in_words,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.session_template import SessionTemplate
from tests.integration.spark.session_state.scenes import SUCCESS
from tests.samples.harness.releases import SPARK
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

Kind = SessionStateKind[Any, Any]


Leaves = str | Callable[["SparkSession"], object]
Fill = Callable[[Any], Any]


@dataclass(frozen=True)
class Sample:
    """How a component leaves something of a kind. ``{db}`` is a database, ``{file}`` a file.

    :param leaves: statements that leave it; or what a component does instead
    :param is_there: whether a session has it
    :param otherwise: statements that leave something else, so that a replay differs; None if no replay can differ
    :param forget: statements that let Spark forget what would outlive a session of this test
    :param lost: whether a record cannot bring it back
    :param code: whether it is code that runs only when a later component uses it
    :param words: what the log says when it is restored
    :param brief: what the table of the plan says; ends with it, where the beginning is a size
    """

    leaves: tuple[Leaves, ...]
    is_there: Callable[[SparkSession, str], bool]
    otherwise: tuple[Leaves, ...] | None = None
    forget: tuple[Leaves, ...] = ()
    lost: bool = False
    code: bool = False
    words: str = ""
    brief: str = ""


class Dice(DataSource):  # type: ignore[misc]
    """A data source of one row."""

    @classmethod
    def name(cls) -> str:
        return "dice"

    def schema(self) -> str:
        return "x INT"

    def reader(self, schema: Any) -> DataSourceReader:
        return OneRow()


class OneRow(DataSourceReader):  # type: ignore[misc]
    def read(self, partition: Any) -> Iterator[tuple[int]]:
        yield (4,)


class Cards(Dice):
    """Another data source."""

    @classmethod
    def name(cls) -> str:
        return "cards"


def hadoop(session: SparkSession) -> Any:
    return session.sparkContext._jsc.hadoopConfiguration()


VIEW = "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1 AS x"

SAMPLES = {
    "temp functions": Sample(
        ("CREATE TEMPORARY FUNCTION twice(x INT) RETURNS INT RETURN 2 * x",),
        lambda session, db: session.sql("SELECT twice(21)").first()[0] == 42,
        otherwise=("CREATE TEMPORARY FUNCTION thrice(x INT) RETURNS INT RETURN 3 * x",),
        lost=True,
        code=True,
    ),
    "data sources": Sample(
        (lambda session: session.dataSource.register(Dice),),
        lambda session, db: session.read.format("dice").load().count() == 1,
        otherwise=(lambda session: session.dataSource.register(Cards),),
        lost=True,
        code=True,
    ),
    "Hadoop entries": Sample(
        (lambda session: hadoop(session).set("parquet.block.size", "1048576"),),
        lambda session, db: hadoop(session).get("parquet.block.size") == "1048576",
        otherwise=(lambda session: hadoop(session).set("parquet.block.size", "1048577"),),
        words="Hadoop entries parquet.block.size",
        brief="1 Hadoop entry",
    ),
    "local properties": Sample(
        (lambda session: session.sparkContext.setLocalProperty("spark.scheduler.pool", "nightly"),),
        lambda session, db: session.sparkContext.getLocalProperty("spark.scheduler.pool") == "nightly",
        otherwise=(lambda session: session.sparkContext.setLocalProperty("spark.scheduler.pool", "daily"),),
        words="local properties spark.scheduler.pool",
        brief="1 local property",
    ),
    "checkpoint directory": Sample(
        (lambda session: session.sparkContext.setCheckpointDir(tempfile.gettempdir()),),
        lambda session, db: session.range(3).checkpoint().count() == 3,
        otherwise=("SELECT 1",),
        lost=True,
    ),
    "tables and databases": Sample(
        ("CREATE DATABASE {db}_x",),
        lambda session, db: session.catalog.databaseExists(f"{db}_x"),
        forget=("DROP DATABASE {db}_x",),
        words="tables and databases `{db}_x`",
        brief="1 table",
    ),
    "settings": Sample(
        ("SET spark.sql.shuffle.partitions = 7",),
        lambda session, db: session.conf.get("spark.sql.shuffle.partitions") == "7",
        otherwise=("SET spark.sql.session.timeZone = UTC", "SET spark.sql.shuffle.partitions = 8"),
        words="settings spark.sql.shuffle.partitions",
        brief="1 setting",
    ),
    "session variables": Sample(
        ("DECLARE VARIABLE answer INT DEFAULT 42",),
        lambda session, db: session.sql("SELECT answer").first()[0] == 42,
        otherwise=("DECLARE OR REPLACE VARIABLE answer INT DEFAULT 43",),
        words="session variables answer",
        brief="1 session variable",
    ),
    "added files": Sample(
        ("ADD FILE '{file}'",),
        lambda session, db: Path(SparkFiles.get("added.txt")).exists(),
        otherwise=("SELECT 1",),
        lost=True,
    ),
    "current database": Sample(
        ("USE {db}",),
        lambda session, db: session.catalog.currentDatabase() == db,
        otherwise=("SELECT 1",),
        words="current database spark_catalog.{db}",
        brief="1 database",
    ),
    "SQL path": Sample(
        ("SET PATH = spark_catalog.{db}, current_schema, system.builtin",),
        lambda session, db: db in session.sql("SELECT current_path()").first()[0],
        otherwise=("SET PATH = current_schema, system.builtin",),
        words="SQL path `spark_catalog`.`{db}`, current_schema, `system`.`builtin`",
        brief="1 SQL path",
    ),
    "views": Sample(
        (VIEW,),
        lambda session, db: session.table("v").count() == 1,
        otherwise=("CREATE TEMPORARY VIEW w AS SELECT 1 AS x",),
        code=True,
        words="views v, as of then",
        brief=" bytes)",
    ),
    "cached views": Sample((VIEW, "CACHE LAZY TABLE v"), lambda session, db: session.catalog.isCached("v")),
}


@pytest.fixture
def fill(database: str, tmp_path: Path, spark: SparkSession) -> Iterator[Fill]:
    """Fills in the names of a sample."""
    (tmp_path / "added.txt").write_text("1")
    spark.sparkContext._jsc.sc().conf().set("spark.sql.path.enabled", "true")  # new sessions begin with it

    def fill(text: Leaves) -> Leaves:
        return text.format(db=database, file=tmp_path / "added.txt") if isinstance(text, str) else text

    yield fill
    spark.sparkContext._jsc.sc().conf().remove("spark.sql.path.enabled")
    spark.sql(f"DROP DATABASE IF EXISTS {database}_x CASCADE")
    spark.catalog.clearCache()


def left_by(*leaves: Leaves) -> Callable[[SparkSession], None]:
    """What a component does that leaves a sample."""

    def work(session: SparkSession) -> None:
        for one in leaves:
            session.sql(one) if isinstance(one, str) else one(session)

    return work


def one(make: Make, fill: Fill, sample: Sample, **fields: Any) -> SparkRun:
    """A run whose component ``a`` leaves the sample, and whose component ``c`` has failed once."""
    run = make("a", "c", **fields).in_new_session()
    run.does("a", left_by(*map(fill, sample.leaves)))
    run.fails("c")
    run.attempt()
    for statement in sample.forget:
        run.session.sql(fill(statement))
    return run


OF_SESSION = [kind for kind in kinds.KINDS if kind not in (kinds.PROCESS_SETTINGS, *kinds.PROCESS_STATE)]
"""``left_behind/test_process_state.py`` does the same with those of the process, which need processes of their own."""
IN_THIS_SPARK = [kind for kind in OF_SESSION if kind is not kinds.SQL_PATH or SPARK >= (4, 2)]
by_kind = pytest.mark.parametrize("kind", IN_THIS_SPARK, ids=lambda kind: kind.name)


def test_every_kind_has_a_sample_and_a_name_of_its_own() -> None:
    assert [kind.name for kind in OF_SESSION] == list(SAMPLES)


@by_kind
def test_a_kind_is_captured(kind: Kind, session: SparkSession, fill: Fill) -> None:
    probe = ClassicProbe(session)
    before = take_snapshot(probe)
    assert kind.is_untouched(before, take_snapshot(probe))
    left_by(*map(fill, SAMPLES[kind.name].leaves))(session)
    left = session_changes(before, take_snapshot(probe))
    assert left.of(kind) != session_changes(before, before).of(kind)
    assert kind.leaves_code(left) is SAMPLES[kind.name].code


@by_kind
def test_a_kind_is_recorded_and_restored_or_lost_with_a_reason(
    kind: Kind, make: Make, fill: Fill, database: str
) -> None:
    sample = SAMPLES[kind.name]
    run = one(make, fill, sample, session_state="save")
    record = run.record("a")
    assert record.handling == "kept"
    if sample.lost:
        assert record.lost
        return
    assert kind.is_recorded(record)
    assert left_something(record)
    found: list[bool] = []
    run.does("c", lambda session: found.append(sample.is_there(session, database)))
    assert run.resume().status is SUCCESS
    assert (run.took_turns()[-1:], found) == (["c"], [True])


@by_kind
def test_a_kind_that_is_lost_makes_its_harmless_component_run_again(
    kind: Kind, make: Make, fill: Fill, database: str
) -> None:
    sample = SAMPLES[kind.name]
    run = one(make, fill, sample, session_state="auto")
    assert sample.lost <= (run.record("a").handling == "replay")
    found: list[bool] = []
    run.does("c", lambda session: found.append(sample.is_there(session, database)))
    assert run.resume().status is SUCCESS
    assert found == [True]


@by_kind
def test_a_kind_is_compared_after_a_replay(kind: Kind, make: Make, fill: Fill) -> None:
    """A view beside it makes sure that the component is replayed and not restored."""
    sample = SAMPLES[kind.name]
    beside = "CREATE OR REPLACE TEMPORARY VIEW beside AS SELECT 1 AS x"
    for otherwise in filter(None, (sample.leaves, sample.otherwise)):
        run = make("a", "c", session_state="replay").in_new_session()
        run.does("a", left_by(beside, *map(fill, sample.leaves)))
        run.fails("c")
        run.attempt()
        for statement in sample.forget:
            run.session.sql(fill(statement))
        run.mend("c")
        run.does("a", left_by(beside, *map(fill, otherwise)))
        failed = [error for _, error in run.resume().failed_components]
        assert [type(error) for error in failed] == ([] if otherwise == sample.leaves else [ReplayDiffersError])


@by_kind
def test_a_kind_has_words(kind: Kind, make: Make, fill: Fill) -> None:
    sample = SAMPLES[kind.name]
    record = one(make, fill, sample, session_state="save").record("a")
    assert kind.restored_words(record) == fill(sample.words)
    assert kind.brief_words(record).endswith(fill(sample.brief))
    assert fill(sample.words) in restored_in_words(record)
    assert fill(sample.brief) in restored_in_brief(record)
    assert set(kind.names(record)) <= set(left_names(record))


def left_in_copy(copy: SparkSession, *leaves: Leaves) -> ComponentLeft:
    """What a component left in its copy of the session."""
    probe = ClassicProbe(copy)
    before = take_snapshot(probe)
    left_by(*leaves)(copy)
    return component_left("a", before, take_snapshot(probe))


@by_kind
def test_a_kind_is_carried_over_or_shared(kind: Kind, session: SparkSession, fill: Fill, database: str) -> None:
    sample, copies = SAMPLES[kind.name], SessionTemplate(session)
    copy, target = copies.take(), copies.take()
    left = left_in_copy(copy, *map(fill, sample.leaves))
    assert (kind.name in left.left) is (kind is not kinds.CACHED_VIEWS)  # whether rows are cached changes no row
    if kind.of_thread:
        target.sparkContext.setLocalProperty("spark.scheduler.pool", None)
        assert carry_into_thread([left], target) == {}
    else:
        if not kind.shared:
            assert not is_in(sample, target, database)
        assert carry_over(left, copy, target) == {}
    assert is_in(sample, target, database)
    if not kind.shared:
        assert not is_in(sample, copies.take(), database) or kind.of_thread


def is_in(sample: Sample, session: SparkSession, database: str) -> bool:
    try:
        return sample.is_there(session, database)
    except Exception:
        return False


@by_kind
def test_a_copy_has_of_a_kind_what_the_session_has_at_the_start(
    kind: Kind, session: SparkSession, fill: Fill, database: str
) -> None:
    sample = SAMPLES[kind.name]
    left_by(*map(fill, sample.leaves))(session)
    copies = SessionTemplate(session)
    left_by(*map(fill, sample.otherwise or ()))(session)
    copy = copies.take()
    assert is_in(sample, copy, database) or kind.shared or kind.of_thread
    if not (kind.shared or kind.of_thread):
        now, then = take_snapshot(ClassicProbe(copy)).of(kind), take_snapshot(ClassicProbe(copies.take())).of(kind)
        assert now == then


@by_kind
def test_what_is_carried_over_later_wins(kind: Kind, session: SparkSession, fill: Fill, database: str) -> None:
    """What a kind has afterwards is what a session has in which one came after the other."""
    sample, copies = SAMPLES[kind.name], SessionTemplate(session)
    if sample.otherwise is None or kind.shared or kind.of_thread:
        return
    first, second, target, sequential = (copies.take() for _ in range(4))
    for copy, leaves in ((first, sample.leaves), (second, sample.otherwise)):
        assert carry_over(left_in_copy(copy, *map(fill, leaves)), copy, target) == {}
        left_by(*map(fill, leaves))(sequential)
    found, expected = (take_snapshot(ClassicProbe(one)).of(kind) for one in (target, sequential))
    if kind in (kinds.TEMP_VIEWS, kinds.TEMP_FUNCTIONS, kinds.DATA_SOURCES):
        assert found.keys() == expected.keys()  # their values are identities
    elif kind is kinds.SESSION_VARIABLES:
        assert [variable[1:] for variable in found.values()] == [variable[1:] for variable in expected.values()]
    else:
        assert found == expected


MOOD = {"now": "calm"}


class Mood(SessionStateKind[str, str | None]):
    """A kind that is one class: it asks no JVM, and the record has no field for it."""

    name = "moods"

    def capture(self, look: SessionLook) -> str:
        return MOOD["now"]

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> str | None:
        return after.of(self) if before.of(self) != after.of(self) else None

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        return RecordedPart(own=changes.of(self))

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return self.name in record.parts

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        MOOD["now"] = str(record.parts.get(self.name, MOOD["now"]))

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        if recorded.parts.get(self.name) != outcome.left.of(self):
            yield f"the mood is {outcome.after.of(self)!r}"

    def names(self, record: SessionStateRecord) -> list[str]:
        return [str(record.parts[self.name])] if self.name in record.parts else []


def test_a_new_kind_is_one_class_and_one_line(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, Mood()))
    monkeypatch.setitem(MOOD, "now", "calm")
    run = make("a", "c")
    run.does("a", lambda session: MOOD.update(now="merry"))
    run.fails("c")
    run.attempt()
    assert run.record("a").parts == {"moods": "merry"}
    MOOD["now"] = "calm"  # as in a new process
    run.mend("c")
    caplog.set_level("INFO")
    assert run.resume().status is SUCCESS
    assert MOOD["now"] == "merry"
    assert "restored for a: moods merry" in caplog.text
