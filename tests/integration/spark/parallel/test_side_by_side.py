"""Invariants 3 and 13: with components side by side the graph decides what each of them sees, never the clock."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import (
    AttemptStopped,
    ComponentCancelledError,
    ComponentTimeoutError,
    LeftByBothError,
)
from airflow_provider.runner import NoOpHooks, PipelineResult, PipelineResultStatus, SimplePipelineRunner
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.usefixtures("script")

LONG = 30.0


def view(name: str, rows: int = 3) -> Callable[[SparkSession], object]:
    return lambda spark: spark.range(rows).createOrReplaceTempView(name)


def statuses(result: PipelineResult) -> dict[str, str]:
    return {each.component_name: each.status.value for each in result.component_results}


def succeeded(result: PipelineResult) -> bool:
    return result.status is PipelineResultStatus.SUCCESS


def errors(result: PipelineResult) -> dict[str, BaseException]:
    return dict(result.failed_components)


class Together:
    """Lets components wait until all of some are at work."""

    def __init__(self, number: int) -> None:
        self._barrier = threading.Barrier(number, timeout=LONG)

    def __call__(self, spark: SparkSession) -> None:
        self._barrier.wait()


def fan(spark: SparkSession, url: Path | None = None, number: int = 4, **fields: Any) -> SparkRun:
    """Some that depend on nothing, and one that joins them."""
    loads = [f"load{n}" for n in range(number)]
    return SparkRun(
        spark, url, *loads, component("join", *loads), **{"max_parallel_components": number, **fields}
    ).in_new_session()


def test_components_without_an_order_run_at_once_and_one_that_joins_them_sees_what_they_left(
    spark: SparkSession,
) -> None:
    run, together, sums = fan(spark), Together(4), []
    for number in range(4):

        def load(session: SparkSession, number: int = number) -> None:
            together(session)
            session.range(number).createOrReplaceTempView(f"v{number}")

        run.does(f"load{number}", load)
    run.does("join", lambda session: sums.append(sum(session.table(f"v{n}").count() for n in range(4))))
    assert succeeded(run.attempt())
    assert sums == [6]
    assert {row.viewName for row in run.session.sql("SHOW VIEWS").collect()} >= {"v0", "v1", "v2", "v3"}


@pytest.mark.parametrize("turn", range(5))
def test_what_a_component_on_which_another_one_does_not_depend_left_is_never_there(
    spark: SparkSession, turn: int
) -> None:
    run = SparkRun(spark, None, "load", "other", component("join", "other"), max_parallel_components=2)
    run.does("load", view("orders"))
    run.does("other", lambda session: time.sleep(0.3 * (turn % 2)))
    run.does("join", lambda session: session.table("orders").count())
    result = run.in_new_session().attempt()
    assert list(errors(result)) == ["join"]
    assert "orders" in str(errors(result)["join"])


def test_a_component_sees_what_was_in_the_session_at_the_start(spark: SparkSession) -> None:
    run, seen = fan(spark, number=2), []
    run.session.range(5).createOrReplaceTempView("authors")
    run.session.conf.set("spark.sql.shuffle.partitions", "7")
    for name in ("load0", "load1"):
        run.does(name, lambda s: seen.append((s.table("authors").count(), s.conf.get("spark.sql.shuffle.partitions"))))
    assert succeeded(run.attempt())
    assert seen == [(5, "7")] * 2


def test_what_all_of_them_left_is_in_the_session_at_the_end_in_the_order_of_the_plan(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "a", component("b", "a"), component("c"), max_parallel_components=3).in_new_session()
    run.does("a", lambda s: [view("v", 1)(s), s.conf.set("my.setting", "a"), s.sql("DECLARE x = 1")])
    run.does("b", lambda s: [view("v", 2)(s), s.conf.set("my.setting", "b"), s.sql("SET VAR x = 2")])
    run.does("c", lambda s: s.udf.register("plus", lambda n: n + 1, "int"))
    assert succeeded(run.attempt())
    assert run.session.table("v").count() == 2
    assert run.session.conf.get("my.setting") == "b"
    assert run.session.sql("SELECT x, plus(1)").first()[:] == (2, 2)


def test_what_two_without_an_order_both_leave_is_an_error_that_names_both(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "a", "b", component("after", "a", "b"), max_parallel_components=2).in_new_session()
    run.does("a", view("v", 1))
    run.does("b", lambda session: [time.sleep(0.5), view("v", 2)(session)])
    result = run.attempt()
    assert statuses(result) == {"a": "completed", "b": "failed", "after": "not_run"}
    error = errors(result)["b"]
    assert isinstance(error, LeftByBothError)
    assert error.components == ("a", "b")
    assert "add 'a' to depends_on of 'b'" in str(error)


def test_two_that_set_the_same_value_are_no_conflict(spark: SparkSession) -> None:
    run = fan(spark, number=2)
    for name in ("load0", "load1"):
        run.does(name, lambda session: session.conf.set("spark.sql.shuffle.partitions", "9"))
    assert succeeded(run.attempt())
    assert run.session.conf.get("spark.sql.shuffle.partitions") == "9"


def test_after_a_failure_what_runs_goes_on_to_its_end_and_nothing_new_starts(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "a", "b", "c", max_parallel_components=2).in_new_session()
    together = Together(2)
    run.does("a", lambda session: [together(session), _raise(ValueError("broken"))])
    run.does("b", lambda session: [together(session), time.sleep(0.5), view("v")(session)])
    result = run.attempt()
    assert statuses(result) == {"a": "failed", "b": "completed", "c": "not_run"}
    assert run.took_turns().count("c") == 0
    run.mend("a")
    run.does("b", view("v"))
    result = run.resume()
    assert {each.component_name: each.action for each in result.component_results} == {
        "a": Action.RUN,
        "b": Action.REPLAY,
        "c": Action.RUN,
    }
    assert succeeded(result)


def test_cancel_running_cancels_what_runs(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "a", "b", "c", max_parallel_components=3, on_failure="cancel_running").in_new_session()
    together = Together(3)
    run.does("a", lambda session: [together(session), _raise(ValueError("broken"))])
    run.does("b", lambda session: [together(session), *(time.sleep(0.05) for _ in range(600))])
    run.does(
        "c",
        lambda session: [
            together(session),
            session.range(1, numPartitions=1).selectExpr("java_method('java.lang.Thread', 'sleep', 30000L)").collect(),
        ],
    )
    began = time.monotonic()
    result = run.attempt()
    assert time.monotonic() - began < 15
    assert statuses(result) == {"a": "failed", "b": "failed", "c": "failed"}
    for name in ("b", "c"):
        error = errors(result)[name]
        assert isinstance(error, ComponentCancelledError)
        assert error.because_of == "a"


def test_continue_starts_whatever_does_not_depend_on_the_failed_one(spark: SparkSession) -> None:
    run = SparkRun(
        spark,
        None,
        "a",
        component("b", "a"),
        "c",
        component("d", "c"),
        max_parallel_components=2,
        on_failure="continue",
    ).in_new_session()
    run.fails("a")
    run.does("c", view("v"))
    run.does("d", lambda session: session.table("v").count())
    assert statuses(run.attempt()) == {"a": "failed", "b": "not_run", "c": "completed", "d": "completed"}


class Threads(NoOpHooks):
    """Notes in which threads hooks are called."""

    def __init__(self) -> None:
        self.called: list[tuple[str, bool]] = []

    def _note(self, name: str) -> None:
        self.called.append((name, threading.current_thread() is threading.main_thread()))

    def before_component(self, event: Any) -> None:
        self._note("before")

    def after_component(self, event: Any) -> None:
        self._note("after")

    def on_retry_attempt(self, event: Any) -> None:
        self._note("retry")

    def on_component_failure(self, event: Any) -> None:
        self._note("failure")


def test_hooks_are_called_in_the_main_thread(spark: SparkSession) -> None:
    retry = {"max_attempts": 2, "initial_delay_seconds": 0.01}
    run = SparkRun(spark, None, component("a", retry=retry), "b", max_parallel_components=2).in_new_session()
    tries: list[int] = []

    def fail_once(session: SparkSession) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("once")

    run.does("a", fail_once)
    run.fails("b")
    hooks = Threads()
    result = SimplePipelineRunner(run.config, hooks=hooks, spark=run.session).run()
    assert statuses(result) == {"a": "completed", "b": "failed"}
    assert result.component_results[0].retries == 1
    assert {name for name, _ in hooks.called} == {"before", "after", "retry", "failure"}
    assert all(is_main for _, is_main in hooks.called)


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise as Airflow does in a signal handler."""

    def stop(number: int, frame: object) -> None:
        raise AttemptStopped("told to stop")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_attempt_that_is_told_to_stop_ends_at_once_and_nothing_completes_after_that(spark: SparkSession) -> None:
    run = fan(spark, number=3)
    slow = "java_method('java.lang.Thread', 'sleep', 30000L)"
    run.does("load0", lambda session: session.range(1, numPartitions=1).selectExpr(slow).collect())
    run.does("load1", lambda session: [time.sleep(0.05) for _ in range(600)])
    run.does("load2", view("v"))
    began = time.monotonic()
    with interrupted_after(2.0), pytest.raises(AttemptStopped):
        run.attempt()
    assert time.monotonic() - began < 6
    time.sleep(1.0)
    checkpoint = run.store.load("run-1", "p")
    assert checkpoint is not None
    assert checkpoint.completed_components == ["load2"]
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()


def test_a_component_whose_time_is_up_fails_and_the_others_do_not(spark: SparkSession) -> None:
    run = SparkRun(
        spark, None, component("slow", timeout_seconds=0.5), "quick", max_parallel_components=2
    ).in_new_session()
    run.does("slow", lambda session: [time.sleep(0.05) for _ in range(600)])
    run.does("quick", lambda session: [time.sleep(1.0), view("v")(session)])
    result = run.attempt()
    assert statuses(result) == {"slow": "failed", "quick": "completed"}
    assert isinstance(errors(result)["slow"], ComponentTimeoutError)


def test_a_resume_restores_two_beside_each_other_for_one_that_needs_both(spark: SparkSession, tmp_path: Path) -> None:
    run = fan(spark, tmp_path / "state", 2, session_state="save")
    rows: list[int] = []
    run.does("load0", view("v0", 3))
    run.does("load1", view("v1", 4))
    run.fails("join")
    assert statuses(run.attempt()) == {"load0": "completed", "load1": "completed", "join": "failed"}
    run.took_turns()
    run.does("join", lambda session: rows.append(session.table("v0").count() + session.table("v1").count()))
    result = run.resume()
    assert succeeded(result)
    assert run.took_turns() == ["join"]
    assert rows == [7]
    assert [each.action for each in result.component_results] == [Action.REUSE, Action.REUSE, Action.RUN]


def test_replayed_components_run_side_by_side_too(spark: SparkSession) -> None:
    run = fan(spark, number=2)
    run.does("load0", view("v0", 3))
    run.does("load1", view("v1", 4))
    run.fails("join")
    run.attempt()
    together, rows = Together(2), []
    run.does("load0", lambda session: [together(session), view("v0", 3)(session)])
    run.does("load1", lambda session: [together(session), view("v1", 4)(session)])
    run.does("join", lambda session: rows.append(session.table("v0").count() + session.table("v1").count()))
    result = run.resume()
    assert [each.action for each in result.component_results] == [Action.REPLAY, Action.REPLAY, Action.RUN]
    assert succeeded(result)
    assert rows == [7]


def test_two_that_use_the_same_resource_do_not_run_at_once(spark: SparkSession) -> None:
    names = [f"c{n}" for n in range(4)]
    steps = [component(name, resources={"jdbc": 1}) for name in names]
    run = SparkRun(spark, None, *steps, max_parallel_components=4, max_resources={"jdbc": 2}).in_new_session()
    at_work: list[int] = []
    most: list[int] = []

    def work(session: SparkSession) -> None:
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.2)
        at_work.pop()

    for name in names:
        run.does(name, work)
    assert succeeded(run.attempt())
    assert max(most) == 2


def test_fifty_at_once_do_not_block_each_other(spark: SparkSession) -> None:
    run = fan(spark, number=50)
    for number in range(50):

        def load(session: SparkSession, number: int = number) -> None:
            session.range(number).createOrReplaceTempView(f"v{number}")
            session.sql(f"SELECT count(*) FROM v{number}").collect()

        run.does(f"load{number}", load)
    run.does("join", lambda session: session.sql(" UNION ALL ".join(f"SELECT * FROM v{n}" for n in range(50))).count())
    assert succeeded(run.attempt())


def test_one_at_a_time_gets_the_session_itself(spark: SparkSession) -> None:
    run, seen = SparkRun(spark, None, "a", "b"), []
    run.in_new_session()
    run.does("a", lambda session: seen.append(session))
    assert succeeded(run.attempt())
    assert seen == [run.session]
    assert type(run.session).__mro__[0].__module__ == "pyspark.sql.session"


def _raise(error: Exception) -> None:
    raise error


def test_what_was_replaced_in_pyspark_is_put_back(spark: SparkSession) -> None:
    from pyspark.sql import SparkSession as Kind

    before = dict(vars(Kind))
    run = fan(spark, number=2)
    run.fails("load1")
    assert statuses(run.attempt())["load1"] == ComponentStatus.FAILED.value
    assert {name: value for name, value in vars(Kind).items() if before.get(name) is not value} == {}


def test_one_at_a_time_warns_of_what_two_without_an_order_both_leave(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    run = SparkRun(spark, None, "a", "b", component("after", "a", "b")).in_new_session()
    run.does("a", view("v", 1))
    run.does("b", view("v", 2))
    assert succeeded(run.attempt())
    [said] = [each.getMessage() for each in caplog.records if "both leave" in each.getMessage()]
    assert said.startswith("'a' and 'b' both leave 'v' (views)")
    assert said.endswith("add 'a' to depends_on of 'b', or use different names")


def test_one_at_a_time_without_any_dependency_warns_of_nothing(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    run = SparkRun(spark, None, "a", "b").in_new_session()
    run.does("a", view("v", 1))
    run.does("b", view("v", 2))
    assert succeeded(run.attempt())
    assert not [each for each in caplog.records if "both leave" in each.getMessage()]


def test_a_missing_dependency_is_named_with_who_leaves_the_view(spark: SparkSession) -> None:
    run = SparkRun(spark, None, "load", "other", component("join", "other"), max_parallel_components=2)
    run.in_new_session()
    run.does("load", view("orders"))
    run.does("other", lambda session: time.sleep(1.0))
    run.does("join", lambda session: session.table("orders").count())
    [failed] = [each for each in run.attempt().component_results if each.component_name == "join"]
    assert failed.failure is not None
    assert failed.failure.hints == (
        "view 'orders' is left by component 'load', on which 'join' does not depend: add it to depends_on",
    )
