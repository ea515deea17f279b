"""Whose a line of the JVM's output is, and what of a traceback is Java's."""

from __future__ import annotations

import pytest

from airflow_provider.runner.spark.jvm_lines import JvmLines, without_java

HEAD = "26/11/30 08:00:00 "
FRAMES = ["\tat org.apache.spark.Some.thing(Some.scala:1)", "\t... 12 more"]
UDF_FAILED = [
    HEAD + "ERROR Executor: Exception in task 0.0 in stage 0.0 (TID 0)",
    "org.apache.spark.api.python.PythonException: [UDF_ERROR] thrown: Traceback (most recent call last):",
    '  File "/dags/steps.py", line 6, in f',
    '    raise ValueError("bad row")',
    "ValueError: bad row",
    " SQLSTATE: 38000",
    *FRAMES,
    "Caused by: java.io.IOException: one",
    "and two",
    *FRAMES,
]
LOST_TASK = [
    HEAD + "WARN TaskSetManager: Lost task 0.1 in stage 0.0: [USER_RAISED] boom",
    "second line SQLSTATE: P0001)",
]
SQL_FAILED = [
    HEAD + "ERROR Executor: Exception in task 0.0",
    "org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero.",
    "== SQL (line 1, position 8) ==",
    "SELECT 1/(id-1) AS x",
    "       ^^^^^^^^",
    "",
    *FRAMES,
]
PLAN = [
    HEAD + "WARN WholeStageCodegenExec: Whole-stage codegen disabled for plan (id=1):",
    " *(1) Project [id#0L]",
    " +- *(1) Range (0, 3, step=1)",
]
UNCAUGHT = ['Exception in thread "Thread-4" java.lang.OutOfMemoryError: Java heap space', *FRAMES]
STRUCTURED = ['{"ts":"2026-11-30T08:00:00Z","level":"ERROR","exception":{"class":"x"}}']
PROGRESS = ["[Stage 0:>                                                          (0 + 1) / 1]"]


@pytest.mark.parametrize(
    "lines",
    [UDF_FAILED, UDF_FAILED * 4, LOST_TASK, SQL_FAILED, PLAN, UNCAUGHT, STRUCTURED, PROGRESS, LOST_TASK + UDF_FAILED],
    ids=["udf", "four times", "lost task", "sql", "plan", "uncaught", "structured", "progress", "lost and failed"],
)
def test_every_line_of_what_spark_says_is_sparks(lines: list[str]) -> None:
    """A message may have several lines, and each cause its own."""
    whose = JvmLines()
    assert [line for line in lines if not whose.is_sparks(line)] == []


@pytest.mark.parametrize("before", [[], PLAN, UDF_FAILED, UNCAUGHT, [HEAD + "WARN Some: odd"]])
def test_what_an_author_prints_is_theirs(before: list[str]) -> None:
    """Also after what Spark said, and if it speaks of errors."""
    printed = ["rows: 3", "at home", "Error budget: 2", "ValueError was expected", "  indented"]
    whose = JvmLines()
    for line in before:
        whose.is_sparks(line)
    assert [line for line in printed if not whose.is_sparks(line)] == printed


def test_of_a_traceback_everything_stays_but_the_stacks_of_java() -> None:
    """The author's lines do, those of a chained error, and what Spark said."""
    python = [
        "Traceback (most recent call last):",
        '  File "/dags/steps.py", line 3, in load',
        "    spark.range(3).collect()",
        "py4j.protocol.Py4JJavaError: An error occurred while calling o1.collect.",
        ": java.lang.RuntimeException: odd",
    ]
    java = [*FRAMES, "Caused by: java.io.IOException: x", "of two lines", *FRAMES]
    after = [
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
    ]
    captured = ["pyspark.errors.AnalysisException: [X] y", "", "JVM stacktrace:", "org.apache.spark.X: y", *FRAMES]
    assert without_java([*python, *java, "", *after, *captured]) == [*python, *after, *captured[:2]]
    assert without_java(python[:3]) == python[:3]
