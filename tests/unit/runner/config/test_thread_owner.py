"""For whom threads work, and the CPU time of a component's threads."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for, owner_of, thread_owner


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def in_new_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_thread_works_for_whom_it_is_told_to() -> None:
    one, other = ThreadOwner("one"), ThreadOwner("other")
    seen = []

    def work() -> None:
        for owner in (one, other, None):
            with acting_for(owner):
                seen.append((thread_owner(), owner_of(threading.current_thread())))
        seen.append((thread_owner(), owner_of(threading.current_thread())))

    with acting_for(one):
        in_new_thread(work)  # Python hands nothing on to it
        assert thread_owner() is one
    assert thread_owner() is None
    assert seen == [(one, one), (other, other), (None, None), (None, None)]


def test_an_owner_is_within_that_of_the_thread_that_makes_it() -> None:
    """A component may run a pipeline of its own, whose components have names of their own."""
    outer = ThreadOwner("outer")
    with acting_for(outer), acting_for(ThreadOwner()):
        inner = ThreadOwner("inner")
    assert (outer.label, inner.label, ThreadOwner().label) == ("outer", "outer/inner", "")
    assert (inner.chain[0], inner.chain[-1], outer.chain) == (inner, outer, (outer,))


def test_cpu_time_counts_for_whom_the_thread_works_at_the_moment() -> None:
    """Also of a thread of a pool that serves another component in between, and that of outer pipelines."""
    one, other = ThreadOwner("one"), ThreadOwner("other")

    def work() -> None:
        burn(0.1)  # for nobody
        with acting_for(one):
            burn(0.1)
            with acting_for(other):
                burn(0.3)
            burn(0.1)
        burn(0.1)

    in_new_thread(work)
    assert 0.2 <= one.cpu_seconds() < 0.25
    assert 0.3 <= other.cpu_seconds() < 0.35


def test_cpu_time_of_eight_at_once_is_told_apart() -> None:
    owners = [ThreadOwner(str(number)) for number in range(8)]
    together = threading.Barrier(8)

    def work(number: int) -> None:
        with acting_for(owners[number]):
            together.wait()
            burn(0.02 * number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for number, owner in enumerate(owners):
        assert 0.02 * number <= owner.cpu_seconds() < 0.02 * number + 0.02


def test_cpu_time_of_a_component_includes_that_of_its_own_pipeline() -> None:
    outer = ThreadOwner("outer")
    with acting_for(outer):
        inner = ThreadOwner("inner")
        with acting_for(inner):
            burn(0.1)
            assert inner.cpu_seconds() >= 0.1  # up to now
    assert outer.cpu_seconds() >= inner.cpu_seconds()


def test_a_thread_in_a_context_of_a_component_counts_from_when_it_says_so() -> None:
    """Until then it is not known since when the thread's time is the component's."""
    owner = ThreadOwner("one")
    with acting_for(owner):
        context = contextvars.copy_context()

    def work() -> None:
        burn(0.2)
        owner.cpu_seconds()
        with acting_for(thread_owner()):
            burn(0.1)

    in_new_thread(lambda: context.run(work))
    assert 0.1 <= owner.cpu_seconds() < 0.15
