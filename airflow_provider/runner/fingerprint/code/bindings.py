"""What the statements of a module bind its names to, read from its syntax tree.

All of them count, in both branches of an ``if`` and of a ``try``: which branch has run may differ from host to host,
and a fingerprint must not depend on whether the module has been imported yet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class ImportedName:
    """A name that an import binds.

    :param module: dotted name of the module, empty for ``from . import name``
    :param attribute: what is taken from it, None for the module itself
    :param level: number of leading dots
    """

    module: str
    attribute: str | None = None
    level: int = 0


@dataclass(frozen=True)
class Binding:
    """One statement that binds a name, or changes its value.

    :param node: the definition, or the part of the statement that decides the value
    :param imported: what is imported, if it is an import
    :param context: the conditions around the statement
    """

    node: ast.AST
    imported: ImportedName | None = None
    context: tuple[ast.expr, ...] = ()

    @property
    def is_definition(self) -> bool:
        """Whether it defines a function or class."""
        return isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


@dataclass
class ModuleBindings:
    """The names of a module.

    :param names: each to the statements that bind it, in order
    :param stars: modules from which everything is imported
    :param effects: statements that do more at import time than bind names
    :param patches: statements that set an attribute of something outside the module
    """

    names: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[ImportedName] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    patches: list[ast.stmt] = field(default_factory=list)


def bindings_of(tree: ast.Module) -> ModuleBindings:
    """Return what a module binds."""
    found = ModuleBindings()
    _visit(tree.body, (), found)
    return found


def imports_of(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, ImportedName]]:
    """Yield the names that an import binds, ``*`` for all."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, ImportedName(node.module or "", alias.name, node.level)
        elif alias.asname:
            yield alias.asname, ImportedName(alias.name)
        else:
            yield alias.name.partition(".")[0], ImportedName(alias.name.partition(".")[0])


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement or target binds, without entering functions and classes."""
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, ast.Name) and isinstance(one.ctx, (ast.Store, ast.Del)):
            yield one.id
        elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield one.name
            continue
        elif isinstance(one, (ast.Import, ast.ImportFrom)):
            yield from (name for name, _ in imports_of(one))
        elif isinstance(one, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and one.name:
            yield one.name
        elif isinstance(one, ast.MatchMapping) and one.rest:
            yield one.rest
        elif isinstance(one, ast.Lambda):
            continue
        elif isinstance(one, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from (walrus.target.id for walrus in ast.walk(one) if isinstance(walrus, ast.NamedExpr))
            continue
        stack.extend(ast.iter_child_nodes(one))


def is_type_checking(test: ast.expr) -> bool:
    """Return whether a condition is ``TYPE_CHECKING``: the code under it never runs."""
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _visit(statements: Sequence[ast.stmt], context: tuple[ast.expr, ...], found: ModuleBindings) -> None:
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            _bind(found, node.name, Binding(node, None, context))
            _registered(node, found)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, imported in imports_of(node):
                if name == "*":
                    found.stars.append(imported)
                else:
                    _bind(found, name, Binding(node, imported, context))
        elif isinstance(node, ast.If):
            if _is_main(node.test):
                continue
            inner = (*context, node.test)
            if not is_type_checking(node.test):
                _visit(node.body, inner, found)
            _visit(node.orelse, () if is_type_checking(node.test) else inner, found)
        elif isinstance(node, (ast.Try, ast.TryStar)):
            handlers = [statement for handler in node.handlers for statement in handler.body]
            _visit([*node.body, *handlers, *node.orelse, *node.finalbody], context, found)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            _assign(node, context, found)
        else:
            _other(node, context, found)


def _registered(node: FunctionNode | ast.ClassDef, found: ModuleBindings) -> None:
    """Bind a definition to whatever it registers with: ``@handlers.add`` and ``@convert.register``."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        for name in _changed(target) if isinstance(target, ast.Attribute) else ():
            known = found.names.get(name, [])
            if name != node.name and any(binding.imported is None for binding in known):
                _bind(found, name, Binding(ast.copy_location(ast.Name(node.name, ast.Load()), node)))


def _assign(node: ast.Assign | ast.AnnAssign, context: tuple[ast.expr, ...], found: ModuleBindings) -> None:
    if node.value is None:
        return
    if any(_is_patch(target, found) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])):
        found.patches.append(node)
        return
    if any(isinstance(part, ast.Call) for part in ast.walk(node.value)):
        found.effects.append(node)
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name):
            _bind(found, target.id, Binding(node.value, None, context))
        elif _pairs_up(target, node.value):
            for part, value in zip(target.elts, node.value.elts, strict=True):  # type: ignore[attr-defined]
                for name in bound_names(part):
                    _bind(found, name, Binding(value if isinstance(part, ast.Name) else node, None, context))
        else:
            for name in {*bound_names(target), *_changed(target)}:
                _bind(found, name, Binding(node, None, context))


def _other(node: ast.stmt, context: tuple[ast.expr, ...], found: ModuleBindings) -> None:
    """Record a statement that binds or changes names in another way, such as a loop."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    found.effects.append(node)
    changed: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
            targets = part.targets if isinstance(part, (ast.Assign, ast.Delete)) else [part.target]
            changed.update(name for target in targets for name in _changed(target))
        elif isinstance(part, ast.Call):
            # ``fill(TABLE)`` may change the table as ``TABLE.update()`` does.
            given = {argument.id for argument in part.args if isinstance(argument, ast.Name)}
            changed.update(given & found.names.keys())
            changed.update(_changed(part.func) if isinstance(part.func, ast.Attribute) else ())
    for name in sorted({*bound_names(node), *changed}):
        known = found.names.get(name, [])
        if name in changed and known and all(b.imported is not None and b.imported.attribute is None for b in known):
            continue  # calling a function of a module changes none of our names
        _bind(found, name, Binding(node, None, context))


def _changed(target: ast.AST) -> Iterator[str]:
    """Yield the name at the root of ``NAME.x``, ``NAME[x]``."""
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id


def _is_patch(target: ast.expr, found: ModuleBindings) -> bool:
    """Return whether ``settings.RATE = 1`` sets it in an imported module, or in what a call returns."""
    if not isinstance(target, (ast.Attribute, ast.Subscript)):
        return False
    known = [found.names.get(root, []) for root in _changed(target)]
    return all(bindings and all(binding.imported is not None for binding in bindings) for bindings in known)


def _pairs_up(target: ast.AST, value: ast.AST) -> bool:
    sequences = (ast.Tuple, ast.List)
    if not (isinstance(target, sequences) and isinstance(value, sequences) and len(target.elts) == len(value.elts)):
        return False
    return not any(isinstance(part, ast.Starred) for part in _all(target.elts, value.elts))


def _all(*groups: Iterable[ast.expr]) -> Iterator[ast.expr]:
    for group in groups:
        yield from group


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _bind(found: ModuleBindings, name: str, binding: Binding) -> None:
    found.names.setdefault(name, []).append(binding)
