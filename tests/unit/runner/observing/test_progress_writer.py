"""The thread that writes the progress: when it writes, and that no sink delays or fails what it is told of."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner.observing import progress_writer
from airflow_provider.runner.observing.progress_writer import ProgressWriter


class Sink:
    """Takes documents, and does what a test says."""

    def __init__(self, act: Callable[[], object] = lambda: None, *, any_thread: bool = True) -> None:
        self.any_thread = any_thread
        self.documents: list[Any] = []
        self.took = threading.Condition()
        self._act = act

    def write(self, document: dict[str, Any]) -> None:
        with self.took:
            self.documents.append(document)
            self.took.notify_all()
        self._act()

    def wait_for(self, number: int) -> bool:
        with self.took:
            return self.took.wait_for(lambda: len(self.documents) >= number, 10)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in a twentieth of the time."""
    for name in ("EVERY_SECONDS", "HEARTBEAT_SECONDS", "GAP_SECONDS", "_SETTLING_SECONDS"):
        monkeypatch.setattr(progress_writer, name, getattr(progress_writer, name) / 20)


def writer_of(sink: Sink) -> ProgressWriter:
    number = iter(range(10**6))
    writer = ProgressWriter(lambda: {"number": next(number)}, sink)
    writer.start()
    return writer


@pytest.mark.usefixtures("quick")
def test_a_boundary_is_written_and_many_of_them_once() -> None:
    """The newest document says all."""
    sink = Sink()
    writer = writer_of(sink)
    for _ in range(1_000):
        writer.boundary()
    assert sink.wait_for(1)
    assert writer.close()
    assert len(sink.documents) == 2  # the boundaries, and the last word


@pytest.mark.usefixtures("quick")
def test_without_any_change_there_is_a_sign_of_life() -> None:
    sink = Sink()
    writer = writer_of(sink)
    assert sink.wait_for(2)
    writer.close()


@pytest.mark.parametrize("act", [lambda: time.sleep(3600), lambda: time.sleep(0.5)], ids=["hangs", "is slow"])
def test_a_sink_that_hangs_or_is_slow_delays_nothing(act: Callable[[], object]) -> None:
    """A boundary costs less than 20 ms, and the end of the attempt waits only as long as it is told."""
    sink = Sink(act)
    writer = writer_of(sink)
    writer.boundary()
    assert sink.wait_for(1)
    for _ in range(20):
        began = time.monotonic()
        writer.boundary()
        writer.changed()
        assert time.monotonic() - began < 0.02
    began = time.monotonic()
    writer.close(0.2)
    assert time.monotonic() - began < 0.5


@pytest.mark.usefixtures("quick")
def test_a_sink_that_raises_is_tried_again_and_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """Later, and less and less often."""
    errors = [ValueError("not now")] * 2

    def act() -> None:
        if errors:
            raise errors.pop()

    sink = Sink(act)
    writer = writer_of(sink)
    with caplog.at_level(logging.WARNING):
        writer.boundary()
        assert sink.wait_for(1)
        writer.boundary()
        assert sink.wait_for(3)
        assert writer.close()
    [warning] = caplog.messages
    assert warning == "cannot record the progress for Airflow's UI: ValueError: not now; the attempt goes on"


@pytest.mark.parametrize("any_thread", [True, False])
def test_a_replaced_attempt_writes_no_more(any_thread: bool) -> None:
    def act() -> None:
        raise StaleAttemptError("replaced")

    sink = Sink(act, any_thread=any_thread)
    writer = writer_of(sink)
    writer.boundary()
    assert sink.wait_for(1)
    writer.boundary()
    writer.close()
    assert len(sink.documents) == 1


def test_where_no_thread_may_write_the_attempt_does_at_boundaries() -> None:
    """At most every five seconds, and at the end."""
    sink = Sink(any_thread=False)
    clock = iter([0.0, 0.0, 1.0, 6.0, 6.0, 6.0, 6.0, 7.0, 7.0]).__next__
    writer = ProgressWriter(dict, sink, clock)
    writer.start()
    for _ in range(3):
        writer.boundary()
    assert len(sink.documents) == 2
    assert writer.close()
    assert len(sink.documents) == 3
