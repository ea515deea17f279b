"""Values of names in this process, compared without running anything of the author's: what is held, not what it says.

Plain data and collections compare by what is in them; a DataFrame, a broadcast or a client compares by identity, and is
not kept alive for that.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from airflow_provider.masking import looks_secret
from airflow_provider.runner.fingerprint.code.code_modules import module_label
from airflow_provider.runner.fingerprint.code.state_uses import ANY
from airflow_provider.runner.fingerprint.code.value_hash import NotPlainError, value_hash
from airflow_provider.runner.session_state.effects.module_state import is_authors_own

_MOST = 10_000
_DEEPEST = 6
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_FIXED = (type, FunctionType, BuiltinFunctionType, ModuleType)

ABSENT = "absent"
"""Stands for the look of a name that does not exist."""


class HeldObject:
    """An object that compares by identity. It is not kept alive, if Python can tell that it has died."""

    __slots__ = ("_held",)

    def __init__(self, value: Any) -> None:
        try:
            self._held: Any = weakref.ref(value)  # the same one for as long as the object lives
        except TypeError:
            self._held = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeldObject) and self._held is other._held

    def __hash__(self) -> int:
        return id(self._held)


class NamedValues:
    """Looks at the values of dotted names: ``jobs.CACHE``, ``jobs.Load.rate``, ``pandas.DataFrame.*``.

    :param names: the names, as code that was read has them
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = sorted(name for name in names if not name.endswith(f".{ANY}"))
        self._owners = sorted(name.removesuffix(f".{ANY}") for name in names if name.endswith(f".{ANY}"))
        self._members: dict[str, tuple[list[int], list[Any], dict[str, Any]]] = {}
        self._modules: dict[str, str] = {}
        self._loaded = -1

    def looks(self) -> dict[str, Any]:
        """Return what compares equal as long as a value is as it was, by name."""
        self._find_modules()
        values = ((name, _value(name, self._modules)) for name in self._names)
        found = {name: look_at(value) for name, value in values if value is not ABSENT}
        for owner in self._owners:
            found |= self._looks_at_class(owner)
        return found

    def _looks_at_class(self, name: str) -> dict[str, Any]:
        """Return the looks of all attributes of a class, which mostly are those that they were the last time."""
        owner = _value(name, self._modules)
        if not isinstance(owner, type):
            return {}
        members = list(vars(owner).values())
        ids = list(map(id, members))
        if name not in self._members or self._members[name][0] != ids:
            names = {key: value for key, value in list(vars(owner).items()) if not key.startswith("__")}
            looks = {f"{name}.{key}": HeldObject(value) for key, value in names.items()}
            self._members[name] = ids, members, looks  # an id is no other object's for as long as its own one lives
        return self._members[name][2]

    def _find_modules(self) -> None:
        if len(sys.modules) == self._loaded:
            return
        self._loaded = len(sys.modules)
        self._modules = _modules_by_label()


def named_value(name: str) -> Any:
    """Return the value of a dotted name, :data:`ABSENT` if it has none."""
    return _value(name, _modules_by_label())


def look_at(value: Any) -> Any:
    """Return what compares equal as long as a value is as it was. Nothing of the value's own code runs."""
    return _look(value, [_MOST], 0)


def digest_of(name: str, value: Any) -> str:
    """Return a short hash that does not reveal a value; empty if it is no plain data, or may be a secret."""
    try:
        if looks_secret(name, value if type(value) is str else None, {}):
            return ""
        return value_hash(value)
    except NotPlainError:
        return f"keys {_keys(value)}" if issubclass(type(value), dict) else ""


def _keys(value: Any) -> str:
    names = list(dict.keys(value))
    return value_hash(sorted(names)) if all(type(name) is str for name in names) else ""


def _modules_by_label() -> dict[str, str]:
    """Return the loaded modules by their labels: Airflow loads DAG files under names of its own."""
    return {module_label(name): name for name in list(sys.modules)}


def _value(name: str, modules: Mapping[str, str]) -> Any:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(modules.get(".".join(parts[:length]), ""))
        if module is None:
            continue
        value: Any = module
        for part in parts[length:]:
            value = _namespace(value).get(part, ABSENT)
            if value is ABSENT:
                return ABSENT
        return value
    return ABSENT


def _namespace(value: Any) -> Mapping[str, Any]:
    if isinstance(value, (type, ModuleType)):
        return vars(value)
    found = getattr(value, "__dict__", None) if is_authors_own(type(value)) or type(value) is FunctionType else None
    return found if type(found) is dict else {}


def _look(value: Any, left: list[int], depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return kind.__name__, value
    if issubclass(kind, _FIXED) or depth > _DEEPEST or left[0] <= 0:
        return HeldObject(value)
    if issubclass(kind, dict):
        keys, values = list(dict.keys(value)), list(dict.values(value))
        return kind.__name__, _looks(keys, left, depth), _looks(values, left, depth)
    if issubclass(kind, (list, tuple, deque)):
        return kind.__name__, _looks(list(value), left, depth)
    if issubclass(kind, (set, frozenset)):
        return kind.__name__, frozenset(_look(item, left, depth + 1) for item in _first(list(value), left)), len(value)
    if is_authors_own(kind):
        return HeldObject(value), _look(getattr(value, "__dict__", {}), left, depth + 1)
    return HeldObject(value)


def _looks(items: list[Any], left: list[int], depth: int) -> Any:
    types = tuple(map(type, items))
    if _PLAIN.issuperset(types):
        return tuple(items), types  # the usual case, at the speed of C
    return tuple(_look(item, left, depth + 1) for item in _first(items, left)), len(items)


def _first(items: list[Any], left: list[int]) -> Iterator[Any]:
    for item in items:
        left[0] -= 1
        if left[0] < 0:
            return
        yield item
