"""What people are told of an error: Spark's words without stacks, and the author's own line."""

from __future__ import annotations

import dataclasses
import json
import sysconfig
from pathlib import Path

import pytest
from pydantic import BaseModel

import airflow_provider
from airflow_provider.errors import ComponentFailedError, SparkLostError
from airflow_provider.runner.config.component import build_component
from airflow_provider.runner.config.dataflow import DataFlow
from airflow_provider.runner.observing.attempt_error import attempt_error, complete_in_words
from airflow_provider.runner.observing.author_line import author_line_of_text
from airflow_provider.runner.observing.failure import explain
from airflow_provider.runner.observing.result import (
    ComponentResult,
    ComponentStatus,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.running.retries import run_with_retries
from airflow_provider.runner.spark.error_text import parse_spark_error, stack_lines


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
    assert parse_spark_error(AnalysisException(PLAN)).message == PLAN.partition(";\n")[0]


def test_a_job_that_aborted_says_what_java_had_raised_at_the_bottom() -> None:
    """Not "An error occurred while calling o12.count", and no line that begins with "at"."""
    message = parse_spark_error(Py4JJavaError(JOB)).message

    assert message.splitlines() == [
        "Py4JJavaError: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 failed 1 times:",
        "caused by: java.lang.ArithmeticException: too big",
    ]


def test_an_error_of_python_on_an_executor_reads_like_pythons_own() -> None:
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


def where_of(code: str, file: str, package: str | None = None, **names: object) -> str | None:
    """Run code as a component of that file, and return where its error came from."""
    scope: dict[str, object] = {"__name__": "tests_of_where", **names}
    exec(compile(code, file, "exec"), scope)
    work = build_component(scope["run"], {}, None, Path())
    with pytest.raises((OSError, ValueError)) as raised:
        run_with_retries(work, None, None, lambda tried, pause, error: None, lambda seconds: None)
    return explain(raised.value, package=package).where


SITE = sysconfig.get_path("purelib")
STDLIB = sysconfig.get_path("stdlib")


@pytest.mark.parametrize(
    ("file", "is_named"),
    [
        ("/dags/load.py", True),
        ("/dags/jobs.zip/load.py", True),
        ("/src/company/src/company_jobs/load.py", True),
        ("/home/me/airflow_provider_jobs/load.py", True),
        ("/tmp/ipykernel_12/345.py", True),
        ("<ipython-input-3-abc>", True),
        ("<stdin>", True),
        ("<string>", True),
        ("<attrs generated init x.Y>", False),
        ("<frozen importlib._bootstrap>", False),
        (f"{SITE}/pandas/core/frame.py", False),
        (f"{STDLIB}/pathlib.py", False),
        ("/opt/conda/lib/python3.12/json/decoder.py", False),
        ("/usr/lib/python3/dist-packages/numpy/core.py", False),
        ("/opt/spark/python/lib/pyspark.zip/pyspark/worker.py", False),
        ("/opt/spark/python/lib/py4j-0.10.9.9-src.zip/py4j/protocol.py", False),
        (f"{Path(airflow_provider.__file__).parent}/components/sql.py", False),
    ],
)
def test_only_an_authors_line_is_named(file: str, is_named: bool) -> None:
    """A folder of DAGs, an editable install, a zip file or a notebook; never a library, Spark or this package."""
    where = where_of("def run(spark):\n    raise OSError('x')", file)
    assert where == (f"{file}:2, in run" if is_named else None)


def test_a_library_that_the_author_calls_is_not_named_but_the_call_is() -> None:
    """Also where the library calls something of the author's own in between."""
    code = "def run(spark):\n    Path('/nowhere/at/all').read_text()"
    assert where_of(code, "/dags/load.py", Path=Path) == "/dags/load.py:2, in run"
    code = "def run(spark):\n    list(map(lambda x: loads('{'), [1]))"
    assert where_of(code, "/dags/load.py", loads=json.loads) == "/dags/load.py:2, in <lambda>"


def test_what_a_class_is_given_by_this_package_is_not_named_but_its_use_is() -> None:
    """An error that this package raises when a component calls it is at the component's line."""

    class Early(DataFlow):
        def __init__(self) -> None:
            super().__init__()
            self.rows = self.spark.range(3)  # before the session is there

        def run(self) -> None: ...

    with pytest.raises(RuntimeError) as raised:
        build_component(Early, {}, None, Path())
    assert str(explain(raised.value).where).endswith("self.rows = self.spark.range(3)  # before the session is there")


@pytest.mark.parametrize(("package", "is_named"), [("tests_of_where", True), ("another", False), (None, False)])
def test_a_component_that_is_installed_like_a_library_is_the_authors(package: str | None, is_named: bool) -> None:
    """A company's package in an image: its own lines count, not those of what it calls."""
    file = f"{SITE}/company_jobs/load.py"
    where = where_of("def run(spark):\n    loads('{')", file, package, loads=json.loads)
    assert where == (f"{file}:2, in run" if is_named else None)


def test_a_config_that_a_model_refuses_has_no_line() -> None:
    """It is pydantic that raises, and the engine that asked it."""

    class Config(BaseModel):
        rows: int

    class Load(DataFlow):
        config_model = Config

        def run(self) -> None: ...

    with pytest.raises(ValueError, match="rows") as raised:
        build_component(Load, {"rows": "many"}, None, Path())
    assert explain(raised.value, package="airflow_provider").where is None


@dataclasses.dataclass
class _Given:
    rows: list[int]

    def __post_init__(self) -> None:
        self.rows[7]


def test_the_made_init_of_a_dataclass_is_not_named() -> None:
    """What it calls of the author's is."""
    with pytest.raises(IndexError) as raised:
        build_component(_Given, {"rows": []}, None, Path())
    assert str(explain(raised.value).where).endswith("self.rows[7]")


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
    assert following == "next: a retry of this task resumes at 'last'"
    assert error.__cause__ is None
    assert isinstance(error.cause, ValueError)


def test_a_lost_spark_is_not_the_components_fault() -> None:
    """The error is of another kind, and says which component ran."""
    error = attempt_error(result(SparkLostError("Spark's JVM was killed\nremedy: more memory")), "a retry")

    assert isinstance(error, SparkLostError)
    lines = str(error).splitlines()
    assert lines[0] == "pipeline 'p': Spark was lost while component 'last' (3 of 3) ran: Spark's JVM was killed"
    assert lines[1] == "remedy: more memory"
    assert lines[-1] == "next: a retry resumes at 'last'"


def test_no_error_where_all_is_complete() -> None:
    """Nothing to raise."""
    assert attempt_error(result(None), "a retry") is None


def test_of_a_thousand_components_a_few_are_named() -> None:
    """The last ones: they are what somebody looks for."""
    text = complete_in_words([f"c{n}" for n in range(1000)], 1001)

    assert text == "complete: 1000 of 1001: 995 others, 'c995', 'c996', 'c997', 'c998', 'c999'"
    assert complete_in_words([], 3) == "complete: none of 3"
