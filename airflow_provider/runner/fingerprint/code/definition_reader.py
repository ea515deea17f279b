"""Reads one definition: a function, a class with its methods, a constant, or a replacement for missing source."""

from __future__ import annotations

import ast
import importlib.machinery
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from airflow_provider.runner.fingerprint.code.bindings import Binding, ImportedName
from airflow_provider.runner.fingerprint.code.code_modules import CodeModule, SourceText, read_bytes_or_nothing
from airflow_provider.runner.fingerprint.code.code_reading import CodeReference, UnseenCode, short_hash
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeTarget,
    Definition,
    External,
    ModuleBody,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.function_bytecode import (
    bytecode_hash,
    computed_names,
    global_names,
    same_code,
)
from airflow_provider.runner.fingerprint.code.name_resolver import NameResolver
from airflow_provider.runner.fingerprint.code.name_scopes import NameScope, class_scope
from airflow_provider.runner.fingerprint.code.syntax_walk import DefinitionDigest, read_syntax, statements

_SOURCE_LOADERS = (importlib.machinery.SourceFileLoader,)


@dataclass(frozen=True)
class CodeEntry:
    """One line of a reading.

    :param name: its name there
    :param definition: its digest
    :param is_constant: whether it is a constant
    :param is_bytecode: whether its source is missing
    """

    name: str
    definition: DefinitionDigest
    is_constant: bool = False
    is_bytecode: bool = False


def read_definition(own: Definition, resolver: NameResolver) -> list[CodeEntry]:
    """Read what a top-level name of a module is bound to.

    If the source changed on disk after the import, it is not what runs. So each function is compared with the code that
    this Python compiles from its source; if they differ, the bytecode counts.
    """
    module, name = own.module, own.name
    functions = list(_live_functions(module, name))
    source = next((source for source in module.sources if _matches(functions, source, module)), None)
    if source is None:
        return [_of_code(module, f"{module.label}.{f.__qualname__}", f.__code__, resolver) for f in functions]
    bindings = [binding for binding in source.bindings.names.get(name, ()) if binding.imported is None]
    label = f"{module.label}.{name}"
    classes = [binding.node for binding in bindings if isinstance(binding.node, ast.ClassDef)]
    if classes:
        return list(_class_entries(own, classes, bindings, resolver))
    nodes = [(node, None) for binding in bindings for node in (*binding.context, binding.node)]
    definition = read_syntax(nodes, module, name, resolver)
    return [CodeEntry(label, definition, is_constant=not any(binding.is_definition for binding in bindings))]


def read_module_body(module: CodeModule, resolver: NameResolver) -> list[CodeEntry]:
    """Read what a module does at import time beside defining its names."""
    if not module.sources:
        return read_whole_module(module, resolver)[0]
    effects = [(node, None) for node in module.bindings.effects]
    if not effects:
        return []
    return [CodeEntry(f"{module.label}.<import>", read_syntax(effects, module, "<import>", resolver))]


def read_module_patches(module: CodeModule, resolver: NameResolver) -> list[CodeEntry]:
    """Read what a module sets in other modules at import time."""
    patches = [(node, None) for node in module.bindings.patches]
    return (
        [CodeEntry(f"{module.label}.<patches>", read_syntax(patches, module, "<patches>", resolver))] if patches else []
    )


def read_whole_module(module: CodeModule, resolver: NameResolver) -> tuple[list[CodeEntry], list[CodeTarget]]:
    """Read a module of which anything may be used.

    :return: a replacement entry if the source is missing, and the targets in the module otherwise
    """
    if module.sources or module.file is None:
        own = [n for n, bindings in module.bindings.names.items() if any(b.imported is None for b in bindings)]
        return [], [Definition(module, name) for name in own]
    code = _code_of(module)
    if code is not None:
        entry = _of_code(module, f"{module.label}.<module>", code, resolver)
        entry.definition.unseen.append(UnseenCode("a module without source, by its bytecode only", module.short_file))
        return [entry], []
    what = "a C extension" if module.file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)) else "no source"
    content = read_bytes_or_nothing(module.file)
    definition = DefinitionDigest(
        short_hash([content.hex()]), unseen=[UnseenCode(f"{what}: {module.label}", module.short_file)]
    )
    return [CodeEntry(f"{module.label}.<module>", definition)], []


def read_function_object(module: CodeModule, name: str, function: FunctionType, resolver: NameResolver) -> CodeEntry:
    """Read a function whose source is missing."""
    entry = _of_code(module, name, function.__code__, resolver)
    entry.definition.unseen.append(UnseenCode("a function without source, by its bytecode only", name))
    return entry


def _class_entries(
    own: Definition, classes: Sequence[ast.ClassDef], bindings: Sequence[Binding], resolver: NameResolver
) -> Iterator[CodeEntry]:
    module, name = own.module, own.name
    members = resolver.members(own) or frozenset()
    shell: list[tuple[ast.AST, NameScope | None]] = []
    methods: dict[str, list[tuple[ast.AST, NameScope | None]]] = {}
    for binding in bindings:
        shell += [(node, None) for node in binding.context]
        if binding.node not in classes:
            shell.append((binding.node, None))
    for node in classes:
        scope = class_scope(node, name, None)
        scope.members = members
        shell += [(part, None) for part in (*node.decorator_list, *node.bases, *node.keywords)]
        for part in statements(node.body):
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                methods.setdefault(part.name, []).append((part, scope))
            elif not isinstance(part, ast.Pass):
                shell.append((part, scope))
    yield CodeEntry(f"{module.label}.{name}", read_syntax(shell, module, name, resolver))
    for method, nodes in methods.items():
        yield CodeEntry(f"{module.label}.{name}.{method}", read_syntax(nodes, module, f"{name}.{method}", resolver))


def _live_functions(module: CodeModule, name: str) -> Iterator[FunctionType]:
    """Yield the functions that the loaded module has under a name, as far as they come from its own file."""
    value = module.namespace.get(name)
    members = list(vars(value).values()) if isinstance(value, type) else [value]
    file = module.sources[0].file if module.sources else module.file
    for member in members:
        for one in _unwrapped(member):
            if isinstance(one, FunctionType) and one.__code__.co_filename == file:
                yield one


def _unwrapped(member: Any) -> Iterator[Any]:
    plain = getattr(member, "__func__", None) or (member.fget if isinstance(member, property) else member)
    try:
        yield inspect.unwrap(plain) if callable(plain) else plain
    except ValueError:
        yield plain  # it wraps itself


def _matches(functions: Sequence[FunctionType], source: SourceText, module: CodeModule) -> bool:
    return all(_matches_one(function.__code__, source, module) for function in functions)


def _matches_one(code: CodeType, source: SourceText, module: CodeModule) -> bool:
    if source.compiled is None:
        return True
    compiled = source.compiled.get(code.co_qualname, ())
    if any(same_code(code, other) for other in compiled):
        return True
    loader = getattr(module.loaded, "__loader__", None)
    if module.cell or type(loader) in _SOURCE_LOADERS:
        return False
    # An import hook such as pytest's rewrites what it loads, so only place and name can be compared.
    return any(code.co_firstlineno == other.co_firstlineno for other in compiled)


def _code_of(module: CodeModule) -> CodeType | None:
    if module.file is None or not module.file.endswith(".pyc"):
        return None
    try:
        return importlib.machinery.SourcelessFileLoader(module.name, module.file).get_code(module.name)
    except (ImportError, OSError, EOFError):
        return None


def _of_code(module: CodeModule, name: str, code: CodeType, resolver: NameResolver) -> CodeEntry:
    where = f"{module.short_file} in {name}"
    definition = DefinitionDigest(bytecode_hash(code))
    for root, attributes in global_names(code):
        uses = resolver.name(module, root, attributes) or resolver.imported(module, ImportedName(root), attributes)
        for target, _ in uses:
            if isinstance(target, External):
                definition.foreign.append(CodeReference(target.name, where))
            elif not isinstance(target, (WholeModule, ModuleBody)) or target.module is not module:
                definition.targets.append(target)
    definition.attributes.extend(CodeReference(attribute, where) for attribute in dict.fromkeys(computed_names(code)))
    return CodeEntry(name, definition, is_bytecode=True)
