"""How a component's code differs from the recorded code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from airflow_provider.runner.fingerprint.code.code_reading import CodeReading, name_in_module


class RecordedCode(Protocol):
    """What a record keeps of a :class:`~airflow_provider.runner.fingerprint.code.code_reading.CodeReading`."""

    @property
    def functions(self) -> Mapping[str, str]:
        """Functions and classes to their hashes."""

    @property
    def constants(self) -> Mapping[str, str]:
        """Constants to their hashes."""

    @property
    def distributions(self) -> Mapping[str, str]:
        """Distributions to their versions."""

    @property
    def modules(self) -> Sequence[str]:
        """The author's modules."""

    @property
    def python(self) -> str | None:
        """The version of Python, if it counts."""


CodeKind = Literal["function", "constant", "distribution", "python"]


@dataclass(frozen=True)
class CodeChange:
    """One difference between the code that a component ran with and today's.

    :param kind: what differs; a class or a method counts as a function
    :param name: its name today, or the recorded one if it is gone
    :param change: ``renamed`` also means that it differs; what has only moved is no change
    :param before: for a renamed one its earlier name, for a distribution or Python the recorded version
    :param after: for a distribution or Python today's version
    """

    kind: CodeKind
    name: str
    change: Literal["changed", "added", "removed", "renamed"] = "changed"
    before: str | None = None
    after: str | None = None


def compare_code(before: RecordedCode, today: CodeReading | RecordedCode) -> list[CodeChange]:
    """List what differs; empty if nothing counts as changed.

    What has only moved to another module is no change.

    :param before: what was recorded
    :param today: what the code is now
    """
    found = []
    if before.python != today.python:
        found.append(CodeChange("python", "Python", before=before.python, after=today.python))
    found += _differences("function", before.functions, today.functions, before.modules, today.modules)
    found += _differences("constant", before.constants, today.constants, before.modules, today.modules)
    for name in sorted({*before.distributions, *today.distributions}):
        was, now = before.distributions.get(name), today.distributions.get(name)
        if was != now:
            change: Literal["added", "removed", "changed"]
            change = "added" if was is None else "removed" if now is None else "changed"
            found.append(CodeChange("distribution", name, change, was, now))
    return found


def _differences(
    kind: CodeKind,
    before: Mapping[str, str],
    today: Mapping[str, str],
    modules_before: Sequence[str],
    modules_today: Sequence[str],
) -> Iterator[CodeChange]:
    gone = {name: before[name] for name in before if name not in today}
    new = {name: today[name] for name in today if name not in before}
    moved = defaultdict(list)
    for name in gone:
        moved[name_in_module(name, modules_before)].append(name)
    for name, value in today.items():
        if name in before and not _same(before[name], value):
            yield CodeChange(kind, name)
    for name, value in list(new.items()):
        candidates = moved.get(name_in_module(name, modules_today), [])
        same = next((other for other in candidates if _same(gone[other], value)), None)
        other = same or next(iter(candidates), None)
        if other is None:
            yield CodeChange(kind, name, "added")
            continue
        candidates.remove(other)
        del gone[other]
        if same is None:
            yield CodeChange(kind, name, "renamed", before=other)
    for name in gone:
        yield CodeChange(kind, name, "removed")


def _same(one: str, other: str) -> bool:
    """Compare two hashes; the part about a value only if both have one: a module that is not loaded has no values."""
    (made, _, value), (other_made, _, other_value) = one.partition("+"), other.partition("+")
    return made == other_made and (not value or not other_value or value == other_value)
