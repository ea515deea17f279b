"""Work that is done while Spark starts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider.runner.spark.meanwhile import working_meanwhile


def test_the_work_gets_the_gateway_and_is_done_when_spark_has_started() -> None:
    done: list[Any] = []

    def work(gateway: Callable[[], Any]) -> None:
        done.append(threading.current_thread().name)
        done.append(gateway())

    with working_meanwhile(work) as has_started:
        has_started("gateway")
    assert done == ["pyspark-pipeline-meanwhile", "gateway"]


def test_work_that_fails_is_no_failure_of_the_start() -> None:
    def work(gateway: Callable[[], Any]) -> None:
        gateway()
        raise RuntimeError("no compiler")

    with working_meanwhile(work) as has_started:
        has_started("gateway")


@pytest.mark.parametrize("fails", [False, True])
def test_work_ends_if_there_is_no_new_jvm(fails: bool) -> None:
    """One ran already, or none could be started."""
    after: list[Any] = []

    def work(gateway: Callable[[], Any]) -> None:
        after.append(gateway())

    def start() -> None:
        with working_meanwhile(work):
            if fails:
                raise OSError("no Java")

    if fails:
        with pytest.raises(OSError, match="no Java"):
            start()
    else:
        start()
    for thread in threading.enumerate():
        if thread.name == "pyspark-pipeline-meanwhile":
            thread.join(10)
    assert after == []
    assert not [thread for thread in threading.enumerate() if thread.name == "pyspark-pipeline-meanwhile"]
