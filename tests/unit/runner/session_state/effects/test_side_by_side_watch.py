"""What is seen of components that run side by side: real threads, files and pools."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for
from airflow_provider.runner.session_state.effects.audit_watch import (
    DriverObservations,
    SparkFootprint,
    watch_driver,
)
from airflow_provider.runner.spark.replaced_attributes import ReplacedAttributes
from airflow_provider.runner.spark.thread_starts import follow_threads

AT_ONCE = 8


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def threads_followed() -> Iterator[None]:
    replaced = ReplacedAttributes()
    follow_threads(replaced)
    try:
        with acting_for(ThreadOwner()):  # the main thread, for the time of the run
            yield
    finally:
        replaced.put_back()


def side_by_side(
    works: list[Callable[[], object]], meanwhile: Callable[[], object] = lambda: None
) -> list[DriverObservations]:
    """Return what is seen of some components that are all watched while they work.

    :param meanwhile: what the main thread does while they are watched
    """
    seen: list[DriverObservations] = [None] * len(works)  # type: ignore[list-item]
    together = threading.Barrier(len(works) + 1, timeout=20)

    def component(number: int, owner: ThreadOwner) -> None:
        watch = watch_driver(SparkFootprint())
        with acting_for(owner), watch:
            together.wait()
            try:
                works[number]()
            except BaseException:
                together.abort()
                raise
            together.wait()
            together.wait()
        seen[number] = watch.seen

    with threads_followed():
        threads = [
            threading.Thread(target=component, args=(number, ThreadOwner(str(number)))) for number in range(len(works))
        ]
        for thread in threads:
            thread.start()
        together.wait()
        together.wait()
        meanwhile()
        together.wait()
        for thread in threads:
            thread.join()
    return seen


def names(seen: DriverObservations) -> set[str]:
    return {os.path.basename(act.target) for act in seen.acts}


def touches(name: str) -> Callable[[], None]:
    """Return what touches a file; pathlib does it, without code of the author on its stack."""
    return Path(name).touch


def by_itself(work: Callable[[], object]) -> None:
    work()


def by_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def by_thread_of_a_thread(work: Callable[[], object]) -> None:
    by_thread(lambda: by_thread(work))


def by_timer(work: Callable[[], object]) -> None:
    timer = threading.Timer(0, work)
    timer.start()
    timer.join()


def by_pool(work: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


SHARED = ThreadPoolExecutor(2)


def by_pool_of_a_module(work: Callable[[], object]) -> None:
    """Its threads are started by whichever component comes first."""
    SHARED.submit(work).result()


WAYS = [by_itself, by_thread, by_thread_of_a_thread, by_timer, by_pool, by_pool_of_a_module]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_a_component_or_a_thread_for_it_does_counts_for_it_alone(
    here: Path, way: Callable[[Callable[[], object]], None]
) -> None:
    """Invariant 13: whatever runs beside it."""
    works = [lambda n=number: [way(touches(f"{n}-{i}")) for i in range(5)] for number in range(AT_ONCE)]  # type: ignore[misc]
    for number, seen in enumerate(side_by_side(works)):
        assert {name for name in names(seen) if "-" in name} == {f"{number}-{i}" for i in range(5)}
        assert {os.path.basename(file) for file in seen.written_files} == {f"{number}-{i}" for i in range(5)}


def test_files_and_variables_are_told_apart_as_well(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        (here / f"read{number}").write_text("x")
        monkeypatch.setenv(f"OF_{number}", "")

    def reads(number: int) -> None:
        Path(f"read{number}").read_text()

    seen = side_by_side([lambda: reads(0), lambda: reads(1)])
    assert [[os.path.basename(file) for file in each.read_files] for each in seen] == [["read0"], ["read1"]]


def test_what_the_main_thread_does_counts_for_none(here: Path) -> None:
    """The engine saves what one component left, and the author's hooks are called, while others run."""
    seen = side_by_side([touches("a"), touches("b")], lambda: (Path("of_a_hook").touch(), by_thread(touches("c"))))
    assert [names(each) for each in seen] == [{"a"}, {"b"}]


def test_what_an_unknown_thread_does_counts_for_all(here: Path) -> None:
    """It may be a thread of a C library that works for any of them."""
    go, done = threading.Event(), threading.Event()

    def unknown() -> None:
        go.wait()
        Path("unknown").touch()  # with the author's code on the stack
        done.set()

    threading.Thread(target=unknown).start()
    seen = side_by_side([touches("a"), touches("b")], lambda: (go.set(), done.wait()))
    assert [names(each) for each in seen] == [{"a", "unknown"}, {"b", "unknown"}]


def test_a_thread_after_another_one_is_not_taken_for_it(here: Path) -> None:
    """Python gives the identifier of a thread that has ended to the next one."""
    owner, watch = ThreadOwner("first"), watch_driver(SparkFootprint())
    identifiers = []

    def first() -> None:
        identifiers.append(threading.get_ident())
        with acting_for(owner):
            Path("first").touch()

    def second() -> None:
        identifiers.append(threading.get_ident())
        with acting_for(ThreadOwner("second")):
            Path("second").touch()

    with acting_for(owner), watch:
        for _ in range(20):
            by_thread(first)
            by_thread(second)
    assert len(set(identifiers)) < 40
    assert names(watch.seen) == {"first"}


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_cpu_time_is_that_of_the_component_alone(way: Callable[[Callable[[], object]], None]) -> None:
    """Invariant 13: what runs beside it never makes a component look costlier."""
    seen = side_by_side([lambda: way(lambda: burn(0.2)), lambda: None], lambda: burn(0.2))
    assert 0.2 <= seen[0].cpu_seconds < 0.3
    assert seen[1].cpu_seconds < 0.1


def test_cpu_time_is_the_same_with_nobody_beside_it() -> None:
    (seen,) = side_by_side([lambda: burn(0.1)], lambda: burn(0.3))
    assert 0.1 <= seen.cpu_seconds < 0.2


def test_a_thread_that_is_left_running_is_an_act_of_the_one_that_started_it(here: Path) -> None:
    end = threading.Event()
    sender = threading.Thread(target=end.wait, name="sender")
    waiting, done = ThreadPoolExecutor(1), lambda: None
    pool = ThreadPoolExecutor(1, "busy")
    seen = side_by_side(
        [lambda: sender.start(), lambda: waiting.submit(done).result(), lambda: pool.submit(end.wait) and None, done]
    )
    end.set()
    sender.join()
    for each in (pool, waiting):
        each.shutdown()
    assert [[(act.kind, act.target) for act in each.acts] for each in seen] == [
        [("thread", "sender")],
        [],
        [("thread", "busy_0")],
        [],
    ]


def test_what_a_component_of_a_pipeline_in_a_component_does_counts_for_both(here: Path) -> None:
    def runs_a_pipeline() -> None:
        seen = side_by_side([touches("inner_a"), touches("inner_b")])
        assert [names(each) for each in seen] == [{"inner_a"}, {"inner_b"}]

    outer, beside = side_by_side([runs_a_pipeline, touches("beside")])
    assert names(outer) == {"inner_a", "inner_b"}
    assert names(beside) == {"beside"}


def test_one_at_a_time_counts_what_a_leftover_of_another_one_does(here: Path) -> None:
    """As ever: with one component at a time, any thread may work for it."""
    go, done = threading.Event(), threading.Event()

    def left_over() -> None:
        with acting_for(ThreadOwner("gone")):
            go.wait()
            Path("late").touch()
            done.set()

    watch = watch_driver(SparkFootprint())
    with watch:
        threading.Thread(target=left_over).start()
        go.set()
        done.wait()
    assert "late" in names(watch.seen)


def test_a_log_line_of_a_component_is_no_act_of_another(here: Path) -> None:
    handler = logging.FileHandler("of_a", delay=True)
    logger = logging.getLogger("of_a_component")
    logger.addHandler(handler)
    seen = side_by_side([lambda: logger.warning("x"), lambda: None])
    logger.removeHandler(handler)
    handler.close()
    assert [names(each) for each in seen] == [{"of_a"}, set()]
