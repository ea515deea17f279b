"""The tree of exceptions: what is in it, and that each of them survives a copy."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import airflow_provider
from airflow_provider import errors
from airflow_provider.errors import ConfigProblem, InternalSignal, PySparkPipelineError, describe

MADE: dict[str, Callable[[], BaseException]] = {
    "PipelineConfigError": lambda: errors.PipelineConfigError(
        [ConfigProblem("is missing", "a", "class_path"), ConfigProblem("is empty")], "daily.yaml"
    ),
    "RefusedByPolicyError": lambda: errors.RefusedByPolicyError(
        "run-1", "daily", "Spark has changed", "go back to 4.1"
    ),
    "ConfigChangedError": lambda: errors.ConfigChangedError("run-1", "daily", "config.value of 'a'"),
    "CodeChangedError": lambda: errors.CodeChangedError("run-1", "daily", "'a': util.help"),
    "SessionStateNotSavedError": lambda: errors.SessionStateNotSavedError("daily", [("a", "it writes", "split it")]),
    "RestartRefusedError": lambda: errors.RestartRefusedError("daily", "a restart from 'a'", "b", "it read 'a'"),
    "SourceChangedError": lambda: errors.SourceChangedError("daily", ["/data: 1 file more"], "restart from 'a'"),
    "SparkLostError": lambda: errors.SparkLostError("the JVM was killed", session_is_gone=True),
    "ComponentFailedError": lambda: errors.ComponentFailedError("daily", "a", 1, 2, "no data", ["where: a.py:1"]),
    "ReplayDiffersError": lambda: errors.ReplayDiffersError("a", ["view 'v' is gone"]),
    "NothingRanError": lambda: errors.NothingRanError("a generator", "nothing loops over it"),
    "ComponentCancelledError": lambda: errors.ComponentCancelledError("b", "a", still_running=True),
    "LeftByBothError": lambda: errors.LeftByBothError("views", "v", ["a", "b"]),
    "ComponentTimeoutError": lambda: errors.ComponentTimeoutError("a", 90.0, "a.py:1", still_running=True),
    "CircuitOpenError": lambda: errors.CircuitOpenError("a", 58.0),
    "WriteRefusedError": lambda: errors.WriteRefusedError("a", "table 't'", "it holds foreign rows", "another table"),
    "CheckpointFormatError": lambda: errors.CheckpointFormatError(3, 2),
    "SourceNotListedError": lambda: errors.SourceNotListedError("more than 10 files", 10),
    "StaleAttemptError": lambda: errors.StaleAttemptError("replaced by attempt 2", "run-1", "daily"),
}
"""Those that take more than a text."""


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    """Yield a class and all that are derived from it, in the package."""
    yield root
    for kind in root.__subclasses__():
        if kind.__module__.startswith("airflow_provider"):
            yield from tree(kind)


for module in pkgutil.walk_packages(airflow_provider.__path__, "airflow_provider."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
KINDS = {kind.__name__: kind for kind in (*tree(PySparkPipelineError), errors.AttemptStopped)}


def made(name: str) -> BaseException:
    kind = KINDS[name]
    takes_a_text = kind.__init__ in (Exception.__init__, BaseException.__init__)
    assert takes_a_text is (name not in MADE), f"{name}: say in MADE how to make one"
    return MADE[name]() if name in MADE else kind(f"what {name} says")


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("name", KINDS)
def test_a_copy_of_an_exception_has_its_text_and_its_attributes(name: str, copied: Callable[[Any], Any]) -> None:
    error = made(name)
    error.__cause__ = ValueError("what was behind it")
    error.add_note("a note")
    twin = copied(error)

    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)
    assert twin.__cause__ is twin.__context__ is twin.__traceback__ is None


@pytest.mark.parametrize("name", MADE)
def test_an_exception_keeps_each_of_its_arguments_as_an_attribute(name: str) -> None:
    error = made(name)
    arguments = set(inspect.signature(KINDS[name]).parameters) - {"message"}  # the text itself
    assert arguments <= set(vars(error))


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_what_a_component_raised_stays_where_it_was_raised(copied: Callable[[Any], Any]) -> None:
    """It may hold what cannot be pickled, such as an object of the JVM."""
    error = errors.ComponentFailedError("daily", "a", 1, 2, "no data")
    error.cause = ValueError(lambda: "not to be pickled")
    twin = copied(error)
    assert (str(twin), twin.cause) == (str(error), None)
    assert error.cause is not None


def test_the_tree_in_the_docstring_has_every_exception_in_its_place() -> None:
    assert errors.__doc__ is not None
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in errors.__doc__.splitlines():
        name = line.strip(" │├└─").split(" ")[0]
        if name in KINDS:
            depth = (len(line) - len(line.lstrip(" │├└─"))) // 4
            above[depth] = name
            drawn[name] = above[depth - 1] if depth > 1 else ""
    assert drawn.pop("PySparkPipelineError") == drawn.pop("AttemptStopped") == ""
    assert drawn == {name: KINDS[name].__bases__[0].__name__ for name in drawn}
    assert {*drawn, "PySparkPipelineError", "AttemptStopped"} == set(KINDS)


def test_a_signal_inside_the_engine_is_on_a_branch_of_its_own() -> None:
    signals = {kind.__name__ for kind in tree(InternalSignal)}
    assert signals == {"InternalSignal", "ViewNotSavedError", "NotRestoredError", "SourceNotListedError"}


class Py4JJavaError(Exception):
    """Stands for py4j's, which needs a JVM to be made. Its text has this form."""


def test_the_line_that_java_said_describes_an_error_of_java() -> None:
    """The first line is no more than a number of py4j's own."""
    text = "An error occurred while calling o1037.save.\n: org.apache.spark.SparkException: Job aborted.\n\tat org.x.Y"
    assert describe(Py4JJavaError(text)) == "Py4JJavaError: org.apache.spark.SparkException: Job aborted."
    assert describe(Py4JJavaError("An error occurred while calling o1.save.")).endswith("calling o1.save.")


def test_the_first_line_with_text_describes_an_error() -> None:
    assert describe(ValueError("\n  \n first\nsecond")) == "ValueError: first"
    assert describe(ValueError()) == "ValueError"
