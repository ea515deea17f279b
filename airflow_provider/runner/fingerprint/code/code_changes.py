"""How a component's code differs from what was recorded when it completed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from airflow_provider.runner.fingerprint.code.code_reading import CodeReading, name_in_module


class RecordedCode(Protocol):
    """What is kept of a reading. See :class:`~airflow_provider.runner.fingerprint.code.code_reading.CodeReading`."""

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


def compare_code(before: RecordedCode, today: CodeReading | RecordedCode) -> list[str]:
    """List what differs, for a sentence that begins ``code changed:``. Empty if nothing counts as changed.

    What has only moved to another module is no change.

    :param before: what was recorded
    :param today: what the code is now
    """
    found = []
    if before.python != today.python:
        versions = [f"Python {version}" if version else "source" for version in (before.python, today.python)]
        found.append(f"{' -> '.join(versions)} (without source its bytecode counts)")
    found += _differences(before.functions, today.functions, before.modules, today.modules, "{}")
    found += _differences(before.constants, today.constants, before.modules, today.modules, "the constant {}")
    for name in sorted({*before.distributions, *today.distributions}):
        was, now = before.distributions.get(name), today.distributions.get(name)
        if was is None:
            found.append(f"new: {name} {now}")
        elif now is None:
            found.append(f"gone: {name} {was}")
        elif was != now:
            found.append(f"{name} {was} -> {now}")
    return found


def _differences(
    before: Mapping[str, str],
    today: Mapping[str, str],
    modules_before: Sequence[str],
    modules_today: Sequence[str],
    form: str,
) -> Iterator[str]:
    gone = {name: before[name] for name in before if name not in today}
    new = {name: today[name] for name in today if name not in before}
    moved = defaultdict(list)
    for name in gone:
        moved[name_in_module(name, modules_before)].append(name)
    for name, value in today.items():
        if name in before and not _same(before[name], value):
            yield form.format(name)
    for name, value in list(new.items()):
        candidates = moved.get(name_in_module(name, modules_today), [])
        same = next((other for other in candidates if _same(gone[other], value)), None)
        other = same or next(iter(candidates), None)
        if other is None:
            yield f"new: {form.format(name)}"
            continue
        candidates.remove(other)
        del gone[other]
        if same is None:
            yield f"{form.format(name)}, which was {other}"
    for name in gone:
        yield f"gone: {form.format(name)}"


def _same(one: str, other: str) -> bool:
    """Compare two hashes; that of a value only if both have one, as a module that is not loaded yet has no values."""
    (made, _, value), (other_made, _, other_value) = one.partition("+"), other.partition("+")
    return made == other_made and (not value or not other_value or value == other_value)
