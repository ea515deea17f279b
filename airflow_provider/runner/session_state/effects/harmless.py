"""Judges what a component's code can reach: is all of it known to have no side effects, and to give the same result?

Why names are enough: an object that the code works with came from something that it reaches by name, from its arguments
(plain data and the Spark session), or it was made before, and is held by a global, a closure, a default or a class. If
all names are known to be harmless, so is what they make; what is held is judged by its type.

What Python announces (:mod:`.driver`) need not be known by name: files that were opened and what became of them were
seen in the run, and a component that reads the same comes out the same, so it does the same when it is run again.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from airflow_provider.runner.session_state.effects.known_modules import (
    ACTING_ATTRIBUTES,
    ANNOUNCED,
    HARMLESS,
    HELD,
    HELD_HARMLESS,
    HELD_VARYING,
    NOT_KNOWN,
    ONLY_SETS,
    SAME,
    SPARK_ACTS,
    TO_EXECUTORS,
    UNSEEN_ON_EXECUTORS,
    VARYING,
    VARYING_ATTRIBUTES,
    KnownNames,
)
from airflow_provider.runner.session_state.effects.module_state import HELD_BY, held_values

UNSEEN = "cannot be seen where Python runs on executors"
_LOGS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
_NAMES = 4_096
"""How many judged names are remembered: the components of a pipeline reach much the same."""

_HOST = ("airflow.", "airflow_provider.", "opentelemetry.", "_pytest.")
"""Packages whose handlers are the log of the process."""


class ReachedName(Protocol):
    """Something in the code.

    :param name: its dotted name; of a value that is held: ``requests.sessions.Session (value of orders.CLIENT)``
    :param where: file and line
    """

    @property
    def name(self) -> str: ...
    @property
    def where(self) -> str: ...


class UnreadableCode(Protocol):
    """Something that cannot be followed.

    :param what: in words
    :param where: file and line
    """

    @property
    def what(self) -> str: ...
    @property
    def where(self) -> str: ...


class ReadableCode(Protocol):
    """What was read of a component's code.

    :param functions: dotted names of its functions, methods and classes
    :param constants: dotted names of its constants
    :param foreign: what it reaches outside the author's own code
    :param attributes: names of attributes of values that are not known
    :param unseen: what cannot be followed
    """

    @property
    def functions(self) -> Mapping[str, str]: ...
    @property
    def constants(self) -> Mapping[str, str]: ...
    @property
    def foreign(self) -> Iterable[ReachedName]: ...
    @property
    def attributes(self) -> Iterable[ReachedName]: ...
    @property
    def unseen(self) -> Iterable[UnreadableCode]: ...


@dataclass(frozen=True)
class HarmlessVerdict:
    """What follows from a reading.

    :param missing: why it is not known to be harmless; empty if it is
    :param varying: why it may come out differently when it is run again; empty if nothing says so
    """

    missing: tuple[str, ...]
    varying: tuple[str, ...]


def judge_code(reading: ReadableCode, extra_harmless: Collection[str] = ()) -> HarmlessVerdict:
    """Judge what was read of a component.

    :param reading: of its code
    :param extra_harmless: names that the author vouches for: modules, or anything in them
    """
    missing: dict[str, str] = {}
    varying: dict[str, str] = {}
    executors = _reaches_executors(reading)
    vouched = tuple(extra_harmless)
    for item in (*reading.foreign, *held_values([*reading.constants, *reading.functions])):
        why = _side_effect(item.name, vouched)
        if why is None and executors and _is_only_announced(item.name, vouched):
            why = UNSEEN
        if why is not None:
            missing.setdefault(item.name, f"reaches {item.name!r}{why and f', which {why}'} ({item.where})")
        what = _varies(_plain(item.name)) if HELD_BY not in item.name else _found(HELD_VARYING, _plain(item.name))
        if what is not None:
            varying.setdefault(item.name, f"{what}: {item.name} ({item.where})")
    for item in reading.attributes:
        if item.name in ACTING_ATTRIBUTES:
            why = ACTING_ATTRIBUTES[item.name]
            missing.setdefault(f".{item.name}", f"uses '.{item.name}', which {why} ({item.where})")
        if executors and item.name in UNSEEN_ON_EXECUTORS:
            missing.setdefault(f".{item.name}", f"uses '.{item.name}', which {UNSEEN} ({item.where})")
        if item.name in VARYING_ATTRIBUTES:
            what = VARYING_ATTRIBUTES[item.name]
            varying.setdefault(f".{item.name}", f"{what}: .{item.name} ({item.where})")
    for unseen in reading.unseen:
        missing.setdefault(f"{unseen.what} {unseen.where}", f"{unseen.what} ({unseen.where})")
    if _logs(reading):
        for handler in loggers_to_elsewhere():
            missing.setdefault(handler, handler)
    return HarmlessVerdict(tuple(missing.values()), tuple(varying.values()))


def _reaches_executors(reading: ReadableCode) -> bool:
    """Whether some of the code may run on executors. Which part of it does is not known."""
    spark = (part for item in reading.foreign if item.name.startswith("pyspark.") for part in item.name.split("."))
    attributes = (item.name for item in reading.attributes)
    return any(name in TO_EXECUTORS for name in (*spark, *attributes))


def _is_only_announced(name: str, extra: Collection[str]) -> bool:
    """Whether something is harmless only because Python announces what it does."""
    plain = _plain(name)
    if HELD_BY in name or _prefix(name, extra) or _prefix(plain, extra) or _prefix(plain, HELD_HARMLESS):
        return False
    if plain.startswith("pandas.") and any(part in UNSEEN_ON_EXECUTORS for part in plain.split(".")):
        return True
    return _prefix(plain, _table(HARMLESS)) in ANNOUNCED.names and not plain.startswith("pathlib.Pure")


@lru_cache(maxsize=_NAMES)
def _varies(name: str) -> str | None:
    """Return what a value comes from that another run would not get, None if nothing is known to."""
    if _prefix(name, ONLY_SETS):
        return None
    beyond = _beyond(name, _prefix(name, _table(HARMLESS)))
    by_attribute = (VARYING_ATTRIBUTES[part] for part in beyond if part in VARYING_ATTRIBUTES)
    return _found(VARYING, name) or next(by_attribute, None)


@lru_cache(maxsize=_NAMES)
def _side_effect(name: str, extra: tuple[str, ...]) -> str | None:
    """Return what a name may do, empty if that is unknown; None if it is known to be harmless."""
    plain = _plain(name)
    original = name.partition(HELD_BY)[0]
    if _prefix(original, extra) or _prefix(plain, extra):
        return None
    if HELD_BY in name:
        if _prefix(original, HELD_HARMLESS):
            return None
        held = _found(HELD, plain) or (original.rpartition(".")[2].endswith("Handler") and "a handler") or None
        if held is not None:
            return f"is {held}"
    if plain.startswith("pyspark."):
        for part in plain.split("."):
            if part in SPARK_ACTS:
                return SPARK_ACTS[part]
    harmless = _prefix(plain, _table(HARMLESS))
    against = _prefix(plain, _table(NOT_KNOWN))
    if len(against) >= max(len(harmless), 1):
        return _table(NOT_KNOWN)[against]
    acting = next((part for part in _beyond(plain, harmless) if part in ACTING_ATTRIBUTES), None)
    if acting is not None:
        return ACTING_ATTRIBUTES[acting]
    return None if harmless else ""


def _plain(name: str) -> str:
    """Return the public name of something that goes by several."""
    name = name.partition(HELD_BY)[0]
    alias = _prefix(name, SAME)
    return f"{SAME[alias]}{name[len(alias) :]}" if alias else name


def _prefix(name: str, names: Collection[str]) -> str:
    """Return the longest of some names that stands for this one, empty if none does."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


def _beyond(name: str, prefix: str) -> list[str]:
    """Return the parts of a name that follow one that is known."""
    return name[len(prefix) + 1 :].split(".") if prefix else []


def _found(groups: tuple[KnownNames, ...], name: str) -> str | None:
    table = _table(groups)
    return table.get(_prefix(name, table))


@lru_cache(maxsize=8)
def _table(groups: tuple[KnownNames, ...]) -> Mapping[str, str]:
    return MappingProxyType({name: group.why for group in groups for name in group.names})


def _logs(reading: ReadableCode) -> bool:
    return any(_plain(item.name).startswith("logging") for item in reading.foreign) or any(
        item.name in _LOGS for item in reading.attributes
    )


def loggers_to_elsewhere() -> tuple[str, ...]:
    """Return which loggers write to more than the log of this process.

    What the root logger writes to is that log, whatever it is; and so is what Airflow sets up. A handler of any
    other logger is not: its files and connections were opened earlier, so nothing is announced when it writes.
    """
    found = []
    for name, logger in tuple(logging.Logger.manager.loggerDict.items()):
        for handler in getattr(logger, "handlers", ()):
            stream = getattr(handler, "stream", None)
            plain = isinstance(handler, logging.StreamHandler) and type(handler).emit is logging.StreamHandler.emit
            to_console = plain and stream in (
                sys.stdout,
                sys.stderr,
                sys.__stdout__,
                sys.__stderr__,
            )
            of_host = f"{type(handler).__module__}.".startswith(_HOST) or name.split(".")[0] in ("airflow", "py4j")
            if not (to_console or of_host or isinstance(handler, logging.NullHandler)):
                found.append(f"the logger {name!r} writes to a {type(handler).__name__}")
    return tuple(found)
