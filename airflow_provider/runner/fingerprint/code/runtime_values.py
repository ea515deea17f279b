"""Functions and classes in the value of a module's name: a registry, handlers, registered implementations.

No expression says which function ``HANDLERS[kind]`` is if a decorator has put it there. So this looks at the value, as
it was when this process first looked, which is before a component runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from airflow_provider.runner.fingerprint.code.code_modules import CodeModule, ModuleFinder

_MOST_ITEMS = 2_000
_MOST_LEVELS = 4

_first_seen: WeakKeyDictionary[ModuleType, dict[str, list[Any]]] = WeakKeyDictionary()


def functions_held_by(module: CodeModule, name: str, finder: ModuleFinder) -> list[Any]:
    """Return the functions and classes in the value of a module's name.

    :param module: the module; one that is not loaded has no values
    :param finder: says whose code a class is
    """
    if module.loaded is None or name not in module.namespace:
        return []
    seen = _first_seen.setdefault(module.loaded, {})
    if name not in seen or module.cell:  # a later cell may have bound the name again
        seen[name] = list(_in(module.namespace[name], finder))
    return seen[name]


def _in(root: Any, finder: ModuleFinder) -> Iterator[Any]:
    count = 0
    visited = {id(root)}
    waiting = [(item, 1) for item in _items(root, finder, 0)]
    while waiting and count < _MOST_ITEMS:
        value, level = waiting.pop()
        count += 1
        if id(value) in visited or level > _MOST_LEVELS:
            continue
        visited.add(id(value))
        if isinstance(value, MethodType):
            value = value.__func__
        if isinstance(value, (FunctionType, type)):
            yield value
        else:
            waiting += [(item, level + 1) for item in _items(value, finder, level)]


def _items(value: Any, finder: ModuleFinder, level: int) -> list[Any]:
    """Return what is in a collection, or in an object of a class of the author's own."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, (FunctionType, type)):
        # The class's own members are read with it; this is about objects added to it afterwards.
        held = [item for item in vars(value).values() if isinstance(item, (Mapping, list, set, tuple))]
        return held if level == 0 else []
    home = finder.find(type(value).__module__) if isinstance(type(value).__module__, str) else None
    return list(getattr(value, "__dict__", {}).values()) if home is not None and home.is_own else []
