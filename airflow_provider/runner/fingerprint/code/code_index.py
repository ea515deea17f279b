"""What this process knows about code: it reads each definition once, however many components reach it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from airflow_provider.runner.fingerprint.code.code_modules import CodeModule, ModuleFinder
from airflow_provider.runner.fingerprint.code.code_reading import UnseenCode
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeTarget,
    Definition,
    ModuleBody,
    ModulePatches,
    RuntimeValue,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.definition_reader import (
    CodeEntry,
    read_definition,
    read_function_object,
    read_module_body,
    read_module_patches,
    read_whole_module,
)
from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, find_distribution, time_of_change
from airflow_provider.runner.fingerprint.code.name_resolver import NameResolver
from airflow_provider.runner.fingerprint.code.runtime_values import functions_held_by
from airflow_provider.runner.fingerprint.code.syntax_walk import DefinitionDigest
from airflow_provider.runner.fingerprint.code.value_hash import NotPlainError, value_hash


class CodeIndex:
    """Everything that this process has read, valid as long as no file changes.

    :param roots: real paths of directories with the author's own code
    :param search: where to look for modules that are nowhere on ``sys.path``
    """

    def __init__(self, roots: Sequence[str], search: Sequence[str] = ()) -> None:
        self.finder = ModuleFinder(roots, search)
        self.resolver = NameResolver(self.finder)
        self._entries: dict[CodeTarget, tuple[list[CodeEntry], list[CodeTarget]]] = {}
        self._sites: dict[str, int] = {}

    def is_valid(self) -> bool:
        """Return whether nothing has changed since: no file, no installed distribution, no loaded module."""
        return self.finder.is_valid() and all(time_of_change(site) == when for site, when in self._sites.items())

    def entries(self, target: CodeTarget) -> tuple[list[CodeEntry], list[CodeTarget]]:
        """Return a target's entries in a reading, and the targets that it stands for."""
        if target not in self._entries:
            self._entries[target] = self._read(target)
        return self._entries[target]

    def distribution(self, name: str) -> tuple[str, str] | None:
        """Return name and version of the distribution that an external name comes from."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            module = self.finder.find(".".join(parts[:length]))
            if module is None or module.origin.owner is not CodeOwner.INSTALLED or module.origin.site is None:
                return None
            if module.file is None and length < len(parts):
                continue  # a namespace that several distributions share
            site = module.origin.site
            self._sites[site] = time_of_change(site)
            found = find_distribution(module.name, module.file, site)
            return (found.name, found.version) if found is not None else (parts[0], "of unknown version")
        return None

    def _read(self, target: CodeTarget) -> tuple[list[CodeEntry], list[CodeTarget]]:
        if isinstance(target, Definition):
            held = functions_held_by(target.module, target.name, self.finder)
            found = [self.resolver.of_value(target.module, target.name, one) for one in held]
            return read_definition(target, self.resolver), [one for one in found if _is_further(one, target.module)]
        if isinstance(target, ModuleBody):
            return read_module_body(target.module, self.resolver), []
        if isinstance(target, ModulePatches):
            return read_module_patches(target.module, self.resolver), []
        if isinstance(target, WholeModule):
            return read_whole_module(target.module, self.resolver)
        if isinstance(target, RuntimeValue):
            return self._live(target)
        return [], []

    def _live(self, target: RuntimeValue) -> tuple[list[CodeEntry], list[CodeTarget]]:
        name = f"{target.module.label}.{target.name}"
        value = target.value
        if isinstance(value, functools.partial):
            return [], [self.resolver.of_value(target.module, name, part) for part in parts_of_partial(value)]
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
            proxy = DefinitionDigest("", unseen=[UnseenCode(f"the value of {name}, a {type(value).__name__}", where)])
            kind = self.resolver.of_value(target.module, type(value).__name__, type(value))
            return [CodeEntry(name, proxy, is_constant=True)], [kind]
        return [CodeEntry(name, DefinitionDigest(digest), is_constant=True)], []


def _is_further(held: CodeTarget, home: CodeModule) -> bool:
    """Return whether the value of a name must be read too; a lambda of the same module is part of the name's
    expression."""
    if isinstance(held, RuntimeValue):
        return not (held.module is home and home.sources and held.name.startswith("<lambda>"))
    return isinstance(held, Definition)


def parts_of_partial(partial: functools.partial[Any]) -> list[Any]:
    """Return the function and the arguments of a partial function."""
    return [partial.func, *partial.args, *partial.keywords.values()]
