"""The thread that asks what Spark does: for the component that runs, and never in anybody's way."""

from __future__ import annotations

import threading
import time

from airflow_provider.runner.observing.spark_work_poll import SparkWorkPoll
from airflow_provider.runner.spark.job_progress import SparkWork


def test_the_reader_of_the_component_that_runs_is_asked() -> None:
    """A short one never; and what a reader raises is no news."""
    found: list[SparkWork | None] = []
    came = threading.Event()
    asked: list[str] = []

    def take(component: str, work: SparkWork | None) -> None:
        found.append(work)
        came.set()

    poll = SparkWorkPoll(take, 0.05)

    def short() -> SparkWork | None:
        asked.append("short")
        return None

    def long() -> SparkWork | None:
        asked.append("long")
        if len(asked) == 1:
            raise ConnectionError("gone")
        return SparkWork("count")

    poll.watch("a", short)
    poll.watch("a", None)
    poll.watch("b", long)
    assert came.wait(10)
    poll.close()
    assert found[0] == SparkWork("count")
    assert asked[:2] == ["long", "long"]


def test_a_reader_that_hangs_is_in_nobodys_way() -> None:
    """Components begin and end as quickly, and what it finds at last is not told as another one's."""
    found: list[SparkWork | None] = []
    hangs, goes_on = threading.Event(), threading.Event()
    poll = SparkWorkPoll(lambda component, work: found.append(work), 0.01)

    def reader() -> SparkWork | None:
        hangs.set()
        goes_on.wait(10)
        return SparkWork("old")

    poll.watch("a", reader)
    assert hangs.wait(10)
    began = time.monotonic()
    for _ in range(100):
        poll.watch("a", None)
        poll.watch("a", lambda: None)
    assert time.monotonic() - began < 1.0
    poll.close()
    goes_on.set()
    assert poll._thread is not None
    poll._thread.join(10)
    assert found == []


def test_of_several_at_once_each_is_asked_and_told_apart() -> None:
    """Those that begin and end meanwhile put nobody off, and whoever has ended is told nothing of any more."""
    found: dict[str, set[SparkWork | None]] = {"a": set(), "b": set(), "short": set()}
    both, ended = threading.Event(), threading.Event()

    def take(component: str, work: SparkWork | None) -> None:
        assert not (ended.is_set() and component == "a")
        found[component].add(work)
        if found["a"] and found["b"]:
            both.set()

    poll = SparkWorkPoll(take, 0.05)
    poll.watch("a", lambda: SparkWork("of a"))
    poll.watch("b", lambda: None)
    until = time.monotonic() + 10
    while not both.is_set() and time.monotonic() < until:
        poll.watch("short", lambda: SparkWork("of a short one"))
        time.sleep(0.01)
        poll.watch("short", None)
    poll.watch("a", None)
    time.sleep(0.02)
    ended.set()
    found["b"].clear()
    while not found["b"] and time.monotonic() < until:
        time.sleep(0.01)
    poll.close()
    assert found == {"a": {SparkWork("of a")}, "b": {None}, "short": set()}
