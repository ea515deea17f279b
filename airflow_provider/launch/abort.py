"""Ends Spark from a signal handler or another thread, before Airflow kills the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

_ABORT_SECONDS = 4.0  # Airflow kills the process 5 s after it has asked it to stop


def ends_in_time(end: Callable[[], None]) -> bool:
    """Run this in a thread of its own, and return whether it was done within four seconds.

    The interrupted thread may be in the middle of a call to Spark, so its connection is of no use.
    """
    thread = threading.Thread(target=end, name="pyspark-pipeline-abort", daemon=True)
    thread.start()
    thread.join(_ABORT_SECONDS)
    return not thread.is_alive()
