"""A pipeline that was drawn, and what goes wrong with it.

In it ``{dir}``, ``{url}``, ``{db}`` and ``{other}`` stand for a directory, a server and two databases, so that
the same pipeline can run at several places.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

PACKAGE = "tests.reliability.random_pipelines"
READY_MADE = "airflow_provider.components"

SOURCES = {"in0": "parquet", "in1": "csv", "in2": "parquet"}
"""Directories that are there from the beginning; nobody has written ``out0`` and ``out1`` yet."""

Mode = Literal["error", "late error", "once", "stop", "kill"]
"""How an attempt goes wrong at a component: it raises before it did anything; a harmless one after its work; only its
first try; the attempt is told to stop; the attempt's process is killed."""


@dataclass(frozen=True)
class Step:
    """One component.

    :param kind: function or class in ``random_steps``, a ready-made component, or a function of another module:
        ``left.add_file``
    :param config: its config
    :param acts: whether it has a side effect
    :param needs: views, functions, variables and other things that must be there
    :param leaves: what it leaves beside the views, functions and variables that its config names
    :param fields: further fields of the component, such as ``session_state``
    """

    kind: str
    config: dict[str, Any]
    acts: bool = False
    needs: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [f"{key}={value!r}" for key, value in {**self.config, **self.fields}.items()]
        return f"{self.kind}({', '.join(words)})"


@dataclass(frozen=True)
class Failure:
    """What goes wrong in one attempt.

    :param where: from 0 to 1, the place among the components that the attempt would run or replay
    :param mode: how
    :param at: the component, if it is among these
    """

    where: float
    mode: Mode
    at: str | None = None

    def victim(self, at_work: list[str]) -> str | None:
        """Return at which of these components it goes wrong; None if there are none."""
        if self.at in at_work or not at_work:
            return self.at if at_work else None
        return at_work[min(int(self.where * len(at_work)), len(at_work) - 1)]

    def __str__(self) -> str:
        return f"{self.mode} at {self.at or format(self.where, '.2f')}"


@dataclass(frozen=True)
class Story:
    """A pipeline and what goes wrong with it.

    :param seed: what it was drawn from
    :param steps: name to component, in the order of execution
    :param depends_on: name to names
    :param fields: further fields of the pipeline
    :param failures: one for each attempt but the last
    """

    seed: str
    steps: dict[str, Step]
    depends_on: dict[str, list[str]]
    fields: dict[str, Any]
    failures: tuple[Failure, ...]

    def config(self, places: dict[str, str]) -> dict[str, Any]:
        """The config of the pipeline at these places."""
        text = json.dumps([{"class_path": _path(step.kind), "config": step.config} for step in self.steps.values()])
        for name, place in places.items():
            text = text.replace(f"{{{name}}}", place)
        components = [
            {"name": name, "depends_on": self.depends_on[name], **step.fields, **written}
            for (name, step), written in zip(self.steps.items(), json.loads(text), strict=True)
        ]
        return {"name": "random", "components": components, **self.fields}

    def without(self, *names: str) -> Story:
        """The same without some components."""
        kept = {name: step for name, step in self.steps.items() if name not in names}
        edges = {name: [other for other in self.depends_on[name] if other in kept] for name in kept}
        return dataclasses.replace(self, steps=kept, depends_on=edges)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, {self.fields}"]
        lines += [f"  {name}{self.depends_on[name] or ''}: {step}" for name, step in self.steps.items()]
        lines += [f"  goes wrong: {', '.join(map(str, self.failures))}"]
        return "\n".join(lines)


def _path(kind: str) -> str:
    if kind in ("ReadData", "RunSql", "WriteData", "CheckData"):
        return f"{READY_MADE}.{kind}"
    return f"{PACKAGE}.random_{kind if '.' in kind else f'steps.{kind}'}"
