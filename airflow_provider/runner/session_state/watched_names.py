"""Which names of the process are looked at before and after each component: those that the code of any of them uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.session_state.effects.state_values import NamedValues

WATCHED = "watched names"
"""Under this name the memory of a session has them."""


@dataclass(frozen=True)
class WatchedNames:
    """What is looked at.

    :param own: names of the author's modules and classes
    :param written: those of them that code is known to write
    :param foreign: attributes of libraries that code sets
    """

    own: NamedValues
    written: frozenset[str]
    foreign: NamedValues


def names_to_watch(readings: Iterable[CodeReading | None]) -> WatchedNames:
    """Return what is looked at for components with this code."""
    known = [reading for reading in readings if reading is not None]
    written = {use.name for reading in known for use in reading.state_writes if use.area == "module"}
    set_elsewhere = {name for reading in known for name in _set_in_libraries(reading)}
    reached = {name for reading in known for name in reading.constants}
    return WatchedNames(NamedValues(written | reached), frozenset(written), NamedValues(set_elsewhere))


def _set_in_libraries(reading: CodeReading) -> set[str]:
    """Return what code sets in libraries; in any class that it mentions, if it hands the class to a helper."""
    names = {use.name for use in reading.state_writes if use.area == "library"}
    of_any_class = {name for name in names if "." not in name}
    return names - of_any_class | {f"{used.name}.{name}" for used in reading.foreign for name in of_any_class}
