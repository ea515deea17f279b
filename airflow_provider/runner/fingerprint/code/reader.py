"""Reads a component's code: from its class or function to everything of the author's own that it reaches."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType, MethodType
from typing import Any

from airflow_provider.runner.fingerprint.code.bindings import Binding
from airflow_provider.runner.fingerprint.code.constants import follows_from_files, loaded_value_hash
from airflow_provider.runner.fingerprint.code.definitions import (
    Entry,
    read_body,
    read_definition,
    read_function_object,
    read_whole,
)
from airflow_provider.runner.fingerprint.code.modules import Module, ModuleFinder
from airflow_provider.runner.fingerprint.code.origin import Whose, find_distribution, modified
from airflow_provider.runner.fingerprint.code.reading import CodeReading, Reference, Unseen, short_hash
from airflow_provider.runner.fingerprint.code.resolve import NameResolver
from airflow_provider.runner.fingerprint.code.syntax import Piece
from airflow_provider.runner.fingerprint.code.targets import Body, Foreign, Live, Own, Target, Whole
from airflow_provider.runner.fingerprint.code.values import NotPlainError, value_hash

_MOST_DEFINITIONS = 5_000

_lock = threading.RLock()


def read_code(
    target: Any, *, roots: Sequence[str | os.PathLike[str]] = (), path: str | None = None, also: Iterable[str] = ()
) -> CodeReading:
    """Read the code of a class or function, with everything of the author's own that it reaches.

    Nothing is run and nothing imported. What was read stays in this process until one of the files changes.

    :param target: the class or function
    :param roots: directories that are the author's own, although they may lie where distributions are installed
    :param path: dotted path that the target was found by, which says more than the object if a decorator replaced it
    :param also: names as in a reading's ``functions`` that are known to have run although nothing refers to them
    """
    with _lock:
        key = tuple(os.path.realpath(root) for root in roots)
        world = _worlds.get(key)
        if world is None or not world.is_valid():
            world = _worlds[key] = _World(key)
        return world.read(target, path, tuple(sorted(set(also))))


class _World:
    """All that has been found out in this process, as long as no file changes."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.finder = ModuleFinder(roots)
        self.resolver = NameResolver(self.finder)
        self._entries: dict[Target, tuple[list[Entry], list[Target]]] = {}
        self._readings: dict[tuple[int, str | None, tuple[str, ...]], tuple[Any, CodeReading]] = {}
        self._sites: dict[str, int] = {}

    def is_valid(self) -> bool:
        return self.finder.is_valid() and all(modified(site) == when for site, when in self._sites.items())

    def read(self, target: Any, path: str | None, also: tuple[str, ...]) -> CodeReading:
        key = id(target), path, also
        if key not in self._readings:
            reach = _Reach(self)
            reach.begin(target, path)
            for name in also:
                reach.by_name(name)
            self._readings[key] = target, reach.reading()
        return self._readings[key][1]

    def entries(self, target: Target) -> tuple[list[Entry], list[Target]]:
        """Return what a target is in a reading, and what it stands for."""
        if target not in self._entries:
            self._entries[target] = self._read(target)
        return self._entries[target]

    def distribution(self, name: str) -> tuple[str, str] | None:
        """Return name and version of the distribution that a foreign name is from."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            module = self.finder.find(".".join(parts[:length]))
            if module is None or module.origin.whose is not Whose.INSTALLED or module.origin.site is None:
                return None
            if module.file is None and length < len(parts):
                continue  # a namespace that several distributions share
            site = module.origin.site
            self._sites[site] = modified(site)
            found = find_distribution(module.name, module.file, site)
            return (found.name, found.version) if found is not None else (parts[0], "of unknown version")
        return None

    def _read(self, target: Target) -> tuple[list[Entry], list[Target]]:
        if isinstance(target, Own):
            return read_definition(target, self.resolver), []
        if isinstance(target, Body):
            return read_body(target.module, self.resolver), []
        if isinstance(target, Whole):
            return read_whole(target.module, self.resolver)
        if isinstance(target, Live):
            return self._live(target)
        return [], []

    def _live(self, target: Live) -> tuple[list[Entry], list[Target]]:
        name = f"{target.module.label}.{target.name}"
        value = target.value
        if isinstance(value, functools.partial):
            return [], [self.resolver.of_value(target.module, name, part) for part in _parts_of(value)]
        if isinstance(value, FunctionType):
            return [read_function_object(target.module, name, value, self.resolver)], []
        if isinstance(value, type):
            functions = [(n, getattr(m, "__func__", m)) for n, m in vars(value).items()]
            return [
                read_function_object(target.module, f"{name}.{n}", function, self.resolver)
                for n, function in functions
                if isinstance(function, FunctionType)
            ], []
        try:
            digest = value_hash(value)
        except NotPlainError:
            where = f"{target.module.short_file} in {target.name}"
            proxy = Piece("", unseen=[Unseen(f"the value of {name}, a {type(value).__name__}", where)])
            kind = self.resolver.of_value(target.module, type(value).__name__, type(value))
            return [Entry(name, proxy, is_constant=True)], [kind]
        return [Entry(name, Piece(digest), is_constant=True)], []


class _Reach:
    """What one component reaches."""

    def __init__(self, world: _World) -> None:
        self._world = world
        self._found: dict[Target, list[Entry]] = {}
        self._seeds: list[Target] = []
        self._too_many = False

    def begin(self, target: Any, path: str | None) -> None:
        world = self._world
        if path is not None:
            module_name, _, name = path.rpartition(".")
            module = world.finder.find(module_name) if module_name in sys.modules else None
            if module is not None and module.is_own and name in module.bindings.names:
                self._seeds += [use for use, _ in world.resolver.name(module, name, ()) or ()]
        for one in _objects(target):
            named = world.finder.find(one.__module__) if isinstance(getattr(one, "__module__", None), str) else None
            if named is None:
                continue
            if not named.is_own:
                self._seeds.append(Foreign(f"{one.__module__}.{one.__qualname__}"))
            elif not named.sources and named.file is not None:
                self._seeds.append(Whole(named))
            else:
                top = one.__qualname__.partition(".")[0]
                in_file = not named.cell and top in named.bindings.names
                self._seeds.append(Own(named, top) if in_file else world.resolver.of_value(named, top, one))
            for variable, value in _closure(one):
                home = world.resolver.home_of(one) or named
                self._seeds.append(world.resolver.of_value(home, f"{one.__qualname__}.{variable}", value))
        self._follow(self._seeds)

    def by_name(self, name: str) -> None:
        """Add what a reading calls by a name."""
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            label = ".".join(parts[:length])
            module = self._world.finder.find(label) or self._labelled(label)
            if module is not None and module.is_own and parts[length] in module.bindings.names:
                self._follow([Own(module, parts[length])])
                return

    def reading(self) -> CodeReading:
        entries = [(target, entry) for target, found in self._found.items() for entry in found]
        functions: dict[str, str] = {}
        constants: dict[str, str] = {}
        unseen: dict[Unseen, None] = {}
        shared = self._shared_names()
        for target, entry in entries:
            digest = self._digest(entry, shared)
            if entry.is_constant and isinstance(target, Own):
                digest = f"{digest}{self._value_of(target, unseen)}"
            table = constants if entry.is_constant else functions
            table[entry.name] = short_hash(sorted((table[entry.name], digest))) if entry.name in table else digest
        pieces = [entry.piece for _, entry in entries]
        foreign = {reference: None for piece in pieces for reference in piece.foreign}
        foreign |= {Reference(t.name, "the component itself"): None for t in self._seeds if isinstance(t, Foreign)}
        unseen |= {what: None for piece in pieces for what in piece.unseen}
        if self._too_many:
            unseen[Unseen(f"more than {_MOST_DEFINITIONS} definitions; the others are not looked at", "")] = None
        modules = {target.module.label for target in self._found if not isinstance(target, Foreign)}
        return CodeReading(
            functions,
            constants,
            dict(sorted(found for name in _names(foreign) if (found := self._world.distribution(name)))),
            tuple(sorted(modules)),
            _python() if any(entry.is_bytecode for _, entry in entries) else None,
            tuple(foreign),
            tuple({reference: None for piece in pieces for reference in piece.attributes}),
            tuple(unseen),
        )

    def _follow(self, targets: Iterable[Target]) -> None:
        waiting = list(targets)
        while waiting:
            target = waiting.pop()
            if target in self._found or isinstance(target, Foreign):
                continue
            if len(self._found) >= _MOST_DEFINITIONS:
                self._too_many = True
                return
            entries, more = self._world.entries(target)
            self._found[target] = entries
            waiting += more
            waiting += [further for entry in entries for further in entry.piece.targets]

    def _shared_names(self) -> set[str]:
        """Return the names that definitions of several modules have."""
        homes = defaultdict(set)
        for target in self._found:
            if isinstance(target, Own):
                homes[target.name].add(target.module)
        return {name for name, modules in homes.items() if len(modules) > 1}

    def _digest(self, entry: Entry, shared: set[str]) -> str:
        """Return an entry's hash. Names stand there without modules, so where that leaves two alike they are added."""
        alike = [t for t in entry.piece.targets if isinstance(t, Own) and t.name in shared]
        if not alike:
            return entry.piece.digest
        return short_hash([entry.piece.digest, *(f"{target.module.label}.{target.name}" for target in alike)])

    def _value_of(self, target: Own, unseen: dict[Unseen, None]) -> str:
        bindings = target.module.bindings.names.get(target.name, ())
        if not any(_calls(binding) for binding in bindings):
            return ""
        digest = loaded_value_hash(target.module, target.name)
        if digest is None:
            return ""
        below = _Reach(self._world)
        below._follow([target])
        pieces = [entry.piece for entries in below._found.values() for entry in entries]
        reached = {reference.name for piece in pieces for reference in piece.foreign}
        if follows_from_files(reached, (r.name for piece in pieces for r in piece.attributes)):
            return f"+{digest}"
        name = f"{target.module.label}.{target.name}"
        what = f"the value of {name}, which may differ from process to process (only its expression counts)"
        line = next((getattr(binding.node, "lineno", 0) for binding in bindings), 0)
        unseen[Unseen(what, f"{target.module.short_file}:{line}")] = None
        return ""

    def _labelled(self, label: str) -> Module | None:
        """Return a module that Airflow has loaded from a DAG file."""
        for name in list(sys.modules):
            if name.endswith(f"_{label}") and name.startswith("unusual_prefix_"):
                found = self._world.finder.find(name)
                if found is not None and found.label == label:
                    return found
        return None


_worlds: dict[tuple[str, ...], _World] = {}


def _objects(target: Any) -> Iterator[Any]:
    """Yield the classes and functions that a target is made of: what it wraps, binds or is an instance of."""
    waiting, seen = [target], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, functools.partial):
            waiting += [part for part in _parts_of(one) if callable(part)]
        elif isinstance(one, (MethodType, staticmethod, classmethod)):
            waiting.append(one.__func__)
        elif isinstance(one, type) or inspect.isroutine(one):
            yield one
            waiting += [one.__wrapped__] if hasattr(one, "__wrapped__") else []
        else:
            waiting += [type(one), *([one.__wrapped__] if hasattr(one, "__wrapped__") else [])]


def _parts_of(partial: functools.partial[Any]) -> list[Any]:
    return [partial.func, *partial.args, *partial.keywords.values()]


def _closure(function: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(function, FunctionType):
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue  # not bound yet


def _calls(binding: Binding) -> bool:
    return any(isinstance(part, (ast.Call, ast.Subscript)) for part in ast.walk(binding.node))


def _names(foreign: Iterable[Reference]) -> set[str]:
    return {reference.name for reference in foreign if not reference.name.startswith("builtins.")}


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
