"""Whatever asks pyspark for its session gets the copy of the component for which it works, and nobody else does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pyspark import RDD, InheritableThread
from pyspark.sql import SparkSession as Session
from pyspark.sql import SQLContext
from pyspark.sql import context as context_module
from pyspark.sql import functions as F
from pyspark.sql import session as session_module
from pyspark.sql.types import StructType

from airflow_provider.runner.spark.session_clone import clone_session
from airflow_provider.runner.spark.session_routes import routed_sessions
from airflow_provider.runner.spark.thread_session import ThreadSession, thread_session, using_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KINDS: Any = Session
AT_ONCE = 4
ROUNDS = 6


@pytest.fixture
def copies(session: SparkSession) -> list[ThreadSession]:
    """Four copies of a session, each with another view ``v`` and other settings."""
    found = []
    for number in range(AT_ONCE):
        copy = clone_session(session)
        copy.sql(f"SELECT CAST({number} AS BIGINT) AS id").createOrReplaceTempView("v")  # read without a job
        copy.conf.set("spark.sql.session.timeZone", f"+0{number}:00")
        copy.conf.set("spark.sql.ansi.enabled", str(number % 2 == 0).lower())
        copy.conf.set("spark.sql.execution.pythonUDF.arrow.enabled", str(number % 2 == 0).lower())
        found.append(ThreadSession(str(number), copy))
    return found


def seen(of: SparkSession) -> str:
    """Which copy a session is, as its view says."""
    return str(of.table("v").first()[0])


def active(session: SparkSession) -> str:
    return seen(Session.active())


def active_if_any(session: SparkSession) -> str:
    return seen(Session.getActiveSession())


def built(session: SparkSession) -> str:
    return seen(Session.builder.appName("other").getOrCreate())


def built_with_setting(session: SparkSession) -> str:
    found = Session.builder.config("spark.sql.shuffle.partitions", 3).getOrCreate()
    assert found.conf.get("spark.sql.shuffle.partitions") == "3"
    return seen(found)


def own_session_itself(session: SparkSession) -> str:
    return seen(session)


def statement(session: SparkSession) -> str:
    return str(session.sql("SELECT id FROM v").collect()[0][0])


def session_of_a_frame(session: SparkSession) -> str:
    return seen(session.range(3).sparkSession)


def frame_from_rows(session: SparkSession) -> str:
    frame = session.createDataFrame([(1,)], "x INT")
    frame.createOrReplaceTempView("made")
    return seen(frame.sparkSession)


def frame_from_rdd(session: SparkSession) -> str:
    return seen(session.sparkContext.parallelize([(1,)]).toDF("x INT").sparkSession)


def after_a_new_session(session: SparkSession) -> str:
    session.newSession().createDataFrame([(1,)], "x INT")
    return seen(session.sparkContext.parallelize([(1,)]).toDF("x INT").sparkSession)


def older_context(session: SparkSession) -> str:
    return str(SQLContext.getOrCreate(session.sparkContext).table("v").first()[0])


def new_older_context(session: SparkSession) -> str:
    return str(SQLContext(session.sparkContext).table("v").first()[0])


def pandas_on_spark(session: SparkSession) -> str:
    import pyspark.pandas as ps

    return str(ps.sql("SELECT * FROM v")["id"].iloc[0])


def pandas_on_spark_table(session: SparkSession) -> str:
    import pyspark.pandas as ps

    frame = ps.DataFrame({"x": [1, 2]})
    return seen(frame.to_spark().sparkSession)


def column_of_a_zone(session: SparkSession) -> str:
    """A function without a session: the JVM asks the active one of its thread."""
    zone = str(F.expr("current_timezone()")._jc.toString())
    assert zone == "current_timezone()"
    return str(session.range(1).select(F.current_timezone()).first()[0])[2:3]


def sql_of_the_jvm(session: SparkSession) -> str:
    """What the JVM takes for the active session, as its own code does in Column functions and readers."""
    java: Any = KINDS._get_j_spark_session_class(session._jvm).active()
    return str(java.table("v").first().getLong(0))


def conf_of_the_jvm(session: SparkSession) -> str:
    java: Any = session._jvm
    return str(java.org.apache.spark.sql.internal.SQLConf.get().sessionLocalTimeZone())[2:3]


def udf_with_the_setting(session: SparkSession) -> str:
    """Whether a function uses Arrow is asked of the session when it is made."""
    made = F.udf(lambda x: x, "long")
    arrow = made.evalType == 101
    number = int(session.table("v").select(made("id")).first()[0])
    assert arrow == (number % 2 == 0)
    return str(number)


def registered_function(session: SparkSession) -> str:
    number = int(seen(session))
    session.udf.register("own", lambda: number, "long")
    return str(Session.active().sql("SELECT own()").first()[0])


def parsed_schema(session: SparkSession) -> str:
    assert StructType.fromDDL("x INT").simpleString() == "struct<x:int>"
    return seen(Session.active())


WAYS = [
    active,
    active_if_any,
    built,
    built_with_setting,
    own_session_itself,
    statement,
    session_of_a_frame,
    frame_from_rows,
    frame_from_rdd,
    after_a_new_session,
    older_context,
    new_older_context,
    pandas_on_spark,
    pandas_on_spark_table,
    column_of_a_zone,
    sql_of_the_jvm,
    conf_of_the_jvm,
    udf_with_the_setting,
    registered_function,
    parsed_schema,
]


def side_by_side(session: SparkSession, copies: list[ThreadSession], work: Callable[[], str], rounds: int) -> list[str]:
    """Return what was wrong when all of them worked at once, so many times."""
    wrong: list[str] = []
    ready = threading.Barrier(len(copies), timeout=60)

    def component(given: ThreadSession) -> None:
        with using_session(given):
            ready.wait()
            for _ in range(rounds):
                if (got := work()) != given.component:
                    wrong.append(f"{given.component} got {got}")

    with routed_sessions(session), ThreadPoolExecutor(len(copies)) as pool:
        for done in [pool.submit(component, given) for given in copies]:
            done.result(timeout=300)
    return wrong


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_way_to_the_session_leads_to_the_copy(
    way: Callable[[SparkSession], str], session: SparkSession, copies: list[ThreadSession]
) -> None:
    rounds = 3 if way is udf_with_the_setting or way is registered_function else ROUNDS
    assert side_by_side(session, copies, lambda: way(session), rounds) == []


def by_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def by_daemon(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()


def by_subclass(work: Callable[[], None]) -> None:
    class Own(threading.Thread):
        def run(self) -> None:
            work()

    thread = Own()
    thread.start()
    thread.join()


def by_timer(work: Callable[[], None]) -> None:
    timer = threading.Timer(0, work)
    timer.start()
    timer.join()


def by_inheritable(work: Callable[[], None]) -> None:
    thread = InheritableThread(target=work)
    thread.start()
    thread.join()


def by_pool(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(work).result()
        list(pool.map(lambda _: work(), range(2)))


def by_old_pool(work: Callable[[], None]) -> None:
    from multiprocessing.pool import ThreadPool

    with ThreadPool(2) as pool:
        pool.map(lambda _: work(), range(2))


def by_asyncio(work: Callable[[], None]) -> None:
    async def both() -> None:
        await asyncio.gather(asyncio.to_thread(work), asyncio.get_running_loop().run_in_executor(None, work))

    asyncio.run(both())


def by_thread_of_a_thread(work: Callable[[], None]) -> None:
    by_thread(lambda: by_pool(work))


SHARED = ThreadPoolExecutor(2)


@pytest.fixture(scope="module", autouse=True)
def shared_pool() -> Iterator[None]:
    yield
    SHARED.shutdown()


def by_pool_of_a_module(work: Callable[[], None]) -> None:
    """Its threads are started by whichever component comes first."""
    list(SHARED.map(lambda _: work(), range(2)))


THREADS = [
    by_thread,
    by_daemon,
    by_subclass,
    by_timer,
    by_inheritable,
    by_pool,
    by_old_pool,
    by_asyncio,
    by_thread_of_a_thread,
    by_pool_of_a_module,
]


@pytest.mark.parametrize("start", THREADS, ids=lambda start: start.__name__)
def test_threads_that_a_component_starts_work_in_its_copy(
    start: Callable[[Callable[[], None]], None], session: SparkSession, copies: list[ThreadSession]
) -> None:
    def work() -> str:
        found: set[str] = set()
        for way in (built, sql_of_the_jvm, own_session_itself):
            start(lambda way=way: found.add(way(session)))  # type: ignore[misc]
        return ",".join(found)

    assert side_by_side(session, copies, work, 2) == []


def test_what_a_component_wants_is_around_the_work_of_its_threads(session: SparkSession) -> None:
    """Of those that it starts, and of the ones of a pool while they work for it."""
    sc = session.sparkContext
    found: list[Any] = []

    def work() -> None:
        found.append((threading.current_thread().name, sc.getLocalProperty("label"), thread_session()))

    def labelled(label: str) -> Callable[[], AbstractContextManager[None]]:
        @contextmanager
        def around() -> Iterator[None]:
            before = sc.getLocalProperty("label")
            sc.setLocalProperty("label", label)
            try:
                yield
            finally:
                sc.setLocalProperty("label", before)
                found.append((threading.current_thread().name, f"end of {label}"))

        return around

    one, other = (ThreadSession(name, clone_session(session), labelled(name)) for name in ("a", "b"))
    with routed_sessions(session), ThreadPoolExecutor(1, "pool") as pool:
        with using_session(one):
            thread = threading.Thread(target=work, name="thread")
            thread.start()
            thread.join()
            pool.submit(work).result()
        with using_session(other):
            pool.submit(work).result()
        pool.submit(work).result()
    assert [each for each in found if each[0] == "thread"] == [("thread", "a", one), ("thread", "end of a")]
    assert [each for each in found if each[0] != "thread"] == [
        ("pool_0", "a", one),
        ("pool_0", "end of a"),
        ("pool_0", "b", other),
        ("pool_0", "end of b"),
        ("pool_0", "a", None),  # its thread is of the component that had it started
        ("pool_0", "end of a"),
    ]


def test_what_goes_wrong_around_the_work_of_a_thread_does_not_stop_it(
    session: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 14. It is said in the log."""
    caplog.set_level("DEBUG", "airflow_provider")
    done = []

    @contextmanager
    def breaks_at_the_end() -> Iterator[None]:
        yield
        raise RuntimeError("at the end")

    def breaks() -> AbstractContextManager[None]:
        raise RuntimeError("at the beginning")

    for around in (breaks, breaks_at_the_end):
        with routed_sessions(session), using_session(ThreadSession("a", clone_session(session), around)):
            by_thread(lambda: done.append(1))
    assert done == [1, 1]
    assert "a thread of component 'a': RuntimeError: at the beginning" in caplog.text
    assert "a thread of component 'a': RuntimeError: at the end" in caplog.text


def test_threads_that_a_component_starts_leave_no_connection_behind(session: SparkSession) -> None:
    given = ThreadSession("a", clone_session(session))
    connections: Any = session.sparkContext._gateway._gateway_client.deque
    with routed_sessions(session), using_session(given):
        before = len(connections)
        for _ in range(30):
            by_thread(lambda: None)
        assert len(connections) <= before + 1


def test_outside_of_components_everything_is_as_before(session: SparkSession, copies: list[ThreadSession]) -> None:
    session.sql("SELECT 9 AS id").createOrReplaceTempView("v")
    session.createDataFrame([(1,)], "x INT")  # makes it the active one, of Python and of this thread of the JVM
    KINDS._instantiatedSession = session
    stop, wrong = threading.Event(), []

    def foreign() -> None:
        KINDS._get_j_spark_session_class(session._jvm).setActiveSession(session._jsparkSession)
        while not stop.is_set():
            wrong.extend(way.__name__ for way in (active, built, own_session_itself) if way(session) != "9")

    thread = threading.Thread(target=foreign)
    thread.start()
    with routed_sessions(session), ThreadPoolExecutor(AT_ONCE) as pool:

        def component(given: ThreadSession) -> None:
            with using_session(given):
                for _ in range(ROUNDS):
                    frame_from_rows(session)

        running = [pool.submit(component, given) for given in copies]
        while not all(done.done() for done in running):
            wrong.extend(way.__name__ for way in (active, built, own_session_itself) if way(session) != "9")
        for done in running:
            done.result()
        assert pool.submit(thread_session).result() is None
    stop.set()
    thread.join()
    assert wrong == []


def test_what_is_replaced_is_put_back_exactly(session: SparkSession, copies: list[ThreadSession]) -> None:
    def answers() -> list[Any]:
        java = KINDS._get_j_spark_session_class(session._jvm).getActiveSession()
        return [
            vars(KINDS)["getActiveSession"],
            vars(KINDS)["_activeSession"],
            vars(KINDS)["_instantiatedSession"],
            vars(SQLContext)["_instantiatedContext"],
            vars(RDD)["toDF"],
            vars(session_module)["_monkey_patch_RDD"],
            vars(context_module)["_monkey_patch_RDD"],
            vars(threading.Thread)["start"],
            vars(ThreadPoolExecutor)["submit"],
            type(session),
            java.get() if java.isDefined() else None,
        ]

    before = answers()
    with routed_sessions(session):
        with using_session(copies[1]):
            frame_from_rows(session)
            by_thread(lambda: None)
            with routed_sessions(copies[1].session), using_session(copies[2]):  # a pipeline in a component
                assert seen(session) == seen(copies[1].session) == "2"
            assert seen(session) == seen(copies[1].session) == "1"
        other = session.newSession()
        assert type(other) is type(copies[1].session)
        session.createDataFrame([(1,)], "x INT")
        java: Any = KINDS._get_j_spark_session_class(session._jvm)
        java.setActiveSession(before[-1]) if before[-1] is not None else java.clearActiveSession()
    after = answers()
    assert [a is b or a == b for a, b in zip(before, after, strict=True)] == [True] * len(before)


def test_a_copy_replaces_nothing_for_others(session: SparkSession) -> None:
    before = KINDS._activeSession, KINDS._instantiatedSession, RDD.toDF, KINDS.getActiveSession()
    clone_session(session)
    assert (KINDS._activeSession, KINDS._instantiatedSession, RDD.toDF, KINDS.getActiveSession()) == before
    with routed_sessions(session):
        clone_session(session).conf.set("spark.sql.session.timeZone", "+05:00")
        assert (
            session.sparkContext.parallelize([(1,)]).toDF(["x"]).sparkSession is before[2].__closure__[0].cell_contents
        )
