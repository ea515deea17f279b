"""Walks the syntax tree of one definition and computes its hash and everything that it refers to.

The hash covers the tree without comments, docstrings, positions and annotations that nothing evaluates. A name that
leads out of the definition counts as its target, not as it is written: another alias of a module changes nothing, while
replacing ``from math import ceil as cut`` with ``from math import floor as cut`` changes everything that uses ``cut``.
Of the author's own code the name without the module counts, so that files may move. The walk keeps a stack of its own,
so that no expression is too deep for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from airflow_provider.runner.fingerprint.code.bindings import ImportedName, imports_of
from airflow_provider.runner.fingerprint.code.code_modules import CodeModule
from airflow_provider.runner.fingerprint.code.code_reading import CodeReference, UnseenCode, short_hash
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeTarget,
    CodeUse,
    Definition,
    External,
    ModuleBody,
    Resolver,
    RuntimeValue,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.computed_names import (
    ATTRIBUTE_BY_NAME,
    BY_NAME,
    INSIDES,
    MODULE_BY_NAME,
    OF_THIS_MODULE,
    together,
)
from airflow_provider.runner.fingerprint.code.name_scopes import (
    NameScope,
    class_scope,
    comprehension_scope,
    function_scope,
)
from airflow_provider.runner.fingerprint.code.set_order import takes_order_of_set
from airflow_provider.runner.fingerprint.code.state_uses import SETS_ENVIRONMENT, StateUse, StateUses

_IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores", "type_params"})
_MODULE_NAMES = frozenset({"__name__", "__file__", "__doc__", "__package__", "__spec__", "__path__", "__class__"})

ORDER_OF_SET = External("builtins.set.__iter__")
"""Stands for code that takes the order of a set."""

_Item = str | tuple[ast.AST, "NameScope | None"]


@dataclass
class DefinitionDigest:
    """The result of walking one definition.

    :param digest: hash of its syntax tree
    :param hints: hash of the type hints, which the digest leaves out; empty without any
    :param targets: the author's own code that it refers to
    :param foreign: what else it refers to
    :param attributes: attributes of values that are unknown before it runs
    :param unseen: what the walk could not follow
    :param state_reads: what it reads of the process
    :param state_writes: what it writes there
    """

    digest: str
    targets: list[CodeTarget] = field(default_factory=list)
    foreign: list[CodeReference] = field(default_factory=list)
    attributes: list[CodeReference] = field(default_factory=list)
    unseen: list[UnseenCode] = field(default_factory=list)
    hints: str = ""
    state_reads: list[StateUse] = field(default_factory=list)
    state_writes: list[StateUse] = field(default_factory=list)


def read_syntax(
    nodes: Iterable[tuple[ast.AST, NameScope | None]], module: CodeModule, label: str, resolver: Resolver
) -> DefinitionDigest:
    """Walk syntax trees.

    :param nodes: the trees, one after the other, each with the scope around it, None for the module
    :param module: the module that they are in
    :param label: a name for the place, if no function is around it
    :param resolver: says what names refer to
    """
    walk = _SyntaxWalk(module, label, resolver)
    for node, scope in nodes:
        walk.over(node, scope)
        walk.unordered(node, scope)
    return walk.definition()


class _SyntaxWalk:
    def __init__(self, module: CodeModule, label: str, resolver: Resolver) -> None:
        self._module = module
        self._label = label
        self._resolver = resolver
        self._tokens: list[str] = []
        self._targets: dict[CodeTarget, None] = {}
        self._foreign: dict[CodeReference, None] = {}
        self._attributes: dict[CodeReference, None] = {}
        self._unseen: dict[UnseenCode, None] = {}
        self._hints: list[str] = []
        self._state = StateUses(module, resolver, self._uses)

    def definition(self) -> DefinitionDigest:
        return DefinitionDigest(
            short_hash(self._tokens),
            list(self._targets),
            list(self._foreign),
            list(self._attributes),
            list(self._unseen),
            short_hash(self._hints) if self._hints else "",
            list(self._state.reads),
            list(self._state.writes),
        )

    def over(self, node: ast.AST, scope: NameScope | None) -> None:
        stack: list[_Item] = [(node, scope)]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                self._tokens.append(item)
            else:
                stack.extend(reversed(self._items(*item)))

    def unordered(self, node: ast.AST, scope: NameScope | None) -> None:
        """Record where the code depends on the order of a set."""
        for place in takes_order_of_set(node, lambda n: isinstance(self._module.namespace.get(n), (set, frozenset))):
            self._reach(ORDER_OF_SET, place, scope)

    def _items(self, node: ast.AST, scope: NameScope | None) -> list[_Item]:
        """Return the tokens and nodes that stand for a node, in order."""
        self._state.look(node, scope)
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._reference(node, scope)
        if isinstance(node, ast.Constant):
            return [f"{type(node.value).__name__}:{node.value!r}"]
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return self._function(node, scope)
        if isinstance(node, ast.ClassDef):
            inner = class_scope(node, f"{scope.label}.{node.name}" if scope else node.name, scope)
            head: list[_Item] = ["ClassDef", node.name]
            outside = [*node.decorator_list, *node.bases, *node.keywords]
            return [*head, *self._all(outside, scope), *self._all(statements(node.body), inner)]
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return self._fields(node, comprehension_scope(node.generators, scope))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return self._import(node, scope)
        if isinstance(node, ast.AnnAssign) and not (scope is not None and scope.is_class):
            if node.value is None:
                return ["Declare", (node.target, scope)]
            return ["Assign", "[1", (node.target, scope), (node.value, scope)]
        if isinstance(node, ast.AnnAssign):
            return self._fields(_with_names(node), scope)
        if isinstance(node, ast.Assign):
            return ["Assign", *self._all(node.targets, scope), (node.value, scope)]
        if isinstance(node, ast.Set) and all(isinstance(element, ast.Constant) for element in node.elts):
            return ["Set", *sorted(f"{type(e.value).__name__}:{e.value!r}" for e in node.elts)]  # type: ignore[attr-defined]
        return self._fields(node, scope)

    def _fields(self, node: ast.AST, scope: NameScope | None) -> list[_Item]:
        items: list[_Item] = [type(node).__name__]
        for name, value in ast.iter_fields(node):
            if name in _IGNORED_FIELDS or value is None or value == []:
                continue
            items.append(f"{name}=")
            if isinstance(value, ast.AST):
                items.append((value, scope))
            elif isinstance(value, list):
                is_body = name in ("body", "orelse", "finalbody")
                items += self._all(statements(value) if is_body else value, scope)
            else:
                items.append(str(value))
        return items

    def _all(self, nodes: Sequence[ast.AST | str | None], scope: NameScope | None) -> list[_Item]:
        items: list[_Item] = [f"[{len(nodes)}"]
        items += [(node, scope) if isinstance(node, ast.AST) else str(node) for node in nodes]
        return items

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: NameScope | None
    ) -> list[_Item]:
        arguments = node.args
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        label = f"{scope.label}.{name}" if scope is not None and scope.label else name
        members = members_of(scope) if scope is not None and scope.is_class else frozenset()
        inner = function_scope(node, label, scope, members)
        items: list[_Item] = [type(node).__name__, name, *self._all(decorators, scope)]
        groups = (arguments.posonlyargs, arguments.args, [arguments.vararg], arguments.kwonlyargs, [arguments.kwarg])
        for group in groups:
            items.append("(")
            for argument in group:
                if argument is None:
                    continue
                items.append(argument.arg)
                items += self._hint(argument.annotation, decorators, scope)
        items += self._all(arguments.defaults, scope)
        items += self._all(arguments.kw_defaults, scope)
        if isinstance(node, ast.Lambda):
            return [*items, (node.body, inner)]
        items += ["->", *self._hint(node.returns, decorators, scope)]
        return [*items, *self._all(statements(node.body), inner)]

    def _hint(self, annotation: ast.expr | None, decorators: list[ast.expr], scope: NameScope | None) -> list[_Item]:
        if annotation is None:
            return []
        if decorators:  # a decorator may read it
            return [(annotation, scope)]
        self._hints.append(ast.unparse(annotation))
        return []

    def _import(self, node: ast.Import | ast.ImportFrom, scope: NameScope | None) -> list[_Item]:
        tokens: list[_Item] = ["Import"]
        for name, what in imports_of(node):
            if isinstance(node, ast.Import):
                what = next(ImportedName(a.name) for a in node.names if name in (a.asname, a.name.partition(".")[0]))
            reached = self._resolver.run_by_import(self._module, what)
            if scope is not None and scope.is_class:  # it makes attributes of the class
                reached += [target for target, _ in self._resolver.imported(self._module, what, ())]
            for target in reached:
                self._reach(target, node, scope)
                if isinstance(target, External):
                    tokens.append(target.name)
        return tokens

    def _call(self, node: ast.Call, scope: NameScope | None) -> list[_Item]:
        known = self._foreign_name(node.func, scope)
        literal = [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else None for a in node.args]
        if known == "builtins.getattr" and len(node.args) > 1 and literal[1] is not None:
            attribute = ast.copy_location(ast.Attribute(node.args[0], literal[1], ast.Load()), node)
            return ["getattr", (attribute, scope), *self._all(node.args[2:], scope)]
        if known in ATTRIBUTE_BY_NAME:
            if known == "builtins.getattr" or not literal or literal[0] is None:
                self._cannot_see(f"{known.rpartition('.')[2]} by a computed name", node, scope)
            else:
                for name in literal[0].split("."):
                    self._attribute(name, node, scope)
            self._reach(External(known), node, scope)
            return ["Call", known, *self._all([*node.args, *node.keywords], scope)]
        if known in MODULE_BY_NAME:
            self._reach(External(known), node, scope)
            if literal and literal[0] and not literal[0].startswith("."):
                for target in self._resolver.run_by_import(self._module, ImportedName(literal[0])):
                    self._reach(WholeModule(target.module) if isinstance(target, ModuleBody) else target, node, scope)
                    self._reach(target, node, scope)
            else:
                self._cannot_see("a module that is imported by a computed name", node, scope)
            return ["Call", known, *self._all([*node.args, *node.keywords], scope)]
        return self._fields(node, scope)

    def _reference(self, node: ast.Name | ast.Attribute, scope: NameScope | None) -> list[_Item]:
        root, attributes = _chain(node)
        if not isinstance(root, ast.Name):
            inherited = _is_super(root) and attributes[0] in _receiver_members(scope)
            for name in together(attributes[1:] if inherited else attributes):
                self._attribute(name, node, scope)
            return [f".{'.'.join(attributes)}", (root, scope)]
        self._state.refers(node, root, attributes, scope)
        uses = self._uses(root, attributes, scope)
        if uses is not None:
            return self._followed(uses, node, scope)
        if isinstance(root.ctx, ast.Load):
            home = scope.find(root.id) if scope is not None else None
            if home is None and root.id not in _MODULE_NAMES and root.id not in self._module.bindings.names:
                self._cannot_see(f"the name {root.id!r}, which is defined nowhere", node, scope)
            known = home is not None and home.receiver == root.id and attributes and attributes[0] in home.members
            for name in together(attributes[1:] if known else attributes):
                self._attribute(name, node, scope)
        return [f"name {root.id}", *attributes]

    def _followed(self, uses: list[CodeUse], node: ast.AST, scope: NameScope | None) -> list[_Item]:
        tokens = set()
        for target, rest in uses:
            sets = isinstance(target, External) and self._state.only_sets_environment(node)
            self._reach(External(SETS_ENVIRONMENT) if sets else target, node, scope)
            if isinstance(target, External):
                tokens.add(f"@foreign {target.name}")
                if target.name in ATTRIBUTE_BY_NAME:  # it is passed on, because calls are handled above
                    self._cannot_see(f"{target.name.rpartition('.')[2]} by a computed name", node, scope)
                elif target.name in MODULE_BY_NAME:
                    self._cannot_see("a module that is imported by a computed name", node, scope)
                for name in INSIDES.intersection(target.name.split(".")):
                    self._cannot_see(name, node, scope)
            elif isinstance(target, (Definition, RuntimeValue)):
                tokens.add(f"@own {target.name}.{'.'.join(rest)}")
                members = self._resolver.members(target) if isinstance(target, Definition) else None
                is_value = isinstance(target, RuntimeValue) or self._resolver.is_value(target)
                for position, name in enumerate(rest):
                    if is_value or (members is not None and position == 0 and name not in members):
                        self._attribute(name, node, scope)
            else:
                tokens.add("@module")
                self._cannot_see(
                    f"how the module {target.module.label} is used after it is passed on as a value", node, scope
                )
        return ["|".join(sorted(tokens))]

    def _uses(self, root: ast.Name, attributes: Sequence[str], scope: NameScope | None) -> list[CodeUse] | None:
        """Return what a name with attributes leads to; None if that is a local variable, or nothing."""
        if not isinstance(root.ctx, ast.Load):
            return None
        home = scope.find(root.id) if scope is not None else None
        if home is None:
            return None if root.id in _MODULE_NAMES else self._resolver.name(self._module, root.id, attributes)
        if root.id not in home.imports:
            return None
        return [
            use for what in home.imports[root.id] for use in self._resolver.imported(self._module, what, attributes)
        ]

    def _foreign_name(self, node: ast.AST, scope: NameScope | None) -> str:
        root, attributes = _chain(node)
        uses = self._uses(root, attributes, scope) if isinstance(root, ast.Name) else None
        return next((target.name for target, _ in uses or () if isinstance(target, External)), "")

    def _reach(self, target: CodeTarget, node: ast.AST, scope: NameScope | None) -> None:
        if isinstance(target, External):
            self._foreign.setdefault(CodeReference(target.name, self._where(node, scope)))
            if target.name in BY_NAME:
                self._cannot_see(BY_NAME[target.name], node, scope)
            if target.name in OF_THIS_MODULE:
                self._targets.setdefault(WholeModule(self._module))
        else:
            self._targets.setdefault(target)

    def _attribute(self, name: str, node: ast.AST, scope: NameScope | None) -> None:
        self._attributes.setdefault(CodeReference(name, self._where(node, scope)))
        if name in INSIDES:
            self._cannot_see(name, node, scope)

    def _cannot_see(self, what: str, node: ast.AST, scope: NameScope | None) -> None:
        self._unseen.setdefault(UnseenCode(what, self._where(node, scope)))

    def _where(self, node: ast.AST, scope: NameScope | None) -> str:
        label = (scope.label if scope is not None else "") or self._label
        return f"{self._module.short_file}:{getattr(node, 'lineno', 0)} in {label}"


def statements(body: Sequence[ast.AST]) -> list[ast.AST]:
    """Return a body without docstrings and other stand-alone texts; ``pass`` if nothing is left."""
    kept = [
        node
        for node in body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and type(node.value.value) is str)
    ]
    return kept if kept or not body else [ast.Pass()]


def _with_names(node: ast.AnnAssign) -> ast.AST:
    """Return a field of a class whose annotation is a text with what that text says."""
    if not (isinstance(node.annotation, ast.Constant) and isinstance(node.annotation.value, str)):
        return node
    try:
        annotation = ast.parse(node.annotation.value, mode="eval").body
    except (SyntaxError, ValueError):
        return node
    annotation = ast.copy_location(annotation, node)
    return ast.copy_location(ast.AnnAssign(node.target, annotation, node.value, node.simple), node)


def members_of(scope: NameScope | None) -> frozenset[str]:
    """Return the known names of a class: those of its body and of its bases."""
    return frozenset(scope.names) | scope.members if scope is not None else frozenset()


def _chain(node: ast.AST) -> tuple[ast.AST, list[str]]:
    """Split ``a.b.c`` into its root and its attributes."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, attributes[::-1]


def _is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _receiver_members(scope: NameScope | None) -> frozenset[str]:
    while scope is not None and scope.receiver is None:
        scope = scope.outer
    return scope.members if scope is not None else frozenset()
