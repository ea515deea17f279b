"""A view that was saved is, in its own attempt, what it is in plain Spark; later the same, or refused with the reason.

Each case is run by plain Spark and in two attempts, of which the first fails after all else has been done; and once
more, failing before something changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.runner import PipelineResultStatus
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Work = Callable[[SparkSession, "Place"], Any]

SUCCESS = PipelineResultStatus.SUCCESS
SAME, REFUSED = "same", "refused"


@dataclass(frozen=True)
class Place:
    """Where a case has its data.

    :param directory: for files
    :param table: name of a table
    """

    directory: Path
    table: str

    @property
    def path(self) -> str:
        return str(self.directory / "in")


@dataclass(frozen=True)
class Case:
    """What happens to one view.

    :param leaves: leaves the view ``v``; its component is saved
    :param reads: what a later component gets of it
    :param changes: what a component between the two does
    :param before: what becomes of it when the attempt fails before that component
    :param after: what becomes of it when the attempt fails after it
    """

    leaves: Work
    reads: Work
    changes: Work = lambda session, place: None
    before: str = SAME
    after: str = SAME


def text(query: str) -> Work:
    """A view that is stored as its text."""
    return lambda session, place: session.sql(
        f"CREATE TEMP VIEW v AS {query.format(table=place.table, path=place.path)}"
    )


def frame(make: Work) -> Work:
    """A view of a DataFrame."""
    return lambda session, place: make(session, place).createOrReplaceTempView("v")


def all_of(*works: Work) -> Work:
    return lambda session, place: [work(session, place) for work in works]


def sql(statement: str) -> Work:
    return lambda session, place: session.sql(statement.format(table=place.table, path=place.path))


def rows(query: str = "SELECT * FROM v") -> Work:
    """What a query gives, in its order."""
    return lambda session, place: [tuple(row) for row in session.sql(query).collect()]


def multiset(query: str = "SELECT * FROM v") -> Work:
    return lambda session, place: sorted(tuple(row) for row in session.sql(query).collect())


def append(session: SparkSession, place: Place) -> None:
    session.range(100, 103, 1, 1).write.mode("append").parquet(place.path)


def files(session: SparkSession, place: Place) -> Any:
    return session.read.parquet(place.path)


insert = sql("INSERT INTO {table} VALUES (100), (101)")

LATE: dict[str, Case] = {
    "text of a table": Case(text("SELECT id FROM {table}"), multiset(), insert, before=REFUSED),
    "text of files": Case(text("SELECT id FROM parquet.`{path}`"), multiset(), append, before=REFUSED),
    "text of a table that is made again": Case(
        text("SELECT id FROM {table}"),
        multiset(),
        lambda s, place: s.range(7).write.mode("overwrite").saveAsTable(place.table),
        before=REFUSED,
    ),
    "text of a view that is replaced": Case(
        all_of(lambda s, place: s.range(3).createOrReplaceTempView("u"), text("SELECT id + 1 AS id FROM u")),
        multiset(),
        lambda s, place: s.range(5).createOrReplaceTempView("u"),
        before=REFUSED,
    ),
    "text of a text of a view that is replaced": Case(
        all_of(
            lambda s, place: s.range(3).createOrReplaceTempView("u"),
            sql("CREATE TEMP VIEW w AS SELECT id * 2 AS id FROM U"),
            text("SELECT id + 1 AS id FROM w"),
        ),
        multiset(),
        lambda s, place: s.range(5).createOrReplaceTempView("u"),
        before=REFUSED,
    ),
    "a DataFrame of a table": Case(frame(lambda s, place: s.table(place.table)), multiset(), insert, before=REFUSED),
    "a DataFrame of a table that was written since": Case(
        all_of(frame(lambda s, place: s.table(place.table)), insert), multiset(), insert
    ),  # Spark lets it follow the first statement only
    "a DataFrame of a table that was written since, another way of writing": Case(
        all_of(frame(lambda s, place: s.table(place.table)), insert),
        multiset("SELECT count(*) FROM v"),
        lambda s, place: s.range(5).write.mode("append").saveAsTable(place.table),
    ),
    "a DataFrame of a table that was written since, with something cached": Case(
        all_of(
            frame(lambda s, place: s.table(place.table)),
            insert,
            lambda s, place: s.table("v").selectExpr("id + 1 AS id").cache().count(),
        ),
        multiset(),
        insert,
        before=REFUSED,
    ),
    "a DataFrame of a partitioned table that was written since": Case(
        all_of(
            sql("CREATE TABLE {table}_db.parted USING parquet PARTITIONED BY (p) AS SELECT id, 0 AS p FROM range(3)"),
            frame(lambda s, place: s.table(f"{place.table}_db.parted")),
            sql("INSERT INTO {table}_db.parted VALUES (7, 1)"),
        ),
        multiset(),
        sql("INSERT INTO {table}_db.parted VALUES (8, 2)"),
        before=REFUSED,
    ),
    "a DataFrame of files": Case(frame(files), multiset(), append),
    "a DataFrame of files that are cached": Case(
        all_of(frame(files), lambda s, place: s.catalog.cacheTable("v")), multiset(), append, before=REFUSED
    ),
    "nobody reads it again": Case(text("SELECT id FROM {table}"), multiset("SELECT 1"), insert),
    "something else is written": Case(
        text("SELECT id FROM {table}"), multiset(), lambda s, place: s.range(3).write.parquet(f"{place.path}.other")
    ),
    "a table of that name in another database is written": Case(
        text("SELECT id FROM {table}"),
        multiset(),
        lambda s, place: s.sql(f"CREATE TABLE {place.table}_db.{place.table} USING parquet AS SELECT 1L AS id"),
    ),
    "something else is replaced": Case(
        text("SELECT id FROM {table}"), multiset(), lambda s, place: s.range(3).createOrReplaceTempView("other")
    ),
    "a text of it is made later": Case(
        text("SELECT id FROM {table}"),
        multiset("SELECT * FROM w"),
        all_of(sql("CREATE TEMP VIEW w AS SELECT id FROM v"), insert),
        before=REFUSED,
    ),
}

FOUR = frame(lambda s, place: s.range(0, 20, 1, 4))
PLACED: dict[str, Case] = {
    what: Case(leaves, reads, after=REFUSED)
    for what, (leaves, reads) in {
        "the file": (frame(files), multiset("SELECT id, regexp_extract(input_file_name(), 'in/part', 0) FROM v")),
        "where the file begins": (frame(files), multiset("SELECT id, input_file_block_length() FROM v")),
        "the partition": (FOUR, multiset("SELECT id, spark_partition_id() FROM v")),
        "a number": (FOUR, multiset("SELECT id, monotonically_increasing_id() FROM v")),
        "a filter": (FOUR, multiset("SELECT id FROM v WHERE spark_partition_id() = 1")),
        "a group": (FOUR, multiset("SELECT spark_partition_id() p, count(*) FROM v GROUP BY p")),
        "a subquery": (FOUR, multiset("SELECT (SELECT max(p) FROM (SELECT spark_partition_id() p FROM v))")),
    }.items()
}
BAKED: dict[str, Case] = {
    "a number that the view holds": Case(
        frame(lambda s, place: s.range(0, 20, 1, 4).selectExpr("id", "monotonically_increasing_id() AS n")), multiset()
    ),
    "a file that the view holds": Case(
        frame(lambda s, place: files(s, place).selectExpr("id", "input_file_name() AS f")),
        multiset("SELECT id, regexp_extract(f, 'in/part', 0) FROM v"),
    ),
    "a number that nobody uses": Case(FOUR, multiset("SELECT id FROM (SELECT id, spark_partition_id() AS p FROM v)")),
    "a number after rows were spread anew": Case(
        FOUR,
        multiset("SELECT count(*) FROM (SELECT id, monotonically_increasing_id() FROM (SELECT DISTINCT id FROM v))"),
    ),
    "a number of something else": Case(FOUR, multiset("SELECT spark_partition_id() FROM range(0, 8, 1, 2)")),
}

SORTED = frame(lambda s, place: s.range(0, 60, 1, 6).selectExpr("id", "id * 7 % 60 AS x").orderBy("x"))
ORDER: dict[str, Case] = {
    "sorted": Case(SORTED, rows()),
    "sorted, a limit": Case(SORTED, rows("SELECT id FROM v LIMIT 7")),
    "sorted, a limit that is written": Case(SORTED, multiset("SELECT sum(id) FROM (SELECT id FROM v LIMIT 7)")),
    "sorted, numbered": Case(SORTED, multiset("SELECT id, monotonically_increasing_id() FROM v"), after=REFUSED),
    "sorted by text": Case(
        text("SELECT id FROM range(0, 60, 1, 6) ORDER BY id * 7 % 60"), rows("SELECT * FROM v LIMIT 9")
    ),
    "sorted below": Case(
        frame(
            lambda s, place: (
                s.range(0, 60, 1, 6).orderBy("id", ascending=False).where("id % 2 = 0").selectExpr("id + 1")
            )
        ),
        rows(),
    ),
    "sorted, with columns of one name": Case(
        frame(lambda s, place: s.range(0, 60, 1, 6).orderBy("id", ascending=False).selectExpr("id", "id AS ID")), rows()
    ),
    "in the order of its partitions": Case(
        frame(lambda s, place: s.range(0, 60, 1, 6).selectExpr("id", "repeat('x', int(id)) AS text")),
        rows("SELECT id FROM v"),
    ),
    "the first": Case(FOUR, lambda s, place: s.table("v").where("id > 3").first()),
    "how many partitions": Case(FOUR, lambda s, place: s.table("v").rdd.getNumPartitions()),
    "what is in a partition": Case(FOUR, lambda s, place: s.table("v").rdd.glom().map(len).collect()),
}

CASES = {
    **{f"late: {what}": case for what, case in LATE.items()},
    **{f"placed: {what}": case for what, case in PLACED.items()},
    **{f"baked: {what}": case for what, case in BAKED.items()},
    **{f"order: {what}": case for what, case in ORDER.items()},
}


@pytest.fixture
def place(spark: SparkSession, tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path / "data", f"t_{uuid4().hex[:8]}")
    yield found
    spark.catalog.clearCache()
    spark.sql(f"DROP TABLE IF EXISTS {found.table}")
    spark.sql(f"DROP DATABASE IF EXISTS {found.table}_db CASCADE")


def begin(session: SparkSession, place: Place) -> None:
    """Make the data anew. Nothing is cached that another run had, as in a new process."""
    session.catalog.clearCache()
    shutil.rmtree(place.directory, ignore_errors=True)
    session.range(0, 9, 1, 3).write.parquet(place.path)
    session.range(4).write.mode("overwrite").saveAsTable(place.table)
    session.sql(f"DROP DATABASE IF EXISTS {place.table}_db CASCADE")
    session.sql(f"CREATE DATABASE {place.table}_db")


def plain(spark: SparkSession, case: Case, place: Place) -> Any:
    begin(spark, place)
    session = spark.newSession()
    case.leaves(session, place)
    case.changes(session, place)
    return case.reads(session, place)


def pipeline(spark: SparkSession, case: Case, place: Place, state: Path) -> tuple[SparkRun, list[Any]]:
    begin(spark, place)
    run = SparkRun(spark, state, component("a", session_state="save"), "gate", "change", "read", "gate2", "again")
    got: list[Any] = []
    run.does("a", lambda session: case.leaves(session, place))
    run.does("change", lambda session: case.changes(session, place))
    for reader in ("read", "again"):
        run.does(reader, lambda session: got.append(case.reads(session, place)))
    return run, got


def resumed(run: SparkRun, gate: str, verdict: str, expected: Any, got: list[Any]) -> None:
    """Let the next attempt go on, and see what it got."""
    assert run.record("a").handling == "kept"
    got.clear()
    run.mend(gate)
    run.took_turns()
    result = run.resume()
    assert "a" not in run.took_turns()
    if verdict == SAME:
        assert result.failed_components == []
        assert got[-1] == expected
        return
    [(name, error)] = result.failed_components
    assert (name, got) == ("read" if gate == "gate" else "again", [])
    assert "'v' is a copy in this attempt" in str(error)
    assert "'a'" in str(error)
    assert "set its session_state to 'replay'" in str(error)


@pytest.mark.parametrize("what", CASES)
def test_a_run_gives_what_plain_spark_gives_or_refuses_with_the_reason(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, what: str
) -> None:
    """Issue 16, item 5."""
    case = CASES[what]
    expected = plain(spark, case, place)
    run, got = pipeline(spark, case, place, tmp_path / "after")
    run.fails("gate2")
    assert [name for name, _ in run.attempt().failed_components] == ["gate2"]
    assert got == [expected], "without a failure"
    resumed(run, "gate2", case.after, expected, got)


@pytest.mark.parametrize("what", LATE)
def test_a_copy_that_cannot_follow_a_change_is_not_read(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, what: str
) -> None:
    """Issue 16, item 5. A pipeline that does not read it again goes on."""
    case = LATE[what]
    expected = plain(spark, case, place)
    run, got = pipeline(spark, case, place, tmp_path / "before")
    run.fails("gate")
    assert [name for name, _ in run.attempt().failed_components] == ["gate"]
    resumed(run, "gate", case.before, expected, got)


@pytest.mark.parametrize(
    ("base", "change", "shows"),
    [("parquet.`{path}`", append, 9), ("{table}", insert, 6)],
    ids=["files, which it had listed", "a table, which it follows"],
)
def test_what_was_made_of_a_view_shows_after_a_resume_what_it_showed(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, base: str, change: Work, shows: int
) -> None:
    """Of a view by text a DataFrame was made, which is bound to what was there then. Its component is harmless."""
    begin(spark, place)
    run = SparkRun(spark, tmp_path / "state", component("a", session_state="save"), "b", "change", "gate")
    run.does("a", lambda session: text(f"SELECT id FROM {base}")(session, place))
    run.does("b", lambda session: session.table("v").createOrReplaceTempView("w"))
    run.does("change", lambda session: change(session, place))
    run.fails("gate")
    run.attempt()
    assert run.session.table("w").count() == shows
    run.mend("gate")
    assert run.resume(keep_session_state=True).status is SUCCESS
    assert run.session.table("w").count() == shows


@pytest.mark.parametrize("what", ["late: text of a table", "placed: the file", "placed: a number"])
def test_what_was_refused_is_right_once_the_author_vouches_for_the_component(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, what: str
) -> None:
    """The remedy that the error names works in the run that failed."""
    case = CASES[what]
    expected = plain(spark, case, place)
    run, got = pipeline(spark, case, place, tmp_path / "state")
    run.fails("gate")
    run.attempt()
    run.mend("gate")
    assert run.resume().failed_components[0][0] == "read"
    steps = [c.model_copy(update={"session_state": "replay"}) if c.name == "a" else c for c in run.config.components]
    run.config = run.config.model_copy(update={"components": steps})
    run.took_turns()
    assert run.resume().failed_components == []
    assert run.took_turns() == ["a", "read", "gate2", "again"]
    assert got == [expected, expected]


def test_a_view_that_could_not_be_right_is_made_again_once_it_can(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place
) -> None:
    """It asks a copy for its file, so it cannot be saved; nobody has read it, so its component is no obstacle."""
    begin(spark, place)
    run = SparkRun(spark, tmp_path / "state", component("a", session_state="save"), "gate", "named", "read")
    run.does("a", lambda session: frame(files)(session, place))
    run.does(
        "named", lambda session: sql("CREATE TEMP VIEW n AS SELECT id, input_file_name() AS f FROM v")(session, place)
    )
    got: list[Any] = []
    run.does(
        "read", lambda session: got.append(session.sql("SELECT count(*) FROM n WHERE f LIKE '%/in/part-%'").first())
    )
    run.fails("gate")
    run.attempt()
    run.mend("gate")
    for _ in range(2):
        [(name, error)] = run.resume().failed_components
        assert (name, run.handling("named")[0]) == ("read", "replay")
        assert "'v' is a copy in this attempt" in str(error)
    steps = [c.model_copy(update={"session_state": "replay"}) if c.name == "a" else c for c in run.config.components]
    run.config = run.config.model_copy(update={"components": steps})
    assert run.resume().status is SUCCESS
    assert got == [(9,)]


# Refused before anything is lost


@pytest.mark.parametrize(
    "statement",
    [
        lambda s, out: s.sql("SELECT id, input_file_name() AS f FROM w").write.mode("overwrite").parquet(out),
        lambda s, out: s.sql(
            f"INSERT OVERWRITE DIRECTORY '{out}' USING parquet SELECT id, input_file_name() AS f FROM v"
        ),
        lambda s, out: s.table("named").write.mode("overwrite").parquet(out),
        lambda s, out: s.newSession().sql("SELECT id FROM range(1)").count() and s.table("named").cache().count(),
        lambda s, out: s.table("named").toPandas(),
        lambda s, out: s.table("named").localCheckpoint(),
        lambda s, out: s.table("named").rdd.count(),
    ],
)
def test_a_statement_is_refused_before_it_deletes_anything(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, statement: Callable[..., Any]
) -> None:
    """A view that was replayed over a copy reads the copy, too."""
    begin(spark, place)
    out = tmp_path / "out"
    spark.range(5).write.parquet(str(out))
    run = SparkRun(
        spark,
        tmp_path / "state",
        component("a", session_state="save"),
        component("b", session_state="replay"),
        "gate",
        "c",
    )
    run.does("a", lambda session: frame(files)(session, place))
    run.does(
        "b",
        lambda session: (
            session.sql("CREATE TEMP VIEW w AS SELECT id FROM v"),
            session.sql("SELECT id, input_file_name() AS f FROM v").createOrReplaceTempView("named"),
        ),
    )
    run.fails("gate")
    run.attempt()
    run.mend("gate")
    run.does("c", lambda session: statement(session, str(out)))
    run.took_turns()
    [(name, error)] = run.resume().failed_components
    assert run.took_turns() == ["b", "gate", "c"]
    assert name == "c"
    assert "view 'v' is a copy in this attempt: it was saved when component 'a' completed in attempt 1" in str(error)
    assert "Compute input_file_name() in 'a'" in str(error)
    assert spark.read.parquet(str(out)).count() == 5


def test_what_an_author_put_into_the_optimizer_stays(spark: SparkSession, script: Script, tmp_path: Path) -> None:
    """Invariant 14. The rule is there once, however many attempts a session sees."""
    run = SparkRun(spark, tmp_path / "state", "a")
    experimental = run.session._jsparkSession.experimental()
    jvm = run.session._jvm
    own = getattr(getattr(jvm, "org.apache.spark.sql.catalyst.optimizer.RemoveNoopOperators$"), "MODULE$")
    getattr(experimental, "extraOptimizations_$eq")(experimental.extraOptimizations().appended(own))
    run.attempt()
    run.attempt()
    names = [experimental.extraOptimizations().apply(i).getClass().getSimpleName() for i in range(2)]
    assert names == ["RemoveNoopOperators$", "SessionGuard"]
    assert experimental.extraOptimizations().size() == 2


# What each reader gets anew


REDRAWN: dict[str, tuple[Work, bool]] = {
    "a DataFrame of rand()": (lambda s, place: s.sql("SELECT rand() AS x").createOrReplaceTempView("v"), False),
    "a text of rand()": (text("SELECT rand() AS x"), True),
    "a text of rand() with a seed": (text("SELECT rand(7) AS x"), False),
    "a text of uuid()": (text("SELECT uuid() AS x"), True),
    "a DataFrame of the time": (frame(lambda s, place: s.sql("SELECT current_timestamp() AS x")), True),
    "a text of rand() that is cached": (
        all_of(text("SELECT rand() AS x"), sql("CACHE TABLE v")),
        True,
    ),  # and cached in vain
}


@pytest.mark.parametrize("what", REDRAWN)
def test_it_is_said_when_readers_before_and_after_a_failure_cannot_agree(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    leaves, said = REDRAWN[what]
    run = SparkRun(spark, tmp_path / "state", component("a", session_state="auto"), "gate", "read")
    got: list[Any] = []
    run.does("a", lambda session: leaves(session, place))
    run.does("gate", lambda session: (got.append(session.table("v").first()), 1 / 0))
    run.does("read", lambda session: got.append(session.table("v").first()))
    run.attempt()
    told = [r.getMessage() for r in caplog.records if "each reader of view 'v' gets other rows" in r.getMessage()]
    assert len(told) == (1 if said else 0)
    run.mend("gate")
    assert run.resume().status is SUCCESS
    assert (got[0] == got[1]) is not said


# What a statement is about to overwrite


OVERWRITES: dict[str, Work] = {
    "a directory": lambda s, place: s.range(3).write.mode("overwrite").parquet(place.path),
    "a directory around it": lambda s, place: s.range(3).write.mode("overwrite").parquet(str(place.directory)),
    "a directory in SQL": sql("INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT 1"),
    "a table in SQL": sql("INSERT OVERWRITE {table} SELECT 1"),
    "insertInto": lambda s, place: s.range(3).write.insertInto(place.table, overwrite=True),
    "saveAsTable": lambda s, place: s.range(3).write.mode("overwrite").saveAsTable(place.table),
    "truncate": sql("TRUNCATE TABLE {table}"),
    "drop": sql("DROP TABLE {table}"),
    "and fails after that": lambda s, place: (sql("TRUNCATE TABLE {table}")(s, place), 1 / 0),
    "and fails itself": lambda s, place: (
        s.range(3).selectExpr("raise_error('no')").write.mode("overwrite").parquet(place.path)
    ),
}
HARMLESS: dict[str, Work] = {
    "appends": append,
    "inserts": insert,
    "elsewhere": lambda s, place: s.range(3).write.mode("overwrite").parquet(f"{place.path}2"),
    "another table": lambda s, place: s.range(3).write.mode("overwrite").saveAsTable(f"{place.table}_2"),
    "drops the view": lambda s, place: s.catalog.dropTempView("files"),
}


@pytest.mark.parametrize("what", [*OVERWRITES, *HARMLESS])
def test_the_log_warns_of_a_statement_that_overwrites_what_a_view_reads(
    spark: SparkSession, script: Script, tmp_path: Path, place: Place, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 16, item 1: with both names, once, and also when the statement fails. Plain Spark decides what comes."""
    begin(spark, place)
    run = SparkRun(spark, tmp_path / "state", "reads", "writes")
    run.does(
        "reads",
        lambda session: (
            session.read.parquet(place.path).createOrReplaceTempView("files"),
            session.sql(f"CREATE TEMP VIEW rows AS SELECT * FROM {place.table}"),
        ),
    )
    run.does("writes", lambda session: (OVERWRITES | HARMLESS)[what](session, place))
    run.attempt()
    spark.sql(f"DROP TABLE IF EXISTS {place.table}_2")
    told = [r.getMessage() for r in caplog.records if "a statement overwrites" in r.getMessage()]
    if what in HARMLESS:
        assert told == []
        return
    [line] = told
    view = "files" if "directory" in what or "itself" in what else "rows"
    assert line.startswith("writes: a statement overwrites ")
    assert f"which view '{view}' of component 'reads' reads" in line
    assert (place.path if view == "files" else place.table) in line
