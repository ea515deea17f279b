"""Prepares the first look into a session, as long as Spark has not started."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def warm_up_looking(gateway: Callable[[], Any]) -> None:
    """Import what looks, and let the JVM compile the Java that it is asked with.

    :param gateway: waits for the JVM, and returns pyspark's gateway to it
    """
    import_module("airflow_provider.runner.session_state.tracker")
    from airflow_provider.runner.session_state.kinds import KINDS
    from airflow_provider.runner.session_state.probes.jvm_helpers import compile_helpers

    compile_helpers(gateway(), [kind.jvm_section for kind in KINDS if kind.jvm_section])
