"""What an author's component reads and creates, as far as its source shows: view names as literals, and SQL texts."""

from __future__ import annotations

import ast
import inspect
import logging
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.session_state.needs.sql_view_use import makes_in_sql, reads_in_sql
from airflow_provider.runner.spark.sql_lexer import mask_sql

logger = logging.getLogger(__name__)

_READERS = ("table", "read_table")
_MAKERS = ("createOrReplaceTempView", "createTempView", "createGlobalTempView", "createOrReplaceGlobalTempView")
_TAKES_SQL = ("sql", "expr", "selectExpr", "where", "filter")
_MADE_FUNCTION = re.compile(r"\bcreate\b[\w\s]*?\bfunction\b", re.IGNORECASE)
_SPEAKERS = ("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log")
_IS_SQL = re.compile(r"[\s(]*(select|with|insert|merge|create|cache|from|table)\b", re.IGNORECASE)
_MOST_HELPERS = 50


@dataclass(frozen=True)
class ViewUse:
    """What the code of a component does with a view.

    :param reads: whether it reads the view; None if it mentions the name where it may
    :param makes: whether it creates the view
    """

    reads: bool | None = False
    makes: bool = False


def find_view_use(target: Any, view: str) -> ViewUse:
    """Return what a component's code does with a temp view.

    :param target: the class or function; None if it is unknown
    """
    try:
        return _use_of(list(_trees(target)) if target is not None else [], view)
    except Exception as error:  # noqa: BLE001 - looking must not fail what Spark would do
        logger.debug("cannot find out what the code of %r does with view %r: %s", target, view, describe(error))
        return ViewUse()


def find_views_read(target: Any, views: Iterable[str]) -> set[str]:
    """Return the views that a component's code reads for certain, see :func:`find_view_use`.

    :param target: the class or function; None if it is unknown
    :param views: the views to look for
    """
    try:
        trees = list(_trees(target)) if target is not None else []
        texts = "\n".join(ast.dump(tree) for tree in trees).lower()
        return {view for view in views if view.lower() in texts and _use_of(trees, view).reads}
    except Exception as error:  # noqa: BLE001 - looking must not fail what Spark would do
        logger.debug("cannot find out which views the code of %r reads: %s", target, describe(error))
        return set()


def find_function_use(target: Any, function: str) -> ViewUse:
    """Return what a component's code does with a temp function: whether it calls it in SQL or by name, or registers it.

    :param target: the class or function; None if it is unknown
    """
    call = re.compile(rf"(?<![\w.`])(?:{re.escape(function)}|`{re.escape(function)}`)\s*\(", re.IGNORECASE)
    reads = makes = False
    try:
        for tree in _trees(target) if target is not None else ():
            parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
            for node, text in _texts(tree, parents):
                called = _name_of(parents.get(node))
                is_name = text.lower() == function.lower()
                makes = makes or (is_name and called in ("register", "registerJavaFunction", "registerJavaUDAF"))
                makes = makes or (
                    called == "sql" and _MADE_FUNCTION.search(text) is not None and bool(call.search(text))
                )
                reads = reads or (is_name and called in ("call_function", "call_udf"))
                reads = reads or (called in _TAKES_SQL and bool(call.search(mask_sql(text, texts=" "))))
    except Exception as error:  # noqa: BLE001 - looking must not fail what Spark would do
        logger.debug("cannot find out whether %r calls %r: %s", target, function, describe(error))
        return ViewUse()
    return ViewUse(reads, makes)


def _use_of(trees: Sequence[ast.AST], view: str) -> ViewUse:
    reads_any = any(_name_of(node) in _READERS and not _first_text(node) for tree in trees for node in _calls(tree))
    reads: list[tuple[int, int]] = []
    makes: list[tuple[int, int]] = []
    named = False
    for number, tree in enumerate(trees):
        parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        for node, text in _texts(tree, parents):
            at, parent = (number, node.lineno), parents.get(node)
            call = _name_of(parent) if isinstance(parent, ast.Call) else ""
            if call in _SPEAKERS:
                continue
            if text.strip("`").lower() == view.lower():
                if call in _MAKERS:
                    makes.append(at)
                elif call in _READERS or (reads_any and _may_be_passed_on(parent)):
                    reads.append(at)
                else:
                    named = named or _may_be_passed_on(parent)
            elif call == "sql" or _IS_SQL.match(text):
                if reads_in_sql(text, view):
                    reads.append(at)
                elif makes_in_sql(text, view):
                    makes.append(at)
    if not reads:
        return ViewUse(None if named and not makes else False, bool(makes))
    # Only within one function does the order of lines show which comes first.
    first = min(reads)
    if any(tree == first[0] and line < first[1] for tree, line in makes):
        return ViewUse(False, makes=True)
    return ViewUse(None if any(tree != first[0] for tree, _ in makes) else True, bool(makes))


def _trees(target: Any) -> Iterator[ast.AST]:
    """Yield the component's own source, and that of the functions and classes of its module that it mentions."""
    module = sys.modules.get(getattr(target, "__module__", ""), None)
    waiting: list[Any] = [inspect.unwrap(target)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_HELPERS:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(current)))
        except (OSError, TypeError, SyntaxError):
            continue  # it has no file, or its text is not a statement by itself
        yield tree
        found = [getattr(module, node.id, None) for node in ast.walk(tree) if isinstance(node, ast.Name)]
        for other in [*getattr(current, "__bases__", ()), *found]:
            is_code = inspect.isfunction(other) or inspect.isclass(other)
            if is_code and getattr(other, "__module__", None) == getattr(target, "__module__", ""):
                waiting.append(inspect.unwrap(other))
        constants = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        values = {name: getattr(module, name, None) for name in sorted(constants)}
        constants_as_code = [f"{name} = {value!r}" for name, value in values.items() if isinstance(value, str)]
        if constants_as_code:
            yield ast.parse("\n".join(constants_as_code))


def _texts(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node, "".join(str(v.value) if isinstance(v, ast.Constant) else " \x00 " for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_part(parents.get(node)):
            yield node, node.value


def _is_part(parent: ast.AST | None) -> bool:
    return isinstance(parent, (ast.Expr, ast.JoinedStr))  # a docstring, or a piece of an f-string


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name_of(call: ast.AST | None) -> str:
    function = call.func if isinstance(call, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _first_text(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant)


def _may_be_passed_on(parent: ast.AST | None) -> bool:
    """Whether a text may become an argument of ``table``: stored in a name or a list, or passed to a function."""
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id not in ("col", "column", "lit", "expr", "getattr")
    return isinstance(parent, (ast.Assign, ast.AnnAssign, ast.arguments, ast.Tuple, ast.List, ast.Set))
