"""Sample components, good and bad, named in tests by class path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from airflow_provider.runner import DataFlow
from airflow_provider.runner.fingerprint.code.called_functions import calls_of_others

CALLS: list[str] = []
"""Which scripted components ran, in that order. Emptied by the fixture ``script``."""

BEHAVIOUR: dict[str, Callable[[], object]] = {}
"""What a scripted component does, by name; nothing by default. Emptied by the fixture ``script``.

Not part of the config, so a component can fail in one attempt and succeed in the next under one fingerprint.
"""


def scripted(spark: Any, *, name: str, **more: Any) -> None:
    """A function component: notes that it ran and does what the test told it, which is none of its own code."""
    CALLS.append(name)
    with calls_of_others():
        BEHAVIOUR.get(name, lambda: None)()


class Append(DataFlow):
    """Appends a line to a file."""

    def __init__(self, path: str, line: str) -> None:
        self.path, self.line = Path(path), line

    def run(self) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self.line}\n")


class FailUntil(DataFlow):
    """Appends a line to a file, then fails unless another file exists."""

    def __init__(self, path: str, line: str, needs: str) -> None:
        self.path, self.line, self.needs = Path(path), line, Path(needs)

    def run(self) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self.line}\n")
        if not self.needs.exists():
            raise RuntimeError(f"{self.needs.name} is not there yet")


class NoConfig(DataFlow):
    """Takes no config."""

    def run(self) -> None:
        CALLS.append("NoConfig")


class Modelled(DataFlow):
    """Its config is a pydantic model."""

    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")

        limit: int
        label: str = "x"

    config_model = Model

    def __init__(self, config: Modelled.Model) -> None:
        self.config = config

    def run(self) -> None:
        CALLS.append(f"limit {self.config.limit!r}")


class Plain:
    """No base class, no from_config: keyword arguments, and the session as attribute ``spark``."""

    spark: Any

    def __init__(self, output_view: str, rows: int = 3) -> None:
        self.output_view, self.rows = output_view, rows

    def run(self) -> None:
        self.spark.range(self.rows).createOrReplaceTempView(self.output_view)


class Opened:
    """Has open() and close() and says when they are called."""

    def open(self) -> None:
        CALLS.append("open")

    def run(self) -> None:
        CALLS.append("run")
        BEHAVIOUR.get("Opened", lambda: None)()

    def close(self) -> None:
        CALLS.append("close")


class ShelfError(OSError):
    """An error class of the author's own, for ``retry_on_exceptions``."""


def range_view(spark: Any, *, output_view: str, rows: int) -> None:
    """A function component that uses the session."""
    spark.range(rows).createOrReplaceTempView(output_view)


# What is no component:

CONSTANT = 3


def takes_anything(spark: Any, **config: Any) -> None:
    """Stands for a component of an author's, of which nothing is known but its config."""


def reads_view_v(spark: Any) -> None:
    """Reads a view that its config does not name."""
    spark.sql("SELECT count(*) FROM v").collect()


def makes_view_v(spark: Any) -> None:
    """Makes the view anew before it reads it."""
    spark.range(1).createOrReplaceTempView("v")
    spark.table("v").count()


class NoRun:
    """A class without run()."""


class Abstract(DataFlow):
    """Does not define run()."""
