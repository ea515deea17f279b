"""What code uses of its process: the environment, names of the author's modules, attributes of library classes.

A component may leave such state for a later one. What code writes says what must be compared before and after it; what
it reads says whose state it needs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider.runner.fingerprint.code.code_modules import CodeModule
from airflow_provider.runner.fingerprint.code.code_targets import (
    CodeUse,
    Definition,
    External,
    Resolver,
    RuntimeValue,
    WholeModule,
)
from airflow_provider.runner.fingerprint.code.name_scopes import NameScope

StateArea = Literal["environment", "module", "library", "text"]

ANY = "*"
"""Stands for a name that is computed when the code runs."""

SETS_ENVIRONMENT = "os.environ.__setitem__"
"""Stands for code that sets or unsets environment variables and asks for none."""

_ENVIRONMENT = frozenset({"os.environ", "os.environb"})
_ASKS_FOR_ONE = frozenset({"os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault"})
_MUTATORS = frozenset(
    {
        *("add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert"),
        *("intersection_update", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort", "update"),
    }
)
_SAME_AGAIN = frozenset({"add", "clear", "discard", "update"})
"""Those after which it does not matter whether they were called once or twice."""
_COLLECTS = frozenset({"append", "appendleft", "extend", "extendleft", "insert"})
"""Those that only add to what is there, which they do not ask for."""
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,99}")


@dataclass(frozen=True, order=True)
class StateUse:
    """Something of the process that code reads or writes.

    :param area: ``environment``, ``module`` (the author's own), ``library``, or ``text`` for a text that may be the
        name of an environment variable
    :param name: of the variable, or a dotted name: ``jobs.CACHE``, ``jobs.Load.rate``, ``pandas.DataFrame.to_x``.
        :data:`ANY`, or an ``.*`` at the end, if it is computed; only ``to_x`` if the class is not known
    :param builds_on: for what is written: whether the new value may follow from the old one
    """

    area: StateArea
    name: str
    builds_on: bool = False


FindUses = Callable[[ast.Name, Sequence[str], "NameScope | None"], "list[CodeUse] | None"]


class StateUses:
    """The uses in one definition, noted while its syntax tree is walked, each node before those in it.

    :param module: that the definition is in
    :param resolver: says what names refer to
    :param find: returns what a name with attributes leads to, None for a local variable
    """

    def __init__(self, module: CodeModule, resolver: Resolver, find: FindUses) -> None:
        self._module = module
        self._resolver = resolver
        self._find = find
        self._only_written: set[int] = set()
        self._asked_for: set[int] = set()
        self._collecting: set[int] = set()
        self.reads: dict[StateUse, None] = {}
        self.writes: dict[StateUse, None] = {}

    def look(self, node: ast.AST, scope: NameScope | None) -> None:
        """Look at a node, before the nodes in it are walked."""
        if isinstance(node, ast.Constant):
            if type(node.value) is str and _VARIABLE.fullmatch(node.value):
                self._read("text", node.value)
        elif isinstance(node, ast.Call):
            self._call(node, scope)
        elif isinstance(node, ast.Subscript):
            self._environment_item(node, scope)
        elif isinstance(node, ast.Compare):
            self._environment_test(node, scope)
        elif isinstance(node, ast.Expr):
            self._statement(node.value, scope)
        else:
            for target, builds_on in _targets(node):
                self._store(target, scope, builds_on=builds_on)

    def refers(
        self, node: ast.Name | ast.Attribute, root: ast.Name, attributes: list[str], scope: NameScope | None
    ) -> None:
        """Look at a name with attributes."""
        if isinstance(node.ctx, (ast.Store, ast.Del)) or id(node) in self._only_written:
            return
        for area, name in self._names(root, attributes, scope, storing=False):
            if area == "module":
                self._read(area, name)
            elif self.is_environment(name) and id(node) not in self._asked_for:
                self._read("environment", ANY)

    def only_sets_environment(self, node: ast.AST) -> bool:
        """Whether a name that leads to the environment sets variables and asks for none."""
        return id(node) in self._only_written

    @staticmethod
    def is_environment(name: str) -> bool:
        """Whether a foreign name leads to the environment's variables."""
        return name.startswith(("os.environ", "os.getenv", "posix.environ"))

    def _read(self, area: StateArea, name: str) -> None:
        self.reads.setdefault(StateUse(area, name))

    def _write(self, area: StateArea, name: str, *, builds_on: bool) -> None:
        self.writes.setdefault(StateUse(area, name, builds_on))

    def _call(self, node: ast.Call, scope: NameScope | None) -> None:
        known = self._foreign(node.func, scope)
        text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if known in _ASKS_FOR_ONE and isinstance(text, str) and id(node.func) not in self._only_written:
            self._read("environment", text)
            self._asked_for.add(id(node.func))
        elif known == "os.environ.update":
            self._only_written.add(id(node.func))
        elif known in ("builtins.setattr", "builtins.delattr") and len(node.args) > 1:
            self._set_by_name(node.args[0], node.args[1], scope)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
            self._into(node.func.value, scope, builds_on=node.func.attr not in _SAME_AGAIN, by=node.func)

    def _statement(self, node: ast.expr, scope: NameScope | None) -> None:
        """Look at an expression whose value is not used: ``os.environ.pop()`` then only unsets."""
        if not isinstance(node, ast.Call):
            return
        if self._foreign(node.func, scope) in ("os.environ.pop", "os.environ.clear"):
            self._only_written.add(id(node.func))
        collects = isinstance(node.func, ast.Attribute) and node.func.attr in _COLLECTS
        if collects and not isinstance(node.func.value, ast.Subscript):  # type: ignore[attr-defined]
            self._collecting.add(id(node.func))

    def _environment_item(self, node: ast.Subscript, scope: NameScope | None) -> None:
        if self._foreign(node.value, scope) not in _ENVIRONMENT or not isinstance(node.ctx, ast.Load):
            return
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            self._read("environment", node.slice.value)
            self._asked_for.add(id(node.value))

    def _environment_test(self, node: ast.Compare, scope: NameScope | None) -> None:
        if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return
        where = node.comparators[0]
        if isinstance(node.left, ast.Constant) and self._foreign(where, scope) in _ENVIRONMENT:
            self._read("environment", str(node.left.value))
            self._asked_for.add(id(where))

    def _store(self, target: ast.AST, scope: NameScope | None, *, builds_on: bool) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._store(part, scope, builds_on=builds_on)
        elif isinstance(target, ast.Starred):
            self._store(target.value, scope, builds_on=builds_on)
        elif isinstance(target, ast.Name):
            if scope is not None and scope.find(target.id) is None:  # after `global`; at top level it is a definition
                self._write("module", f"{self._module.label}.{target.id}", builds_on=builds_on)
        elif isinstance(target, ast.Attribute):
            root, attributes = _chain(target)
            if isinstance(root, ast.Name):
                self._write_all(self._names(root, attributes, scope, storing=True), builds_on=builds_on)
            elif (owner := _receiver_of_type(root)) is not None:  # type(self).rate = 5
                names = self._names(owner, ["__class__", *attributes], scope, storing=True)
                self._write_all(names, builds_on=builds_on)
            else:
                self._into(root, scope, builds_on=True)
        elif isinstance(target, ast.Subscript):
            self._into(target.value, scope, builds_on=builds_on)

    def _into(self, value: ast.AST, scope: NameScope | None, *, builds_on: bool, by: ast.AST | None = None) -> None:
        """Note that something in a value is written.

        :param by: the method that writes it, None for ``VALUE[…] = …``
        """
        base = value
        while isinstance(base, ast.Subscript):
            base = base.value
        root, attributes = _chain(base)
        if not isinstance(root, ast.Name):
            return
        builds_on = builds_on or base is not value
        names = self._names(root, attributes, scope, storing=False)
        if by is None and any(name in _ENVIRONMENT for _, name in names):
            self._only_written.add(id(base))
            return
        own = [(area, name) for area, name in names if area == "module"]
        self._write_all(own, builds_on=builds_on)
        if own and (not builds_on or id(by) in self._collecting):
            self._only_written.add(id(by if by is not None else base))

    def _set_by_name(self, owner: ast.expr, name: ast.expr, scope: NameScope | None) -> None:
        root, attributes = _chain(owner)
        text = name.value if isinstance(name, ast.Constant) else None
        if not isinstance(root, ast.Name):
            return
        attribute = text if isinstance(text, str) else ANY
        names = self._names(root, [*attributes, attribute], scope, storing=True)
        self._write_all(names, builds_on=False)
        if not names:  # a helper that is given the class
            self._write("library", attribute, builds_on=False)

    def _write_all(self, names: Iterable[tuple[StateArea, str]], *, builds_on: bool) -> None:
        for area, name in names:
            self._write(area, name, builds_on=builds_on)

    def _foreign(self, node: ast.AST, scope: NameScope | None) -> str:
        root, attributes = _chain(node)
        uses = self._find(root, attributes, scope) if isinstance(root, ast.Name) else None
        return next((target.name for target, _ in uses or () if isinstance(target, External)), "")

    def _names(
        self, root: ast.Name, attributes: list[str], scope: NameScope | None, *, storing: bool
    ) -> list[tuple[StateArea, str]]:
        """Return the names, as :class:`StateUse` has them, that a name with attributes may stand for."""
        home = scope.find(root.id) if scope is not None else None
        if home is not None and root.id not in home.imports:
            return self._of_receiver(home, root.id, attributes, storing=storing)
        uses = self._find(root, attributes, scope)
        if not uses:
            return list(self._new_in_module(root, attributes, scope))
        return [name for target, rest in uses for name in self._of_use(target, rest)]

    def _of_receiver(
        self, home: NameScope, name: str, attributes: list[str], *, storing: bool
    ) -> list[tuple[StateArea, str]]:
        """Return the attribute of a class that a method reaches through ``self`` or ``cls``."""
        if home.receiver != name or not attributes:
            return []
        of_class = name == "cls" or attributes[0] == "__class__"
        if storing and not of_class:
            return []  # of the object itself, which does not outlive its component
        parts = attributes[1:] if attributes[0] == "__class__" else attributes
        owner = home.label.rpartition(".")[0]
        return [("module", f"{self._module.label}.{owner}.{parts[0]}")] if parts and owner else []

    def _of_use(self, target: object, rest: Sequence[str]) -> Iterator[tuple[StateArea, str]]:
        if isinstance(target, External):
            yield "library", target.name
        elif isinstance(target, Definition):
            label = f"{target.module.label}.{target.name}"
            if self._resolver.is_value(target):
                yield "module", label
            elif rest:
                yield "module", f"{label}.{rest[0]}"
        elif isinstance(target, RuntimeValue):
            yield "module", f"{target.module.label}.{target.name}"

    def _new_in_module(
        self, root: ast.Name, attributes: list[str], scope: NameScope | None
    ) -> Iterator[tuple[StateArea, str]]:
        """Yield a name of one of the author's modules that no statement of it defines."""
        for length in range(len(attributes) - 1, -1, -1):
            for target, _ in self._find(root, attributes[:length], scope) or ():
                if isinstance(target, WholeModule):
                    yield "module", f"{target.module.label}.{attributes[length]}"
                    return


def _targets(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what a statement stores into, and whether the new value may follow from the old one."""
    if isinstance(node, ast.Assign):
        yield from ((target, False) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield node.target, False
    elif isinstance(node, ast.AugAssign):
        yield node.target, True
    elif isinstance(node, ast.Delete):
        yield from ((target, True) for target in node.targets)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield node.target, False
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, False


def _chain(node: ast.AST) -> tuple[ast.AST, list[str]]:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, attributes[::-1]


def _receiver_of_type(node: ast.AST) -> ast.Name | None:
    """Return ``self`` of ``type(self)``."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "type"
        and len(node.args) == 1
    ):
        return node.args[0] if isinstance(node.args[0], ast.Name) else None
    return None
