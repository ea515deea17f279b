"""One name, one thing: a search for a class or a module finds one owner."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import airflow_provider

PACKAGE = Path(airflow_provider.__file__).parent
SHARED = {"__init__", "__main__"}
"""Basenames that Python itself gives a meaning."""


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), path


def _owners(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names that have several owners."""
    owners = defaultdict(list)
    for name, owner in names:
        owners[name].append(owner)
    return {name: found for name, found in owners.items() if len(found) > 1}


def test_every_class_name_has_one_owner_in_the_whole_package() -> None:
    """Private classes count, too: a traceback and a search show them like any other."""
    classes = (
        (node.name, module)
        for module, path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert _owners(classes) == {}


def test_every_module_has_a_basename_of_its_own() -> None:
    assert _owners((path.stem, module) for module, path in _modules() if path.stem not in SHARED) == {}
