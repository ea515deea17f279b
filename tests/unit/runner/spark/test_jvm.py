"""What is known of the JVM that was started: its lines, and how it ended. A process of Python stands in for it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from airflow_provider.runner.spark.jvm import SparkJvm


def ended(code: str, seconds: float = 30) -> str | None:
    jvm = SparkJvm({})
    jvm._process = subprocess.Popen([sys.executable, "-c", code])
    try:
        end = jvm.end(seconds)
        return str(end) if end is not None else None
    finally:
        jvm._process.kill()
        jvm._process.wait()


def told(*lines: str) -> SparkJvm:
    jvm = SparkJvm({})
    jvm._is_up = True
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    jvm._read(reading)
    return jvm


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("raise SystemExit(1)", "ended with exit status 1"),
        ("raise SystemExit(52)", "ended with exit status 52 (Spark's code for OutOfMemoryError)"),
        ("raise SystemExit(3)", "ended with exit status 3 (the code of -XX:+ExitOnOutOfMemoryError)"),
        ("import os; os.kill(os.getpid(), 15)", "was killed by signal 15 (SIGTERM)"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "was killed by signal 9 (SIGKILL): most likely this machine or container ran out of memory",
        ),
    ],
)
def test_how_it_ended_is_told_in_words(code: str, how: str) -> None:
    """An exit status or a signal, with what it most likely means."""
    assert ended(code) == how


def test_one_that_runs_or_was_never_started_has_not_ended() -> None:
    """Nothing is said of an end that has not come."""
    assert ended("import time; time.sleep(60)", 0.1) is None
    assert SparkJvm({}).end() is None


def test_the_last_words_are_those_that_tell_of_something_serious() -> None:
    """No stacks, not more than four lines, and no secrets."""
    jvm = told(
        "26/11/26 01:00:00 INFO SparkContext: Running",
        *(f"26/11/26 01:00:0{n} ERROR Executor: number {n}" for n in range(5)),
        "\tat org.apache.spark.Some.error(Some.scala:1) ERROR",
        "26/11/26 01:00:09 ERROR Client: password=hunter2 was refused",
    )
    words = jvm.last_words()
    assert [word.rpartition(": ")[2] for word in words[:3]] == ["number 2", "number 3", "number 4"]
    assert len(words) == 4
    assert "hunter2" not in words[-1]
    assert jvm.out_of_memory() is None


def test_that_it_ran_out_of_memory_is_seen_in_what_it_printed() -> None:
    """In Java's own words."""
    jvm = told('Exception in thread "main" java.lang.OutOfMemoryError: Java heap space', "\tat java.base/x")
    assert jvm.out_of_memory() == "java.lang.OutOfMemoryError: Java heap space"


def test_what_an_author_prints_in_java_is_for_people_and_sparks_own_lines_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A stack below one of Spark's lines is Spark's, too."""
    with caplog.at_level(logging.DEBUG, logger="airflow_provider"):
        told("rows: 3", "26/11/26 01:00:00 WARN Something: odd", "\tat a.b.C", "java.io.IOException: x", "rows: 4")
    levels = {record.getMessage(): record.levelname for record in caplog.records}
    assert levels == {
        "Spark: rows: 3": "INFO",
        "Spark: 26/11/26 01:00:00 WARN Something: odd": "DEBUG",
        "Spark: \tat a.b.C": "DEBUG",
        "Spark: java.io.IOException: x": "DEBUG",
        "Spark: rows: 4": "INFO",
    }
