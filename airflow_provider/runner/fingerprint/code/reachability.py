"""Follows a component's code from its class or function to all of the author's own code that it reaches."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from types import FunctionType, MethodType
from typing import Any

from airflow_provider.runner.fingerprint.code.bindings import Binding
from airflow_provider.runner.fingerprint.code.code_index import CodeIndex, parts_of_partial
from airflow_provider.runner.fingerprint.code.code_modules import CodeModule
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading, CodeReference, UnseenCode, short_hash
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeTarget,
    Definition,
    External,
    ModuleBody,
    ModulePatches,
    RuntimeValue,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.constant_values import follows_from_files, loaded_value_hash
from airflow_provider.runner.fingerprint.code.definition_reader import CodeEntry

_MOST_DEFINITIONS = 5_000

_READS_ANNOTATIONS = frozenset(
    {"arrow_udf", "get_annotations", "get_type_hints", "pandas_udf", "signature", "udf", "validate_call", "TypeAdapter"}
)
"""What decides by a function's type hints, also where it is no decorator."""


class Reachability:
    """The code that one component reaches.

    :param index: what this process knows about code
    :param stops: names of the author's modules, or of anything in them, to leave out
    """

    def __init__(self, index: CodeIndex, stops: Collection[str] = ()) -> None:
        self._index = index
        self._stops = stops
        self._found: dict[CodeTarget, list[CodeEntry]] = {}
        self._seeds: list[CodeTarget] = []
        self._too_many = False

    def begin(self, target: Any, path: str | None) -> None:
        """Start at a class or function, and at the target of its dotted path."""
        index = self._index
        if path is not None:
            module_name, _, name = path.rpartition(".")
            module = index.finder.find(module_name) if module_name in sys.modules else None
            if module is not None and module.is_own and name in module.bindings.names:
                self._seeds += [use for use, _ in index.resolver.name(module, name, ()) or ()]
        for one in _objects(target):
            named = index.finder.find(one.__module__) if isinstance(getattr(one, "__module__", None), str) else None
            if named is None:
                continue
            if not named.is_own:
                self._seeds.append(External(f"{one.__module__}.{one.__qualname__}"))
            elif not named.sources and named.file is not None:
                self._seeds.append(WholeModule(named))
            else:
                top = one.__qualname__.partition(".")[0]
                in_file = not named.cell and top in named.bindings.names
                self._seeds.append(Definition(named, top) if in_file else index.resolver.of_value(named, top, one))
            for variable, value in _closure(one):
                home = index.resolver.home_of(one) or named
                self._seeds.append(index.resolver.of_value(home, f"{one.__qualname__}.{variable}", value))
        self._follow(self._seeds)

    def by_name(self, name: str) -> None:
        """Add a definition by its name in a reading."""
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            label = ".".join(parts[:length])
            module = self._index.finder.find(label) or self._labelled(label)
            if module is not None and module.is_own and parts[length] in module.bindings.names:
                self._follow([Definition(module, parts[length])])
                return

    def reading(self) -> CodeReading:
        """Return what has been reached."""
        entries = [(target, entry) for target, found in self._found.items() for entry in found]
        functions: dict[str, str] = {}
        constants: dict[str, str] = {}
        unseen: dict[UnseenCode, None] = {}
        shared = self._shared_names()
        hints = any(r.name.rpartition(".")[2] in _READS_ANNOTATIONS for _, e in entries for r in e.definition.foreign)
        for target, entry in entries:
            digest = self._digest(entry, shared, hints)
            if entry.is_constant and isinstance(target, Definition):
                digest = f"{digest}{self._value_of(target, unseen)}"
            table = constants if entry.is_constant else functions
            table[entry.name] = short_hash(sorted((table[entry.name], digest))) if entry.name in table else digest
        definitions = [entry.definition for _, entry in entries]
        foreign = {reference: None for definition in definitions for reference in definition.foreign}
        foreign |= {CodeReference(t.name, "the component itself"): None for t in self._seeds if isinstance(t, External)}
        unseen |= {what: None for definition in definitions for what in definition.unseen}
        if self._too_many:
            unseen[UnseenCode(f"more than {_MOST_DEFINITIONS} definitions; the rest is not read", "")] = None
        modules = {target.module.label for target in self._found if not isinstance(target, External)}
        return CodeReading(
            functions,
            constants,
            dict(sorted(found for name in _names(foreign) if (found := self._index.distribution(name)))),
            tuple(sorted(modules)),
            _python() if any(entry.is_bytecode for _, entry in entries) else None,
            tuple(foreign),
            tuple({reference: None for definition in definitions for reference in definition.attributes}),
            tuple(unseen),
            tuple({use: None for definition in definitions for use in definition.state_reads}),
            tuple({use: None for definition in definitions for use in definition.state_writes}),
            tuple(sorted(self._not_found(modules, foreign))),
        )

    def _follow(self, targets: Iterable[CodeTarget]) -> None:
        waiting = list(targets)
        while waiting:
            target = waiting.pop()
            if target in self._found or isinstance(target, External):
                continue
            if len(self._found) >= _MOST_DEFINITIONS:
                self._too_many = True
                return
            if self._stops and _is_below(target, self._stops):
                continue
            entries, more = self._index.entries(target)
            self._found[target] = entries
            waiting += more
            waiting += [ModulePatches(target.module)] if isinstance(target, Definition) else []
            waiting += [further for entry in entries for further in entry.definition.targets]

    def _not_found(self, modules: Iterable[str], foreign: Iterable[CodeReference]) -> set[str]:
        finder = self._index.finder
        imported, read = ({name.partition(".")[0] for name in names} for names in (_names(foreign), modules))
        return {name for name in imported - {""} if finder.find(name) is None} | (finder.off_path & read)

    def _shared_names(self) -> set[str]:
        """Return the names that several modules define."""
        homes = defaultdict(set)
        for target in self._found:
            if isinstance(target, Definition):
                homes[target.name].add(target.module)
        return {name for name, modules in homes.items() if len(modules) > 1}

    def _digest(self, entry: CodeEntry, shared: set[str], hints: bool) -> str:
        """Return an entry's hash.

        The hash has names without modules, so it adds the module where two of them are alike. Type hints count only if
        something that reads them is used.
        """
        digest = (
            short_hash([entry.definition.digest, entry.definition.hints])
            if hints and entry.definition.hints
            else entry.definition.digest
        )
        alike = [t for t in entry.definition.targets if isinstance(t, Definition) and t.name in shared]
        if not alike:
            return digest
        return short_hash([digest, *(f"{target.module.label}.{target.name}" for target in alike)])

    def _value_of(self, target: Definition, unseen: dict[UnseenCode, None]) -> str:
        bindings = target.module.bindings.names.get(target.name, ())
        if not any(_calls(binding) for binding in bindings):
            return ""
        digest = loaded_value_hash(target.module, target.name)
        if digest is None:
            return ""
        below = Reachability(self._index)
        below._follow([target])
        definitions = [entry.definition for entries in below._found.values() for entry in entries]
        reached = {reference.name for definition in definitions for reference in definition.foreign}
        if follows_from_files(reached, (r.name for definition in definitions for r in definition.attributes)):
            return f"+{digest}"
        name = f"{target.module.label}.{target.name}"
        what = f"the value of {name}, which may differ from process to process (only its expression counts)"
        line = next((getattr(binding.node, "lineno", 0) for binding in bindings), 0)
        unseen[UnseenCode(what, f"{target.module.short_file}:{line}", hides_names=False)] = None
        return ""

    def _labelled(self, label: str) -> CodeModule | None:
        """Return a module that Airflow has loaded from a DAG file."""
        for name in list(sys.modules):
            if name.endswith(f"_{label}") and name.startswith("unusual_prefix_"):
                found = self._index.finder.find(name)
                if found is not None and found.label == label:
                    return found
        return None


def _is_below(
    target: Definition | WholeModule | ModuleBody | ModulePatches | RuntimeValue, names: Collection[str]
) -> bool:
    name = (
        f"{target.module.label}.{target.name}"
        if isinstance(target, (Definition, RuntimeValue))
        else target.module.label
    )
    parts = name.split(".")
    return any(".".join(parts[:length]) in names for length in range(1, len(parts) + 1))


def _objects(target: Any) -> Iterator[Any]:
    """Yield the classes and functions that make up a target: what it wraps, binds or is an instance of."""
    waiting, seen = [target], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, functools.partial):
            waiting += [part for part in parts_of_partial(one) if callable(part)]
        elif isinstance(one, (MethodType, staticmethod, classmethod)):
            waiting.append(one.__func__)
        elif isinstance(one, type) or inspect.isroutine(one):
            yield one
            waiting += [one.__wrapped__] if hasattr(one, "__wrapped__") else []
        else:
            waiting += [type(one), *([one.__wrapped__] if hasattr(one, "__wrapped__") else [])]


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


def _names(foreign: Iterable[CodeReference]) -> set[str]:
    return {reference.name for reference in foreign if not reference.name.startswith("builtins.")}


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
