"""The examples in the docstrings of the engine work as written."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import airflow_provider

PACKAGE = Path(airflow_provider.__file__).parent

WITH_EXAMPLES = sorted(
    ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in (PACKAGE / "runner").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0
