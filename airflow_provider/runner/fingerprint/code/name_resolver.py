"""Follows a name of a module to its target, through imports, aliases of modules and ``from x import *``."""

from __future__ import annotations

import ast
import builtins
import enum
from collections.abc import Iterator, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from airflow_provider.runner.fingerprint.code.bindings import ImportedName
from airflow_provider.runner.fingerprint.code.code_modules import CodeModule, ModuleFinder
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeTarget,
    CodeUse,
    Definition,
    External,
    ModuleBody,
    RuntimeValue,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.name_scopes import class_scope

_MOST_STEPS = 200


class NameResolver:
    """Says what names refer to. See :class:`~airflow_provider.runner.fingerprint.code.code_targets.Resolver`."""

    def __init__(self, finder: ModuleFinder) -> None:
        self._finder = finder
        self._members: dict[Definition, frozenset[str] | None] = {}

    def name(self, module: CodeModule, name: str, attributes: Sequence[str]) -> list[CodeUse] | None:
        found = list(self._of_module(module, name, attributes, set()))
        if found:
            return found
        if hasattr(builtins, name):
            return [(External(".".join(["builtins", name, *attributes])), ())]
        return None

    def imported(self, module: CodeModule, what: ImportedName, attributes: Sequence[str]) -> list[CodeUse]:
        return list(self._import(module, what, attributes, set()))

    def run_by_import(self, module: CodeModule, what: ImportedName) -> list[CodeTarget]:
        name = _absolute(module, what)
        found = self._finder.find(name)
        if found is None or not found.is_own:
            return [External(f"{name}.{what.attribute}" if what.attribute else name)]
        parts = name.split(".")
        packages = [self._finder.find(".".join(parts[:length])) for length in range(1, len(parts) + 1)]
        run: list[CodeTarget] = [ModuleBody(package) for package in packages if package is not None and package.is_own]
        inner = self._finder.find(f"{name}.{what.attribute}") if self._is_submodule(found, what.attribute) else None
        return [*run, ModuleBody(inner)] if inner is not None else run

    def members(self, target: Definition) -> frozenset[str] | None:
        if target not in self._members:
            self._members[target] = None  # for a circle
            self._members[target] = self._members_of(target)
        return self._members[target]

    def is_value(self, target: Definition) -> bool:
        bindings = target.module.bindings.names.get(target.name, ())
        return any(not binding.is_definition and binding.imported is None for binding in bindings)

    def of_value(self, module: CodeModule, name: str, value: Any) -> CodeTarget:
        """Return the target for a value that the running process has under a name."""
        if isinstance(value, ModuleType):
            found = self._finder.find(value.__name__)
            return WholeModule(found) if found is not None and found.is_own else External(value.__name__)
        if isinstance(value, MethodType):
            value = value.__func__
        if isinstance(value, BuiltinFunctionType):
            return External(f"{value.__module__ or 'builtins'}.{value.__qualname__}")
        if isinstance(value, (FunctionType, type)):
            home = self.home_of(value)
            if home is not None and not home.is_own:
                return External(f"{value.__module__}.{value.__qualname__}")
            top = value.__qualname__.partition(".")[0]
            if home is not None and top in home.bindings.names:
                return Definition(home, top)
            return RuntimeValue(home or module, value.__qualname__.replace("<locals>.", ""), value)
        if isinstance(value, enum.Enum):
            return self.of_value(module, name, type(value))
        return RuntimeValue(module, name, value)

    def home_of(self, value: Any) -> CodeModule | None:
        """Return the module that defines a function or class; in a notebook, the cell."""
        loaded = self._finder.find(value.__module__) if isinstance(value.__module__, str) else None
        functions = [value] if isinstance(value, FunctionType) else _functions_of(value)
        for function in functions:
            file = function.__code__.co_filename
            if loaded is not None and (loaded.file == file or not loaded.is_own):
                return loaded
            by_file = self._finder.of_file(file)
            if by_file is not None:
                return by_file
            if loaded is not None and loaded.loaded is not None:
                return self._finder.cell(file, loaded.loaded) or loaded
        return loaded

    def _of_module(
        self, module: CodeModule, name: str, rest: Sequence[str], seen: set[tuple[str, str]]
    ) -> Iterator[CodeUse]:
        if (module.name, name) in seen or len(seen) > _MOST_STEPS:
            return
        seen.add((module.name, name))
        bindings = module.bindings.names.get(name, ())
        if module.cell and name in module.namespace and not _is_here(module, name):
            yield from self._live(module, name, rest)
            return
        for binding in bindings:
            if binding.imported is not None:
                yield from self._import(module, binding.imported, rest, seen)
        if any(binding.imported is None for binding in bindings):
            yield Definition(module, name), rest
        if bindings:
            return
        for star in module.bindings.stars:
            found = list(self._attribute_of(_absolute(module, star), name, rest, seen, star=True))
            yield from found
            if found:
                return
        if name in module.namespace and name not in _OF_EVERY_MODULE:
            yield from self._live(module, name, rest)

    def _live(self, module: CodeModule, name: str, rest: Sequence[str]) -> Iterator[CodeUse]:
        target = self.of_value(module, name, module.namespace[name])
        if isinstance(target, WholeModule):
            yield from self._module(target.module.name, rest, set())
        elif isinstance(target, External):
            yield External(".".join([target.name, *rest])), ()
        else:
            yield target, rest

    def _import(
        self, module: CodeModule, what: ImportedName, rest: Sequence[str], seen: set[tuple[str, str]]
    ) -> Iterator[CodeUse]:
        name = _absolute(module, what)
        if what.attribute is None:
            yield from self._module(name, rest, seen)
        else:
            yield from self._attribute_of(name, what.attribute, rest, seen)

    def _module(self, name: str, rest: Sequence[str], seen: set[tuple[str, str]]) -> Iterator[CodeUse]:
        found = self._finder.find(name)
        if found is None or not found.is_own:
            yield External(".".join([name, *rest])), ()
        elif rest:
            yield from self._attribute_of(name, rest[0], rest[1:], seen)
        else:
            yield WholeModule(found), ()

    def _attribute_of(
        self, module: str, name: str, rest: Sequence[str], seen: set[tuple[str, str]], *, star: bool = False
    ) -> Iterator[CodeUse]:
        found = self._finder.find(module)
        if found is None or not found.is_own:
            loaded = found.namespace if found is not None else {}
            if not star or name in loaded:
                yield External(".".join([module, name, *rest])), ()
            return
        if not found.sources and found.file is not None:
            if not star:
                yield WholeModule(found), ()  # without source anything in it may be meant
            return
        uses = list(self._of_module(found, name, rest, seen))
        if not uses and self._is_submodule(found, name):
            uses = list(self._module(f"{module}.{name}", rest, seen))
        if not uses and not star and "__getattr__" in found.bindings.names:
            uses = [(Definition(found, "__getattr__"), ())]
        yield from uses

    def _is_submodule(self, package: CodeModule, name: str | None) -> bool:
        return bool(name) and package.search is not None and self._finder.find(f"{package.name}.{name}") is not None

    def _members_of(self, target: Definition) -> frozenset[str] | None:
        classes = [
            binding.node
            for binding in target.module.bindings.names.get(target.name, ())
            if isinstance(binding.node, ast.ClassDef)
        ]
        if not classes:
            return None
        names: set[str] = set()
        for node in classes:
            scope = class_scope(node, node.name, None)
            names |= scope.names | set(_set_on_self(node))
            for base in node.bases:
                for use in self._base(target.module, base):
                    names |= (self.members(use) or frozenset()) if isinstance(use, Definition) else frozenset()
        return frozenset(names)

    def _base(self, module: CodeModule, base: ast.expr) -> list[CodeTarget]:
        attributes: list[str] = []
        node: ast.AST = base.value if isinstance(base, ast.Subscript) else base
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        uses = self.name(module, node.id, attributes) if isinstance(node, ast.Name) else None
        return [target for target, rest in uses or () if not rest]


_OF_EVERY_MODULE = frozenset(
    {"__builtins__", "__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__"}
)


def _absolute(module: CodeModule, what: ImportedName) -> str:
    if not what.level:
        return what.module
    parts = module.package.split(".")
    parts = parts[: len(parts) - what.level + 1]
    return ".".join([*parts, what.module] if what.module else parts)


def _functions_of(cls: type) -> list[FunctionType]:
    plain = [getattr(member, "__func__", getattr(member, "fget", member)) for member in vars(cls).values()]
    return [function for function in plain if isinstance(function, FunctionType)]


def _is_here(module: CodeModule, name: str) -> bool:
    """Return whether this cell of a notebook defined the current value of a name."""
    if name not in module.bindings.names:
        return False
    value = module.namespace[name]
    functions = [value] if isinstance(value, FunctionType) else _functions_of(value) if isinstance(value, type) else []
    file = module.sources[0].file
    return not functions or any(function.__code__.co_filename == file for function in functions)


def _set_on_self(node: ast.ClassDef) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and isinstance(part.value, ast.Name):
            yield part.attr
