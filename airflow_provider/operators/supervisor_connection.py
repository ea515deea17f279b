"""Whether another thread than the task's own may talk to Airflow's supervisor, and how.

A task has one connection to its supervisor: a request, then its answer. Two threads that use it at once would take each
other's answers. What Airflow does about that depends on its version (``airflow/sdk/execution_time/comms.py``):

- Task SDK 1.2 and later (Airflow 3.2): ``CommsDecoder.send`` holds a lock from request to answer.
- 1.0.3 to 1.1 (Airflow 3.0.3 to 3.1): there is no lock. So ``send`` gets one, for everything in this process.
- 1.0.0 to 1.0.2: another protocol; nothing is written from a thread.
- ``dag.test()`` has no connection but calls the supervisor's code, which no second thread may do.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

_LOCKED = "_pyspark_pipeline_locked"


def may_share_connection() -> bool:
    """Return whether any thread of this process may talk to the supervisor from now on."""
    from airflow.sdk.execution_time import task_runner

    connection = type(getattr(task_runner, "SUPERVISOR_COMMS", None))
    if connection.__name__ != "CommsDecoder" or not hasattr(connection, "send"):
        return False
    if not hasattr(connection, "_thread_lock"):
        _lock_send(connection)
    return True


def in_use_by_a_loop() -> bool:
    """Return whether the task's own code has talked to the supervisor from an event loop.

    From then on its calls raise ``DeadlockImminentError`` instead of waiting while another thread has the connection.
    """
    from airflow.sdk.execution_time import task_runner

    return getattr(getattr(task_runner, "SUPERVISOR_COMMS", None), "_loop_thread_id", None) is not None


def _lock_send(connection: Any) -> None:
    """Let threads wait for each other. The lock is reentrant: ``on_kill`` interrupts a call in its own thread."""
    if getattr(connection, _LOCKED, False):
        return
    send, lock = connection.send, threading.RLock()

    @functools.wraps(send)
    def locked(self: Any, *arguments: Any, **options: Any) -> Any:
        with lock:
            return send(self, *arguments, **options)

    connection.send = locked
    setattr(connection, _LOCKED, True)
