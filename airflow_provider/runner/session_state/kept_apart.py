"""Components that must not run side by side, because of what their code does to Python's process, which all share.

The environment, the working directory and the like reach all code, libraries too, so a component that changes them runs
alone. State of modules reaches only the code that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.state_uses import ANY, StateUse
from airflow_provider.runner.session_state.kinds.process_state_kind import uses_any
from airflow_provider.runner.session_state.process_needs import Readings

_CHANGES_ALL = (
    *("os.chdir", "os.fchdir", "os.putenv", "os.umask", "os.unsetenv", "sys.path"),
    *("locale.setlocale", "sys.setrecursionlimit", "time.tzset"),
)


def kept_apart(readings: Readings) -> frozenset[frozenset[str]]:
    """Return the pairs of components that never run side by side, as far as their code tells.

    :param readings: component to its code, None if it cannot be read
    """
    alone = {name for name, reading in readings.items() if why_alone(reading) is not None}
    return frozenset(
        frozenset(pair)
        for pair in combinations(readings, 2)
        if not alone.isdisjoint(pair) or _meet(readings[pair[0]], readings[pair[1]])
    )


def why_alone(reading: CodeReading | None) -> str | None:
    """Return what of the process a component's code changes that reaches all code, None if nothing.

    :param reading: its code, None if it cannot be read
    """
    if reading is None:
        return None
    if any(use.area == "environment" for use in reading.state_writes):
        return "os.environ"
    return next((name for name in _CHANGES_ALL if uses_any(reading, (name,))), None)


def may_have_changed(reading: CodeReading | None, name: str) -> bool:
    """Return whether a component's code writes some state of a module.

    :param name: such as ``jobs.CACHE``
    """
    return reading is not None and any(_same(use.name, name) for use in reading.state_writes)


def own_changes(
    changed: Mapping[str, bool], component: str, beside: Collection[str], readings: Readings
) -> dict[str, bool]:
    """Return what of some state of modules a component changed, and not those that ran beside it.

    :param changed: names of what is another one since it began
    :param beside: the components that ran at some time while it did
    :param readings: component to its code, None if it cannot be read
    """
    own = readings.get(component)
    return {
        name: is_new
        for name, is_new in changed.items()
        if may_have_changed(own, name) or not any(may_have_changed(readings.get(other), name) for other in beside)
    }


def _meet(one: CodeReading | None, other: CodeReading | None) -> bool:
    if one is None or other is None:
        return False
    return any(
        _same(write.name, use.name)
        for writer, reader in ((one, other), (other, one))
        for write in writer.state_writes
        for use in (*reader.state_writes, *reader.state_reads)
        if _areas_meet(write, use)
    )


def _areas_meet(write: StateUse, use: StateUse) -> bool:
    return write.area == use.area and use.area in ("module", "library")


def _same(one: str, other: str) -> bool:
    """Whether two names may be the same: an unknown part may be any, and a class that is not known any class."""
    if ANY in (one, other):
        return True
    for pattern, name in ((one, other), (other, one)):
        if pattern.endswith(f".{ANY}") and name.startswith(pattern.removesuffix(ANY)):
            return True
        if "." not in pattern and name.rpartition(".")[2] == pattern:
            return True
    return one == other
