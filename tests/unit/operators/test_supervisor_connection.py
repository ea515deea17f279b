"""Two threads that talk to Airflow's supervisor at once: each gets its own answers, on every release."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_provider.operators.supervisor_connection import in_use_by_a_loop, may_share_connection

ROUNDS = 300


def connection_without_a_lock() -> type:
    """The connection as in Airflow 3.1: a request, then the next answer, whoever's it is."""

    class CommsDecoder:
        def __init__(self, end: socket.socket) -> None:
            self._end = end

        def send(self, message: int) -> int:
            self._end.sendall(struct.pack(">I", message))
            return int(struct.unpack(">I", self._end.recv(4, socket.MSG_WAITALL))[0])

    return CommsDecoder


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type], Any]]:
    """Make a connection of a class to a supervisor that answers each request with itself."""
    ours, theirs = socket.socketpair()

    def answer() -> None:
        while request := theirs.recv(4, socket.MSG_WAITALL):
            theirs.sendall(request)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()

    def installed(kind: type) -> Any:
        connection = kind(ours)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", connection, raising=False)
        return connection

    yield installed
    ours.close()
    thread.join(5)
    theirs.close()


def mixed_answers(connection: Any) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []

    def talk(first: int) -> None:
        found.extend(
            (number, answer) for number in range(first, first + ROUNDS) if (answer := connection.send(number)) != number
        )

    threads = [threading.Thread(target=talk, args=(n * ROUNDS,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return found


def test_where_airflow_has_no_lock_each_thread_gets_its_own_answers(install: Callable[[type], Any]) -> None:
    kind = connection_without_a_lock()
    connection = install(kind)
    assert may_share_connection()
    assert may_share_connection()  # the second attempt of a process finds it done
    assert mixed_answers(connection) == []


def test_a_signal_handler_that_asks_in_the_middle_of_a_call_does_not_wait_for_itself(
    install: Callable[[type], Any],
) -> None:
    """``on_kill`` runs in the thread that it interrupts."""
    kind = connection_without_a_lock()
    send = kind.send  # type: ignore[attr-defined]

    def interrupted(self: Any, message: int) -> int:
        return int(send(self, message)) + (self.send(message - 1) if message > 1 else 0)

    kind.send = interrupted  # type: ignore[attr-defined]
    connection = install(kind)
    assert may_share_connection()
    assert connection.send(3) == 6


def test_airflows_own_lock_is_left_alone() -> None:
    """From Airflow 3.2 on."""
    from airflow.sdk.execution_time.comms import CommsDecoder

    before = CommsDecoder.send
    assert hasattr(CommsDecoder, "_thread_lock")
    assert before.__module__ == CommsDecoder.__module__


def test_where_the_task_runs_in_the_callers_process_no_thread_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """``dag.test()`` has another kind of connection, or none."""
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", object(), raising=False)
    assert not may_share_connection()
    assert not in_use_by_a_loop()
    monkeypatch.delattr(task_runner, "SUPERVISOR_COMMS")
    assert not may_share_connection()
