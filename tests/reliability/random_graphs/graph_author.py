"""Draws random graphs of components: what they leave has few names, so that unrelated branches use the same."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from airflow_provider.runner.config.graph import ancestors

STEP = "tests.reliability.random_graphs.graph_steps.graph_step"
KEYS = ("spark.sql.shuffle.partitions", "my.setting", "spark.sql.session.timeZone")
LEAVERS = {
    "view": ("view", "count"),
    "text view": ("view", "count"),
    "frame view": ("view", "in a thread"),
    "set": ("key", "get"),
    "use": ("database", "where"),
    "function": ("function", "call"),
    "variable": ("variable", "value"),
    "local": ("local", "get local"),
}
"""Step that leaves something, to what it leaves and to a step that reads it."""


@dataclass(frozen=True)
class Left:
    """Something that a component leaves: what, its name, and a value; None for what is another one each time.

    :param source: the view that its text names
    """

    what: str
    name: str
    value: Any = None
    source: str = ""


@dataclass(frozen=True)
class Graph:
    """A pipeline.

    :param seed: what it was drawn from
    :param depends_on: component to its dependencies
    :param steps: component to what it does
    :param left: component to what it leaves for others
    :param fails: components that fail once
    :param fields: further fields of components
    """

    seed: str
    depends_on: dict[str, list[str]]
    steps: dict[str, list[list[Any]]]
    left: dict[str, dict[tuple[str, str], Left]]
    fails: tuple[str, ...] = ()
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)

    def config(self, database: str, parallel: int) -> dict[str, Any]:
        """Return the config of the pipeline.

        :param database: takes the place of ``{db}``
        """
        return {
            "name": "graph",
            "max_parallel_components": parallel,
            "harmless_modules": ["tests.reliability.random_graphs"],
            "components": [
                {
                    "name": name,
                    "class_path": STEP,
                    "depends_on": self.depends_on[name],
                    "config": {"name": name, "steps": _at(steps, database)},
                    **self.fields.get(name, {}),
                }
                for name, steps in self.steps.items()
            ],
        }

    @property
    def conflicts(self) -> set[frozenset[str]]:
        """The pairs without an order that both leave something, and not the same."""
        above = ancestors(self.depends_on, list(self.depends_on))
        return {
            frozenset((one, other))
            for one, other in combinations(self.depends_on, 2)
            if one not in above[other]
            and other not in above[one]
            and any(
                found.value is None or found != self.left[other][key]
                for key, found in self.left[one].items()
                if key in self.left[other]
            )
        }

    def __str__(self) -> str:
        lines = [f"seed {self.seed}; fails once: {', '.join(self.fails) or 'none'}"]
        return "\n".join([*lines, *(f"  {n} {self.depends_on[n]}: {steps}" for n, steps in self.steps.items())])


def _at(steps: list[list[Any]], database: str) -> list[list[Any]]:
    return [[part.replace("{db}", database) if isinstance(part, str) else part for part in step] for step in steps]


def draw(seed: str) -> Graph:
    """Draw a graph."""
    chance = random.Random(seed)
    number = chance.randint(3, 15)
    names = [f"c{place}" for place in range(number)]
    depends_on = {
        name: sorted(chance.sample(names[:place], min(place, chance.choice((0, 1, 1, 2, 3)))))
        for place, name in enumerate(names)
    }
    above = ancestors(depends_on, names)
    conflicting = chance.random() < 0.2
    steps: dict[str, list[list[Any]]] = {}
    left: dict[str, dict[tuple[str, str], Left]] = {}
    there: dict[str, dict[tuple[str, str], Left]] = {}
    for place, name in enumerate(names):
        there[name] = {key: found for other in above[name] for key, found in left[other].items()}
        beside = [other for other in names[:place] if other not in above[name]]
        taken = {key for other in beside for key in left[other]}
        seen = {key for other in beside for key in there[other]}
        steps[name], left[name] = _component(chance, name, there[name], taken, seen, conflicting=conflicting)
    fails = tuple(name for name in names if chance.random() < 0.12)
    for name in fails:
        steps[name].append(["fail"])
    savable = [name for name in names if not any(what == "function" for what, _ in left[name])]
    fields = {name: {"session_state": "save"} for name in savable if chance.random() < 0.2}
    return Graph(seed, depends_on, steps, left, fails, fields)


def _component(
    chance: random.Random,
    name: str,
    there: dict[tuple[str, str], Left],
    taken: set[tuple[str, str]],
    seen: set[tuple[str, str]],
    *,
    conflicting: bool,
) -> tuple[list[list[Any]], dict[tuple[str, str], Left]]:
    """Draw a component.

    :param there: what its ancestors left
    :param taken: what components left that have no order to it: with one at a time, it would depend on the order of
        the plan whether it reads that, so it does not
    :param seen: what these can read
    :param conflicting: whether it may leave something of that all the same
    """
    there = {key: found for key, found in there.items() if key not in taken and ("view", found.source) not in taken}
    steps: list[list[Any]] = []
    left: dict[tuple[str, str], Left] = {}
    writes = chance.random() < 0.25  # then it never runs again, and a function would be lost
    if writes:
        steps.append(["append", f"{{db}}.by_{name}"])
    for _ in range(chance.randint(1, 5)):
        views = [key[1] for key in {**there, **left} if key[0] == "view"]
        kind = chance.choice((*LEAVERS, "scratch", "read", "read", "read", "cache"))
        if kind == "scratch":
            steps.append(["scratch", "scratch", chance.randint(1, 50)])
        elif kind == "function" and writes:
            continue
        elif kind == "cache" and views:
            steps.append(["cache", chance.choice(views)])
        elif kind == "read":
            steps += _reads(chance, {**there, **left})
        elif kind in LEAVERS:
            found = _leave(chance, kind, views)
            if found is None:
                continue
            step, what = found
            key = (what.what, what.name)
            if key in seen or (key in taken and not (conflicting and chance.random() < 0.3)):
                continue
            steps.append(step)
            left[key] = what
    steps += _reads(chance, {**there, **left})
    steps.append(["missing", "scratch"])
    return steps, left


def _reads(chance: random.Random, there: dict[tuple[str, str], Left]) -> list[list[Any]]:
    found = []
    for what, name in chance.sample(sorted(there), min(len(there), 3)):
        reader = chance.choice([read for kind, (leaves, read) in LEAVERS.items() if leaves == what])
        found.append([reader] if reader == "where" else [reader, name])
    return found


def _leave(chance: random.Random, kind: str, views: list[str]) -> tuple[list[Any], Left] | None:
    number = chance.randint(1, 20)
    view = f"{'t' if kind == 'text view' else 'v'}{chance.randint(0, 4)}"
    match kind:
        case "view":
            return ["view", view, number], Left("view", view)
        case "text view" | "frame view":
            sources = [source for source in views if source != view and source.startswith("v")]
            source = chance.choice(sources) if sources else ""
            text = source if kind == "text view" else ""
            return ([kind, view, source], Left("view", view, source=text)) if source else None
        case "set":
            key = chance.choice(KEYS)
            value = chance.choice(("UTC", "Europe/Vienna")) if key.endswith("Zone") else str(number)
            return ["set", key, value], Left("key", key, value)
        case "use":
            return ["use", "{db}"], Left("database", "", "{db}")  # to use the one that is used leaves nothing
        case "function":
            function = f"f{chance.randint(0, 2)}"
            return ["function", function, number], Left("function", function)
        case "variable":
            variable = f"x{chance.randint(0, 2)}"
            return ["variable", variable, number], Left("variable", variable, number)
        case _:
            return ["local", "my.local", str(number)], Left("local", "my.local", str(number))
