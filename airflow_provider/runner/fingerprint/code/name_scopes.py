"""Which names inside a function are local."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider.runner.fingerprint.code.bindings import FunctionNode, ImportedName, bound_names, imports_of


@dataclass
class NameScope:
    """A function, class, lambda or comprehension, and the names that it binds.

    :param label: for people: the qualified name of the function or class
    :param names: what it binds
    :param imports: names that an import binds, also if something else does, as after ``except ImportError``
    :param outer: the scope around it, None for the module
    :param is_class: whether functions inside do not see its names
    :param receiver: name of the first argument of a method, ``self`` or ``cls``
    :param members: what the class around the method is known to have
    """

    label: str
    names: set[str] = field(default_factory=set)
    imports: dict[str, list[ImportedName]] = field(default_factory=dict)
    outer: NameScope | None = None
    is_class: bool = False
    receiver: str | None = None
    members: frozenset[str] = frozenset()

    def find(self, name: str) -> NameScope | None:
        """Return the scope that a name belongs to, None for the module's or a builtin."""
        scope: NameScope | None = self
        first = True
        while scope is not None:
            if name in scope.names and (first or not scope.is_class):
                return scope
            scope, first = scope.outer, False
        return None


def function_scope(
    node: FunctionNode | ast.Lambda, label: str, outer: NameScope | None, members: frozenset[str] = frozenset()
) -> NameScope:
    """Return the scope of a function.

    :param label: its qualified name
    :param outer: the scope around it
    :param members: those of the class that it is a method of
    """
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    names = {argument.arg for argument in every if argument is not None}
    positional = [*arguments.posonlyargs, *arguments.args]
    receiver = positional[0].arg if positional and outer is not None and outer.is_class else None
    scope = NameScope(label, names, outer=outer, receiver=receiver, members=members)
    _fill(scope, [node.body] if isinstance(node, ast.Lambda) else node.body)
    return scope


def class_scope(node: ast.ClassDef, label: str, outer: NameScope | None) -> NameScope:
    """Return the scope of a class body."""
    scope = NameScope(label, outer=outer, is_class=True)
    _fill(scope, node.body)
    return scope


def comprehension_scope(generators: Iterable[ast.comprehension], outer: NameScope | None) -> NameScope:
    """Return the scope of a comprehension."""
    names = {name for generator in generators for name in bound_names(generator.target)}
    return NameScope(outer.label if outer else "", names, outer=outer)


def _fill(scope: NameScope, body: Iterable[ast.AST]) -> None:
    arguments = frozenset(scope.names)
    elsewhere: set[str] = set()
    bound: set[str] = set()
    imported: dict[str, list[ImportedName]] = {}
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, what in imports_of(node):
                imported.setdefault(name, []).append(what)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            bound.update(bound_names(node))
        else:
            if isinstance(node, (ast.Name, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)):
                bound.update(_bound_by(node))
            stack.extend(ast.iter_child_nodes(node))
    scope.names |= bound | set(imported)
    scope.names -= elsewhere
    scope.imports = {name: found for name, found in imported.items() if name not in arguments | elsewhere}


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, (ast.Store, ast.Del)) else []
    name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
    return [name] if name else []
