"""What people are told of an error: Spark's words without stacks, and the author's own line."""

from __future__ import annotations

import pytest

from airflow_provider.errors import ComponentFailedError, SparkLostError
from airflow_provider.runner.observing.author import author_line_of_text
from airflow_provider.runner.observing.failure import explain
from airflow_provider.runner.observing.result import (
    ComponentResult,
    ComponentStatus,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.observing.spark_words import said, stack_lines
from airflow_provider.runner.observing.verdict import attempt_error, complete_in_words
from airflow_provider.runner.planning.plan import Action


class AnalysisException(Exception):
    __module__ = "pyspark.errors.exceptions.captured"


class PythonException(Exception):
    __module__ = "pyspark.errors.exceptions.captured"


class Py4JJavaError(Exception):
    __module__ = "py4j.protocol"


PLAN = (
    "[TABLE_OR_VIEW_NOT_FOUND] The table or view `totals` cannot be found. SQLSTATE: 42P01; line 1 pos 14;\n"
    "'Project [*]\n+- 'UnresolvedRelation [totals], [], false\n\n\nJVM stacktrace:\norg.apache.X\n\tat a.b(C.java:1)"
)
JOB = (
    "An error occurred while calling o12.count.\n: org.apache.spark.SparkException: Job aborted due to stage failure: "
    "Task 0 failed 1 times:\n\tat org.apache.spark.X.y(Z.scala:1)\n\t... 12 more\n"
    "Caused by: java.lang.ArithmeticException: too big"
)
WORKER = (
    "\n  An exception was thrown from the Python worker. Please see the stack trace below.\n"
    'Traceback (most recent call last):\n  File "/dags/rates.py", line 7, in rate\n    return 100 / amount\n'
    '  File "/usr/lib/python3.11/site-packages/numpy/core.py", line 3, in divide\n'
    "ZeroDivisionError: division by zero\n\n\tat org.apache.spark.api.python.X(Y.scala:1)\n"
)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_sparks_message_comes_without_plan_and_stack() -> None:
    """The condition stays in front, and nothing follows but what a person reads."""
    assert said(AnalysisException(PLAN)).message == PLAN.partition(";\n")[0]


def test_a_job_that_aborted_says_what_java_had_raised_at_the_bottom() -> None:
    """Not "An error occurred while calling o12.count", and no line that begins with "at"."""
    message = said(Py4JJavaError(JOB)).message

    assert message.splitlines() == [
        "Py4JJavaError: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed 1 times:",
        "caused by: java.lang.ArithmeticException: too big",
    ]


def test_an_error_of_python_on_an_executor_is_told_as_pythons_own() -> None:
    """With the line of the author's function there, not of the library that it called or of Spark."""
    failure = explain(PythonException(WORKER))

    assert failure.headline == "Python on an executor: ZeroDivisionError: division by zero"
    assert failure.where == "/dags/rates.py:7, in rate"


def test_the_line_is_the_authors_innermost_one() -> None:
    """A frame of the standard library below it does not count."""

    def parse(text: str) -> float:
        import json

        return json.loads(text)  # this line

    try:
        parse("{")
    except ValueError as error:
        failure = explain(error)

    assert failure.where is not None
    assert failure.where.startswith(f"{__file__}:")
    assert failure.where.endswith("in parse: return json.loads(text)  # this line")


@pytest.mark.parametrize("text", ["", "no traceback", 'File "x'])
def test_a_text_without_a_line_has_none(text: str) -> None:
    """Whatever an executor sends."""
    assert author_line_of_text(text) is None


def test_an_error_without_words_is_named() -> None:
    """Never an empty line."""
    assert explain(KeyError()).what == "KeyError"
    assert explain(AnalysisException()).what == "AnalysisException"


def test_running_out_of_memory_names_the_setting() -> None:
    """Java says it in the middle of much else."""
    failure = explain(
        Py4JJavaError("An error occurred while calling o1.x.\n: java.lang.OutOfMemoryError: Java heap space\n")
    )

    assert any("raise spark.driver.memory" in hint and "Java heap space" in hint for hint in failure.hints)


def test_secrets_are_masked_in_message_and_stack() -> None:
    """An error may repeat the address of a database."""
    error = raised(OSError("no route to jdbc://user:hunter2@host password=hunter2"))
    failure = explain(error)

    assert "hunter2" not in "\n".join([failure.what, *failure.lines(), *stack_lines(error)])


def result(error: BaseException | None, before: int = 2) -> PipelineResult:
    done = [ComponentResult(f"c{n}", Action.RUN, "", ComponentStatus.COMPLETED) for n in range(before)]
    last = ComponentResult(
        "last", Action.RUN, "", ComponentStatus.FAILED if error else ComponentStatus.COMPLETED, error=error
    )
    status = PipelineResultStatus.FAILURE if error else PipelineResultStatus.SUCCESS
    return PipelineResult("p", status, (*done, last), 1.0)


def test_the_error_at_the_end_is_whole() -> None:
    """Component, position, message, line, what is complete, what comes next; no cause that would be logged again."""
    error = attempt_error(result(raised(ValueError("wrong"))), "a retry of this task")

    assert isinstance(error, ComponentFailedError)
    first, where, complete, following = str(error).splitlines()
    assert first == "pipeline 'p': component 'last' (3 of 3) failed: ValueError: wrong"
    assert where.startswith(f"where: {__file__}")
    assert complete == "complete: 2 of 3: 'c0', 'c1'"
    assert following == "next: a retry of this task goes on with 'last'"
    assert error.__cause__ is None
    assert isinstance(error.cause, ValueError)


def test_a_lost_spark_is_not_the_components_fault() -> None:
    """The error is of another kind, and says which component ran."""
    error = attempt_error(result(SparkLostError("Spark's JVM was killed\nremedy: more memory")), "a retry")

    assert isinstance(error, SparkLostError)
    lines = str(error).splitlines()
    assert lines[0] == "pipeline 'p': Spark was lost while component 'last' (3 of 3) ran: Spark's JVM was killed"
    assert lines[1] == "remedy: more memory"
    assert lines[-1] == "next: a retry goes on with 'last'"


def test_no_error_where_all_is_complete() -> None:
    """Nothing to raise."""
    assert attempt_error(result(None), "a retry") is None


def test_of_a_thousand_components_a_few_are_named() -> None:
    """The last ones: they are what somebody looks for."""
    text = complete_in_words([f"c{n}" for n in range(1000)], 1001)

    assert text == "complete: 1000 of 1001: 995 others, 'c995', 'c996', 'c997', 'c998', 'c999'"
    assert complete_in_words([], 3) == "complete: none of 3"
