"""How the lines that spark-submit prints are logged."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.launch.driver import EachLine
from airflow_provider.operators.submit.submission import log_driver_lines

HEAD = "26/11/30 08:00:00 INFO Client: Application report for application_17_0001 (state: RUNNING)\n"
FAILED = [
    "26/11/30 08:00:01 ERROR Executor: Exception in task 0.0\n",
    "java.io.IOException: of two\n",
    "lines\n",
    "\tat org.apache.spark.X.y(Z.scala:1)\n",
]


@pytest.mark.parametrize(("heads", "left"), [(True, [HEAD, FAILED[0], "rows: 3\n"]), (False, ["rows: 3\n"])])
def test_stack_traces_of_java_are_logged_at_level_debug(
    heads: bool, left: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """In deploy mode ``cluster`` the Spark provider gets the lines above them, which it reads."""
    with caplog.at_level(logging.DEBUG, logger="airflow_provider"):
        assert list(log_driver_lines([HEAD, *FAILED, "rows: 3\n"], heads=heads)) == left
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert "at org.apache.spark.X.y" in caplog.text


def test_each_line_of_the_driver_has_the_level_of_its_record(caplog: pytest.LogCaptureFixture) -> None:
    """Of a record of several lines as well."""
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s", ("failed:\n  - one\n\n  - two",), None)
    lines = EachLine("%(message)s").format(record).splitlines()
    with caplog.at_level(logging.DEBUG, logger="airflow_provider"):
        assert list(log_driver_lines([*lines, "INFO - done"], heads=False)) == []
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        *(("ERROR", line) for line in ["failed:", "  - one", "", "  - two"]),
        ("INFO", "done"),
    ]
