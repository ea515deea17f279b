"""Code that takes the order of a set makes something else in the next process."""

from __future__ import annotations

import ast

import pytest

from airflow_provider.runner.fingerprint.code.set_order import takes_order_of_set

TAKEN = (
    "for n in {'a', 'b'}: use(n)",
    "for n in set(names): use(n)",
    "[n for n in frozenset(names)]",
    "{n: 1 for n in {'a'}}",
    "list({'a', x})[0]",
    "tuple(set(a) | set(b))",
    "next(iter({'a'}))",
    "', '.join({'a', 'b'})",
    "frame.select(*{'a', 'b'})",
    "s = {'a'}\ns.pop()",
    "s = {'a'} if x else ()\nlist(s)",
    "s: set[str] = set()\nfor n in s: use(n)",
    "for n in a.union(b) if isinstance(a, set) else set(a).union(b): use(n)",
    "for n in NAMES: use(n)",
    "sorted([next(iter({'a'})) for x in y])",
    "def f():\n    yield from {'a'}",
    "out.extend({'a'})",
    "dict.fromkeys({'a'})",
)
NOT_TAKEN = (
    "x in {'a', 'b'}",
    "for n in sorted({'a', 'b'}): use(n)",
    "sorted(n.upper() for n in {'a', 'b'})",
    "sorted(list({'a'}))",
    "len({'a'})",
    "max({'a'})",
    "any(n == 'a' for n in {'a', 'b'})",
    "set(n.upper() for n in {'a'})",
    "{n.upper() for n in {'a'}}",
    "for n in {1, 2}: use(n)",
    "for n in ('a', 'b'): use(n)",
    "for n in OTHERS: use(n)",
    "s = {'a'}\ns.add('b')\ns |= {'c'}\nlen(s)",
    "def f(NAMES):\n    for n in NAMES: use(n)",
    "column.isin({'a', 'b'})",
    "x = [1]\nx.pop()",
    "{'a': 1}.keys()",
)


def _taken(code: str) -> bool:
    return bool(list(takes_order_of_set(ast.parse(code), lambda name: name == "NAMES")))


@pytest.mark.parametrize("code", TAKEN)
def test_code_that_iterates_over_a_set_depends_on_its_order(code: str) -> None:
    assert _taken(code)


@pytest.mark.parametrize("code", NOT_TAKEN)
def test_the_order_does_not_matter(code: str) -> None:
    assert not _taken(code)
