"""Finds code that depends on the order of a set: texts in it have another order in each process (``PYTHONHASHSEED``).

Only a set that the code shows as one counts: a literal, a comprehension, a call of ``set``, the result of an operation
on sets, a variable or a constant with one. Membership, length and sorting do not depend on the order, so those uses are
fine.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

_MAKES_SET = frozenset({"set", "frozenset"})
_SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_TAKES_ORDER = frozenset({"list", "tuple", "enumerate", "iter", "next", "zip", "map", "filter", "dict"})
_METHODS_TAKING_ORDER = frozenset({"join", "extend", "fromkeys", "chain", "from_iterable"})
_IGNORES_ORDER = frozenset({"sorted", "set", "frozenset", "sum", "min", "max", "any", "all", "len"})


def takes_order_of_set(tree: ast.AST, is_constant_set: Callable[[str], bool]) -> Iterator[ast.AST]:
    """Yield the nodes that depend on the order of a set.

    :param tree: a definition or a part of one
    :param is_constant_set: whether a name of the module is bound to a set
    """
    return _SetOrderFinder(tree, is_constant_set).taken(tree)


class _SetOrderFinder:
    def __init__(self, tree: ast.AST, is_constant_set: Callable[[str], bool]) -> None:
        self._is_constant_set = is_constant_set
        self._local: dict[str, bool] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.arg):
                self._local[node.arg] = False
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._local[target.id] = self._local.get(target.id, False) or self._is_set(node.value)

    def taken(self, tree: ast.AST) -> Iterator[ast.AST]:
        """Yield where an order is taken, but not inside of what ignores it."""
        stack = [tree]
        while stack:
            node = stack.pop()
            if any(self._is_set(source) for source in self._sources(node)):
                yield node
            below = list(ast.iter_child_nodes(node))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _IGNORES_ORDER:
                # The sorted list may come from a set, but the expression for each element may not iterate over one.
                below = [part for child in below for part in self._past(child)]
            stack.extend(below)

    def _past(self, node: ast.AST) -> list[ast.AST]:
        if isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
            return [node.elt, *(part for g in node.generators for part in (g.iter, *g.ifs))]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("list", "tuple"):
            return list(node.args)
        return [node]

    def _sources(self, node: ast.AST) -> list[ast.expr]:
        """Return the expressions whose order a node takes."""
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return [node.iter]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)):
            return [generator.iter for generator in node.generators]
        if isinstance(node, ast.Starred) and isinstance(node.ctx, ast.Load):
            return [node.value]
        if isinstance(node, ast.YieldFrom):
            return [node.value]
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in _TAKES_ORDER:
                return node.args
            if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS_TAKING_ORDER:
                return node.args
            if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and not node.args:
                return [node.func.value]
        return []

    def _is_set(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Set):
            return not all(isinstance(e, ast.Constant) and isinstance(e.value, (int, float)) for e in node.elts)
        if isinstance(node, ast.SetComp):
            return True
        if isinstance(node, ast.Name):
            return self._local[node.id] if node.id in self._local else self._is_constant_set(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)):
            return self._is_set(node.left) or self._is_set(node.right)
        if isinstance(node, ast.IfExp):
            return self._is_set(node.body) or self._is_set(node.orelse)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id in _MAKES_SET
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SET_METHODS:
            return self._is_set(node.func.value)
        return False
