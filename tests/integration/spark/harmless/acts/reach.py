"""Components whose code has to be followed to see what they do.

What they write goes through Arrow or a connection that is open already: no audit event tells of it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.fs
import requests

from airflow_provider.runner import DataFlow
from tests.integration.spark.harmless.acts.far import one, three
from tests.integration.spark.harmless.acts.far.three import append_silently, checked, journaled

SESSION = requests.Session()
"""A client made when the module is imported. The test connects it before the first attempt."""

FILES = pyarrow.fs.LocalFileSystem()


def post_with_a_global_client(spark: Any, *, url: str) -> None:
    SESSION.post(url, data=b"order 1", timeout=10).raise_for_status()
    spark.range(5).createOrReplaceTempView("v")


def write_with_a_global_client(spark: Any, *, path: str) -> None:
    with FILES.open_append_stream(path) as stream:
        stream.write(b"line\n")
    spark.range(5).createOrReplaceTempView("v")


def write_with_a_default_argument(spark: Any, *, path: str, files: Any = FILES) -> None:
    with files.open_append_stream(path) as stream:
        stream.write(b"line\n")
    spark.range(5).createOrReplaceTempView("v")


def post_with_a_default_argument(spark: Any, *, url: str, client: Any = SESSION) -> None:
    client.post(url, data=b"order 1", timeout=10).raise_for_status()
    spark.range(5).createOrReplaceTempView("v")


def getattr_by_a_computed_name(spark: Any, *, path: str) -> None:
    getattr(three, "append_" + "silently")(path)
    spark.range(5).createOrReplaceTempView("v")


def import_by_a_variable(spark: Any, *, path: str, module: str) -> None:
    importlib.import_module(module).append_silently(path)
    spark.range(5).createOrReplaceTempView("v")


def call_what_the_config_names(spark: Any, *, path: str, function: str) -> None:
    module, _, name = function.rpartition(".")
    getattr(importlib.import_module(module), name)(path)
    spark.range(5).createOrReplaceTempView("v")


def execute_text(spark: Any, *, path: str) -> None:
    exec("append_silently(path)", globals(), {"path": path})
    spark.range(5).createOrReplaceTempView("v")


def look_up_in_globals(spark: Any, *, path: str) -> None:
    globals()["append_silently"](path)
    spark.range(5).createOrReplaceTempView("v")


def three_modules_away(spark: Any, *, path: str) -> None:
    one.book(path)
    spark.range(5).createOrReplaceTempView("v")


def three_modules_away_and_harmless(spark: Any) -> None:
    spark.range(one.double(5)).createOrReplaceTempView("v")


class Booking(DataFlow):
    """Does what its subclasses have in common, and more."""

    def __init__(self, path: str) -> None:
        self.path = path

    def run(self) -> None:
        self.leave()
        append_silently(self.path)

    def leave(self) -> None:
        raise NotImplementedError


class InABaseClass(Booking):
    def leave(self) -> None:
        self.spark.range(5).createOrReplaceTempView("v")


class Pure(DataFlow):
    """Does nothing but leave a view."""

    rows = 5

    def run(self) -> None:
        self.spark.range(self.rows).createOrReplaceTempView("v")


class InAHarmlessBaseClass(Pure):
    rows = 3


class WhenItIsBuilt(Pure):
    def __init__(self, path: str) -> None:
        append_silently(path)


class WhenItIsClosed(Pure):
    def __init__(self, path: str) -> None:
        self.path = path

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        append_silently(self.path)


class InAProperty(DataFlow):
    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def rows(self) -> int:
        append_silently(self.path)
        return 5

    def run(self) -> None:
        self.spark.range(self.rows).createOrReplaceTempView("v")


class InAnAttribute(DataFlow):
    """The client is an attribute that its constructor sets."""

    def __init__(self, path: str) -> None:
        self.path, self.files = path, pyarrow.fs.LocalFileSystem()

    def run(self) -> None:
        with self.files.open_append_stream(self.path) as stream:
            stream.write(b"line\n")
        self.spark.range(5).createOrReplaceTempView("v")


@journaled
def in_a_decorator(spark: Any, *, path: str) -> None:
    spark.range(5).createOrReplaceTempView("v")


@checked
def in_a_harmless_decorator(spark: Any) -> None:
    spark.range(5).createOrReplaceTempView("v")


def in_a_lambda(spark: Any, *, path: str) -> None:
    act = lambda line: append_silently(path, line)  # noqa: E731 - what is tested
    act("line")
    spark.range(5).createOrReplaceTempView("v")


ACTS: dict[str, Callable[[str], None]] = {"book": lambda path: append_silently(path), "skip": lambda path: None}


def in_a_table_of_lambdas(spark: Any, *, path: str) -> None:
    ACTS["book"](path)
    spark.range(5).createOrReplaceTempView("v")


def in_a_partial(spark: Any, *, path: str) -> None:
    functools.partial(append_silently, line="line")(path)
    spark.range(5).createOrReplaceTempView("v")


def by_a_method_caller(spark: Any, *, url: str) -> None:
    operator.methodcaller("post", url, data=b"order 1", timeout=10)(SESSION)
    spark.range(5).createOrReplaceTempView("v")


@contextlib.contextmanager
def booked(path: str) -> Iterator[None]:
    yield
    append_silently(path)


def in_a_context_manager(spark: Any, *, path: str) -> None:
    with booked(path):
        spark.range(5).createOrReplaceTempView("v")


def component_that(act: Callable[[str], None]) -> Callable[..., None]:
    """Return a component that closes over what it calls."""

    def component(spark: Any, *, path: str) -> None:
        act(path)
        spark.range(5).createOrReplaceTempView("v")

    return component


in_a_closure = component_that(append_silently)


def at_exit(spark: Any, *, path: str) -> None:
    """It acts when the process ends, which nothing sees while it runs."""
    atexit.register(append_silently, path)
    spark.range(5).createOrReplaceTempView("v")
