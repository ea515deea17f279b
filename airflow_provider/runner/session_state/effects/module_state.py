"""The values that code holds since before the component ran: in globals, classes, defaults and closures.

With an open file, a connection or a pool that is there already it can act without anything being announced. So their
types count, as the names of what it reaches do.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from airflow_provider.runner.fingerprint.code.value_hash import NotPlainError, value_hash
from airflow_provider.runner.session_state.effects.call_stack import layer_of

HELD_BY = " (value of "

_MOST = 2_000
_PLAIN = (type(None), bool, int, float, complex, str, bytes, ModuleType, type(...))


@dataclass(frozen=True)
class HeldValue:
    """A value that the code holds.

    :param name: its type and its holder: ``requests.sessions.Session (value of orders.CLIENT)``
    :param where: the holder
    """

    name: str
    where: str


def held_values(names: Iterable[str]) -> tuple[HeldValue, ...]:
    """Return the values, other than plain data and the author's own objects, that definitions of this process hold.

    :param names: ``module.NAME``, ``module.function``, ``module.Class`` or ``module.Class.method``. What is not loaded
        holds nothing
    """
    found: dict[str, HeldValue] = {}
    seen: dict[int, Any] = {}
    dag_files = _dag_files()
    for name in names:
        for value in _values(name, dag_files):
            for kind in _kinds(value, seen):
                found.setdefault(f"{kind} {name}", HeldValue(f"{kind}{HELD_BY}{name})", name))
    return tuple(found.values())


def module_values(constants: Iterable[str]) -> dict[str, str]:
    """Return hashes of the values, as they are now, that modules of this process hold as plain data.

    A component that changes one of them, such as a list that it appends to, would find another one when it runs again.

    :param constants: ``module.NAME``. What is not loaded, or no plain data, is left out
    """
    found = {}
    for name in constants:
        module = sys.modules.get(name.rpartition(".")[0])
        try:
            found[name] = value_hash(vars(module)[name.rpartition(".")[2]])
        except (KeyError, NotPlainError, TypeError):
            continue
    return found


def _values(name: str, dag_files: Mapping[str, ModuleType]) -> Iterator[Any]:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:length]), dag_files)
        if module is None:
            continue
        value: Any = module
        for part in parts[length:]:
            value = vars(value).get(part) if hasattr(value, "__dict__") else None
        yield from _of_definition(value)
        return


def _dag_files() -> dict[str, ModuleType]:
    """Return the modules that Airflow has loaded from DAG files, under names of its own."""
    names = _names_of_dag_files(len(sys.modules))
    return {name: module for name in names if (module := sys.modules.get(name)) is not None}


@functools.lru_cache(maxsize=1)  # a process has thousands of modules, and seldom one more
def _names_of_dag_files(loaded: int) -> tuple[str, ...]:
    return tuple(name for name in list(sys.modules) if name.startswith("unusual_prefix_"))


def _module(label: str, dag_files: Mapping[str, ModuleType]) -> ModuleType | None:
    module = sys.modules.get(label)
    if module is not None:
        return module
    return next((loaded for name, loaded in dag_files.items() if name.endswith(f"_{label}")), None)


def _of_definition(value: Any) -> Iterator[Any]:
    if isinstance(value, (staticmethod, classmethod, MethodType)):
        value = value.__func__
    if isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _of_definition(part)
    elif isinstance(value, FunctionType):
        yield from value.__defaults__ or ()
        yield from (value.__kwdefaults__ or {}).values()
        yield from vars(value).values()
        for cell in value.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:
                continue  # not bound yet
    elif isinstance(value, type):
        for member in vars(value).values():
            if isinstance(member, (FunctionType, staticmethod, classmethod, property)):
                yield from _of_definition(member)
            else:
                yield member
    else:
        yield value


def _kinds(value: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Yield the types of what a value is or has in it, apart from plain data and the author's own."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _PLAIN):
            continue
        if len(seen) >= _MOST:
            yield "builtins.object"
            return
        seen[id(one)] = one
        if isinstance(one, (FunctionType, MethodType, type, staticmethod, classmethod, property)):
            if is_authors_own(one):
                waiting += _of_definition(one)
        elif isinstance(one, (list, tuple, set, frozenset, deque)):
            waiting += one
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, functools.partial):
            waiting += [one.func, *one.args, *one.keywords.values()]
        else:
            kind = next(base for base in type(one).__mro__ if not is_authors_own(base))
            if kind is not object:
                yield f"{kind.__module__}.{kind.__qualname__}"
            if kind is not type(one) or kind is SimpleNamespace:
                waiting += getattr(one, "__dict__", {}).values()
                waiting += [getattr(one, slot, None) for base in type(one).__mro__ for slot in _slots(base)]


def _slots(base: type) -> Iterable[str]:
    slots = vars(base).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def is_authors_own(thing: Any) -> bool:
    """Whether a class or function is the author's own."""
    module = sys.modules.get(str(getattr(thing, "__module__", "") or ""))
    file = getattr(module, "__file__", None)
    return module is not None and (module.__name__ == "__main__" or (file is not None and layer_of(file) == "author"))
