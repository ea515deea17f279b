"""What components did in Spark side by side is known of each of them exactly, and what is of nobody counts for all."""

from __future__ import annotations

import contextlib
import gc
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from airflow_provider.runner.record.progress_record import SparkCosts
from airflow_provider.runner.session_state.changes.diff import session_changes, take_snapshot
from airflow_provider.runner.session_state.effects.executors import spark_effects
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.kinds import KINDS, TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.catalog_objects import ObjectChanges
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.probes.session_owners import (
    claim_session,
    mark_thread,
    marked_thread,
    session_owner,
)
from airflow_provider.runner.session_state.session_template import SessionTemplate
from airflow_provider.runner.session_state.sources.source_watch import watch_sources
from airflow_provider.runner.session_state.statement_guard import SessionGuard
from airflow_provider.runner.spark.session_routes import routed_sessions
from airflow_provider.runner.spark.thread_session import ThreadSession, using_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AT_ONCE = 4
ROUNDS = 20
LONG = 60.0
OBJECTS = next(kind for kind in KINDS if kind.name == "tables and databases")


@dataclass
class Done:
    """What is known of one component that ran."""

    since: dict[str, Any]
    effects: SparkEffects
    changes: SessionChanges
    sources: set[str]
    writes: set[str]
    overwritten: list[str]

    @property
    def objects(self) -> ObjectChanges:
        return self.changes.of(OBJECTS)

    @property
    def views(self) -> list[str]:
        return [str(view) for view in self.changes.of(TEMP_VIEWS).left]

    @property
    def usage(self) -> SparkCosts:
        assert self.effects.usage is not None
        return self.effects.usage.costs


Work = Callable[["SparkSession"], object]


@dataclass
class Runner:
    """Runs components side by side, each in a copy of a session."""

    session: SparkSession
    owned: bool = True
    copies: list[SparkSession] = field(default_factory=list)

    def __post_init__(self) -> None:
        SessionGuard(self.session, None)
        self._template = SessionTemplate(self.session)

    def __call__(self, *works: Work) -> list[Done]:
        self._together = threading.Barrier(len(works), timeout=LONG)
        with routed_sessions(self.session), ThreadPoolExecutor(len(works)) as threads:
            running = [threads.submit(self._run, str(number), work) for number, work in enumerate(works)]
            return [each.result(LONG * 2) for each in running]

    def _run(self, owner: str, work: Work) -> Done:
        copy = self._template.take()
        self.copies.append(copy)
        if not self.owned:
            with using_session(ThreadSession(owner, copy)):
                return self._watched(copy, owner, work)
        claim_session(copy, owner)
        given = ThreadSession(owner, copy, lambda: marked_thread(copy, owner))
        with using_session(given), marked_thread(copy, owner):
            return self._watched(copy, owner, work)

    def _watched(self, copy: SparkSession, owner: str, work: Work) -> Done:
        probe = ClassicProbe(copy)
        guard, sources = SessionGuard(copy, probe.jvm), watch_sources(copy, None, probe.jvm)
        self._together.wait()
        before = take_snapshot(probe)
        with guard.watching(owner, {}, before.mark):
            sources.begin()
            work(copy)
        after = take_snapshot(probe)
        jvm = probe.jvm
        assert isinstance(jvm, SessionJvm)
        since = jvm.since(before.mark)
        changes = session_changes(before, after)
        overwritten = jvm.overwritten()
        assert overwritten is not None
        touched = sources.collect(owner, changes.of(TEMP_VIEWS).left)
        self._together.wait()
        return Done(
            since,
            spark_effects(since),
            changes,
            {place for source in touched.sources for place in (*source.roots, *source.globs)},
            set(touched.writes),
            [name for name, _, _ in overwritten],
        )


@pytest.fixture
def database(session: SparkSession) -> Iterator[str]:
    """A current database."""
    name = f"db_{uuid4().hex[:8]}"
    session.sql(f"CREATE DATABASE {name}")
    session.sql(f"USE {name}")
    yield name
    session.sql("USE default")
    session.sql(f"DROP DATABASE {name} CASCADE")


def word(number: int | str) -> str:
    """A word that stands in everything that a component does, and in nothing of others."""
    return f"zq{number}qz"


def ends(places: set[str]) -> set[str]:
    return {place.rpartition("/")[2] for place in places}


@pytest.fixture
def places(tmp_path: Path, session: SparkSession, database: str) -> Path:
    """For each component a file to read, a directory that views of all copies read, and a table to drop."""
    for number in range(AT_ONCE):
        mine = word(number)
        (tmp_path / f"{mine}.csv").write_text("a\n" + "1\n" * (number + 3))
        (tmp_path / f"{mine}.txt").write_text("x\n" * 5)
        session.range(2).write.parquet(str(tmp_path / f"{mine}_shared"))
        session.read.parquet(str(tmp_path / f"{mine}_shared")).createOrReplaceTempView(f"{mine}_old")
        session.sql(f"CREATE TABLE {mine}_dropped (a INT) USING parquet")
        session.sql(f"CREATE DATABASE {mine}_{database}")
        session.sql(f"CREATE TABLE {mine}_{database}.inside (a INT) USING parquet")
        session.range(1).createOrReplaceGlobalTempView(f"{mine}_{database}")
    return tmp_path


@pytest.fixture(autouse=True)
def _no_global_views(session: SparkSession) -> Iterator[None]:
    yield
    for row in session.sql("SHOW VIEWS IN global_temp").collect():
        if row.namespace:
            session.catalog.dropGlobalTempView(row.viewName)
    for row in session.sql("SHOW DATABASES").collect():
        if "zq" in row.namespace:
            session.sql(f"DROP DATABASE {row.namespace} CASCADE")
    session.catalog.clearCache()


def everything(number: int, places: Path, database: str) -> Work:
    """Return what does a little of everything."""
    mine = word(number)

    def outside(session: SparkSession, label: str, rdd: Any) -> None:
        session.sparkContext.setLocalProperty("callSite.short", f"{mine} {label}")
        rdd.map(str)._jrdd.count()  # in Python, the call site is a matter of all threads
        session.sparkContext.setLocalProperty("callSite.short", None)

    def work(session: SparkSession) -> None:
        plus = F.udf(lambda n: n + 1, "long")
        frame = session.read.csv(str(places / f"{mine}.csv"), header=True, inferSchema=True)
        frame.select(plus("a").alias(mine)).write.parquet(str(places / f"{mine}_out"))
        session.range(3).createOrReplaceTempView(f"{mine}_view")
        session.range(4).createOrReplaceGlobalTempView(f"{mine}_global")
        session.sql(f"DROP VIEW global_temp.{mine}_{database}")
        session.range(number + 5).withColumnRenamed("id", mine).write.saveAsTable(f"{mine}_table")
        session.range(number + 6).write.mode("overwrite").saveAsTable(f"{mine}_table")
        session.sql(f"ALTER TABLE {mine}_table SET TBLPROPERTIES ('a' = 'b')")
        session.sql(f"DROP TABLE {mine}_dropped")
        session.sql(f"DROP DATABASE {mine}_{database} CASCADE")
        session.sql(f"CREATE DATABASE {mine}_made")
        session.sql(f"CREATE TABLE {mine}_made.t (a INT) USING parquet")
        session.sql(f"ALTER TABLE {mine}_made.t RENAME TO {mine}_made.u")
        session.range(9).write.mode("overwrite").parquet(str(places / f"{mine}_shared"))
        with contextlib.suppress(AnalysisException):
            session.sql(f"SELECT * FROM {mine}_nowhere").collect()
        with contextlib.suppress(Exception):
            session.range(1).selectExpr(f"raise_error('{mine}')").collect()
        cached = session.range(50 + number).withColumnRenamed("id", f"{mine}_cached").cache()
        cached.count()
        lines = session.sparkContext.textFile(str(places / f"{mine}.txt"), 2)
        lines.map(str.upper).collect()
        outside(session, "text", lines.map(str.upper))
        outside(session, "numbers", session.sparkContext.parallelize(range(9), 3))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: session.sql(f"SELECT {n} AS {mine}").collect(), range(4)))
            pool.submit(outside, session, "pool", session.sparkContext.parallelize([1], 1)).result()
        thread = threading.Thread(target=outside, args=(session, "thread", lines))
        thread.start()
        thread.join()

    return work


@pytest.mark.parametrize("turn", [0, 1, *(pytest.param(turn, marks=pytest.mark.torture) for turn in range(2, ROUNDS))])
def test_of_each_component_exactly_what_it_did_itself_is_known(
    session: SparkSession, places: Path, database: str, turn: int
) -> None:
    run = Runner(session)
    found = run(*(everything(number, places, database) for number in range(AT_ONCE)))
    for number, done in enumerate(found):
        mine, told = word(number), json.dumps(done.since)
        assert mine in told
        assert [other for other in range(AT_ONCE) if other != number and word(other) in told] == []
        named = {name.split()[1] for name in done.effects.outside_sql if name.startswith("zq")}
        assert named == {"text", "numbers", "pool", "thread"}
        assert done.effects.complete
        assert {end for end in ends(set(done.effects.targets)) if end.startswith("zq")} == {
            f"{mine}_out",
            f"{mine}_shared",
            f"{mine}_table",
        }
        assert ends(done.sources) == {f"{mine}.csv", f"{mine}.txt"}
        assert ends(done.writes) == {
            f"{mine}_out",
            f"{mine}_shared",
            f"{mine}_table",
            f"`spark_catalog`.`{database}`.`{mine}_table`",
        }
        assert done.overwritten == [f"{mine}_old"]
        assert sorted(done.views) == [f"global_temp.{mine}_global", f"{mine}_view"]
        assert [str(view) for view in done.changes.of(TEMP_VIEWS).dropped] == [f"global_temp.{mine}_{database}"]
        assert set(done.objects.created) == {
            f"`{database}`.`{mine}_table`",
            f"`{mine}_made`",
            f"`{mine}_made`.`u`",
        }
        assert set(done.objects.dropped) == {
            f"`{database}`.`{mine}_dropped`",
            f"`{mine}_{database}`",
            f"`{mine}_{database}`.`inside`",
        }
        assert done.usage.output_rows == (number + 3) + (number + 5) + (number + 6) + 9
        assert done.usage.tasks == found[0].usage.tasks


def test_what_is_done_in_a_session_of_nobody_counts_for_everybody_who_runs(
    session: SparkSession, tmp_path: Path
) -> None:
    """Such as a session that a component makes, used in a thread that nobody has marked."""
    done = threading.Event()

    def other(_: SparkSession) -> None:
        def write() -> None:
            nobody = session.newSession()
            nobody._jsparkSession.sparkContext().clearJobTags()
            nobody.range(3).write.parquet(str(tmp_path / word(9)))
            done.set()

        with using_session(None):
            threading.Thread(target=write).start()
        assert done.wait(LONG)

    found = Runner(session)(other, lambda copy: done.wait(LONG))
    assert [ends(set(each.effects.targets)) for each in found] == [{word(9)}] * 2
    assert [ends(each.writes) for each in found] == [{word(9)}] * 2


def test_a_session_that_a_component_makes_itself_counts_for_it_alone(session: SparkSession, tmp_path: Path) -> None:
    done = threading.Event()

    def maker(copy: SparkSession) -> None:
        copy.newSession().range(3).write.parquet(str(tmp_path / word(8)))
        done.set()

    mine, others = Runner(session)(maker, lambda copy: done.wait(LONG))
    assert ends(set(mine.effects.targets)) == {word(8)}
    assert (others.effects.targets, others.writes) == ((), set())


def test_without_owners_everything_counts_for_everybody(session: SparkSession, tmp_path: Path, database: str) -> None:
    done = threading.Event()

    def maker(copy: SparkSession) -> None:
        copy.range(3).write.saveAsTable("made")
        done.set()

    found = Runner(session, owned=False)(maker, lambda copy: done.wait(LONG))
    assert [each.objects.created for each in found] == [[f"`{database}`.`made`"]] * 2
    assert [each.effects.wrote is not None for each in found] == [True, True]


def test_of_what_two_changed_both_are_told(session: SparkSession, database: str) -> None:
    made, altered = threading.Event(), threading.Event()

    def maker(copy: SparkSession) -> None:
        copy.sql("CREATE TABLE both_of_them (a INT) USING parquet")
        made.set()
        assert altered.wait(LONG)

    def changer(copy: SparkSession) -> None:
        assert made.wait(LONG)
        copy.sql("ALTER TABLE both_of_them SET TBLPROPERTIES ('a' = 'b')")
        altered.set()

    def bystander(_: SparkSession) -> None:
        assert altered.wait(LONG)

    found = Runner(session)(maker, changer, bystander)
    name = f"`{database}`.`both_of_them`"
    assert [each.objects.created for each in found] == [[name], [name], []]


def test_what_a_component_does_with_a_frame_of_another_ones_session_counts_for_it(
    session: SparkSession, tmp_path: Path
) -> None:
    given, done = [], threading.Event()
    made = threading.Event()

    def giver(copy: SparkSession) -> None:
        given.append(copy.range(3))
        made.set()
        assert done.wait(LONG)

    def user(_: SparkSession) -> None:
        assert made.wait(LONG)
        given[0].write.parquet(str(tmp_path / word(7)))
        done.set()

    assert ends(set(Runner(session)(giver, user)[1].effects.targets)) == {word(7)}


@pytest.mark.parametrize("owner", ["3:join", "1:load_url", "secret token", "a,b", "0xabc", "日本", "2:outer/1:inner"])
def test_an_owner_may_have_any_name(session: SparkSession, owner: str) -> None:
    """Spark hides the values of settings that look like secrets, and separates tags by commas."""
    copy = SessionTemplate(session).take()
    claim_session(copy, owner)
    assert session_owner(copy) == owner
    assert session_owner(SessionTemplate(copy).take()) == owner
    assert session_owner(session) is None
    probe = ClassicProbe(copy)
    mark = take_snapshot(probe).mark
    other = SessionTemplate(session).take()
    claim_session(other, "other")
    for number, running in enumerate((session, copy, other)):
        running.range(70 + number).collect()
    told = json.dumps(probe.jvm.since(mark)["plans"])  # type: ignore[union-attr]
    assert [f"Range (0, {number}," in told for number in (70, 71, 72)] == [True, True, False]


def test_what_an_owner_runs_side_by_side_itself_counts_for_it(session: SparkSession, tmp_path: Path) -> None:
    template = SessionTemplate(session)
    outer, inner, another = template.take(), template.take(), template.take()
    claim_session(outer, "1:outer")
    claim_session(inner, "1:outer/1:inner")
    claim_session(another, "1:outermost")
    probes = [ClassicProbe(copy) for copy in (outer, inner, another)]
    marks = [take_snapshot(probe).mark for probe in probes]
    inner.range(3).write.parquet(str(tmp_path / word(6)))
    outer.range(3).write.parquet(str(tmp_path / word(5)))
    found = [ends(set(probe.effects_since(mark).targets)) for probe, mark in zip(probes, marks, strict=True)]
    assert found == [{word(5), word(6)}, {word(6)}, set()]


def test_the_owner_of_a_session_is_no_setting_that_a_component_leaves(session: SparkSession) -> None:
    copy = SessionTemplate(session).take()
    claim_session(copy, "1:a")
    probe = ClassicProbe(copy)
    before = take_snapshot(probe)
    copy.sql("RESET")
    assert session_owner(copy) == "1:a"
    settings = next(kind for kind in KINDS if kind.name == "settings")
    assert not [key for key in settings.outcomes(before, take_snapshot(probe)) if "pyspark_pipeline" in key]


def test_a_thread_works_for_one_owner_at_a_time(session: SparkSession) -> None:
    """A pool outlives the component that made it, and others use it."""
    copy = SessionTemplate(session).take()
    mark_thread(copy, "1:a")
    mark_thread(copy, "2:b")
    tags = session._jsparkSession.sparkContext().getJobTags().mkString(",")
    session._jsparkSession.sparkContext().clearJobTags()
    assert tags == "pyspark_pipeline_component=2:b"


def test_no_session_is_kept_in_memory(session: SparkSession) -> None:
    copy = SessionTemplate(session).take()
    claim_session(copy, "1:gone")
    probe = ClassicProbe(copy)
    guard = SessionGuard(copy, probe.jvm)
    with guard.watching("gone", {}, take_snapshot(probe).mark):
        copy.range(1).collect()
    take_snapshot(probe)
    jvm = session._jvm
    assert jvm is not None
    weak = jvm.java.lang.ref.WeakReference(copy._jsparkSession)
    del copy, probe, guard
    for _ in range(20):
        gc.collect()
        jvm.System.gc()
        session.range(1).collect()  # what the last statement left in the thread is replaced
        if weak.get() is None:
            return
    pytest.fail("the session is still in memory")


def test_what_a_shared_pool_does_counts_for_whoever_submits_it(session: SparkSession) -> None:
    pool, first, second = ThreadPoolExecutor(1), threading.Event(), threading.Event()

    def job(number: int) -> Callable[[], object]:
        def run() -> object:
            session.sparkContext.setLocalProperty("callSite.short", word(number))
            return session.sparkContext.parallelize([1], 1).map(str)._jrdd.count()  # type: ignore[attr-defined]

        return run

    def maker(_: SparkSession) -> None:
        pool.submit(job(0)).result(LONG)
        first.set()
        assert second.wait(LONG)
        pool.submit(job(0)).result(LONG)

    def user(_: SparkSession) -> None:
        assert first.wait(LONG)
        pool.submit(job(1)).result(LONG)
        second.set()

    found = Runner(session)(maker, user)
    pool.shutdown()
    assert [each.effects.outside_sql for each in found] == [(word(0),), (word(1),)]
