"""A table of edits, and which components run again: what has changed, and what depends on it.

Each case writes the project of ``tests.samples.components.shop``, takes the record of an attempt that completed
everything, edits a file and plans in what behaves like a new process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action
from tests.samples.components.shop import FILES, completed, pipeline, process, write

READ, CLEAN, ENRICH = "read clean enrich", "clean enrich", "enrich"
NOTHING = ""


@dataclass(frozen=True)
class Edit:
    """One edit.

    :param file: which file
    :param old: a text in it
    :param new: what takes its place
    :param again: the components that run again, separated by blanks
    :param reason: a part of the reason of the first of them
    :param files: further files to write; None removes one
    """

    file: str
    old: str
    new: str
    again: str
    reason: str = "code changed: "
    files: Mapping[str, str | None] = field(default_factory=dict)


O = "orders.py"  # noqa: E741
EDITS = {
    "a comment": Edit(O, "# the first", "# the very first", NOTHING),
    "a comment removed": Edit(O, "    # the first\n", "", NOTHING),
    "a docstring": Edit(O, '"""Read the orders."""', '"""Reads."""', NOTHING),
    "a docstring removed": Edit(O, '    """Read the orders."""\n', "", NOTHING),
    "the module's docstring": Edit(O, '"""Orders."""', '"""All orders."""', NOTHING),
    "blank lines": Edit(O, "def clean(spark):", "\n\n\ndef clean(spark):", NOTHING),
    "reformatted": Edit(
        O,
        'return SQL, rows, limit, f"{RATE:.2f} per order"',
        "return (\n        SQL,\n        rows,\n        limit,\n        f'{RATE:.2f} per order',\n    )",
        NOTHING,
    ),
    "a number written otherwise": Edit(O, '"high": 10}', '"high": 1_0}', NOTHING),
    "definitions in another order": Edit(
        O,
        "def numbers():\n    yield 1\n\n\nasync def waits():\n    return 1\n",
        "async def waits():\n    return 1\n\n\ndef numbers():\n    yield 1\n",
        NOTHING,
    ),
    "methods in another order": Edit(
        O,
        "    @staticmethod\n    def plain():\n        return 5\n\n    def never_called(self):\n        return 6\n",
        "    def never_called(self):\n        return 6\n\n    @staticmethod\n    def plain():\n        return 5\n",
        NOTHING,
    ),
    "a local variable renamed": Edit(
        O, "options = Options()", "chosen = Options()", "side", "code changed: orders.side"
    ),
    "the body of a function": Edit(O, "x * RATE", "x + RATE", READ, "code changed: orders.read"),
    "a constant": Edit(O, "RATE = 0.2", "RATE = 0.3", f"{READ} side", "code changed: the constant orders.RATE"),
    "a constant and a function": Edit(
        O,
        "RATE = 0.2",
        "RATE = 0.3",
        f"{READ} side",
        "code changed: orders.side, and the constant orders.RATE that it uses",
        {"orders.py": FILES["orders.py"].replace('log.info("side")', 'log.info("other")')},
    ),
    "a constant by the same value": Edit(O, "UNUSED = 1", "UNUSED = 2", NOTHING),
    "an unused function": Edit("shapes.py", "return r * r", "return r * r * 1", NOTHING),
    "an unused function of a lazily imported module": Edit("lazy.py", "return 2", "return 3", NOTHING),
    "a constant that another one is made of": Edit(
        O, "DISCOUNT = RATE / 2", "DISCOUNT = RATE / 4", "side", "the constant orders.DISCOUNT"
    ),
    "a helper": Edit("helpers.py", "return deeper(x)", "return deeper(x) + 1", CLEAN, "code changed: helpers.tidy"),
    "a helper three modules away": Edit(
        "farther.py", "return x + STEP", "return x - STEP", CLEAN, "code changed: farther.deepest"
    ),
    "a constant three modules away": Edit("farther.py", "STEP = 1", "STEP = 2", CLEAN, "the constant farther.STEP"),
    "a helper through a module's alias": Edit("helpers.py", "x.strip()", "x.rstrip()", CLEAN, "helpers.trim"),
    "another alias for a module": Edit(
        O, "import helpers as h", "import helpers as tools", NOTHING, files={}, reason="tools.trim"
    ),
    "another function under the same name": Edit(
        O, "from math import floor as cut", "from math import ceil as cut", READ, "code changed: orders.read"
    ),
    "a base class": Edit(O, "return 1\n\n\nclass Mixin", "return 7\n\n\nclass Mixin", ENRICH, "orders.Base.prepare"),
    "an attribute of a base class": Edit(O, 'kind = "base"', 'kind = "other"', ENRICH, "orders.Base"),
    "a mixin": Edit(O, "        return 2\n", "        return 8\n", ENRICH, "orders.Mixin.mixed"),
    "other bases": Edit(O, "class Enrich(Mixin, Base)", "class Enrich(Base, Mixin)", ENRICH, "orders.Enrich"),
    "an attribute of a class": Edit(O, "batch = 10", "batch = 11", ENRICH, "code changed: orders.Enrich"),
    "a property": Edit(O, "        return 3\n", "        return 9\n", ENRICH, "orders.Enrich.wide"),
    "a classmethod": Edit(O, "        return 4\n", "        return 9\n", ENRICH, "orders.Enrich.made"),
    "a staticmethod": Edit(O, "        return 5\n", "        return 9\n", ENRICH, "orders.Enrich.plain"),
    "a method that nobody calls": Edit(O, "        return 6\n", "        return 9\n", ENRICH, "never_called"),
    "a new method": Edit(
        O,
        "    def never_called",
        "    def more(self):\n        pass\n\n    def never_called",
        ENRICH,
        "new: orders.Enrich.more",
    ),
    "a method gone": Edit(
        O, "    def never_called(self):\n        return 6\n", "", ENRICH, "gone: orders.Enrich.never_called"
    ),
    "a decorator": Edit(O, "return function(*args", "return function(*args, *()", "side", "code changed: orders.loud"),
    "a decorator removed": Edit(O, "@loud\ndef side", "def side", "side", "orders.side"),
    "a default argument": Edit(O, "limit=LIMITS", "limit=None", READ, "orders.read"),
    "the value of a default argument": Edit(O, '"low": 1', '"low": 2', READ, "the constant orders.LIMITS"),
    "a nested function": Edit(O, "return x + 1\n\n    key", "return x + 2\n\n    key", CLEAN, "orders.clean"),
    "a lambda": Edit(O, "lambda row: row[0]", "lambda row: row[1]", CLEAN, "orders.clean"),
    "a comprehension": Edit(O, "for x in range(3)", "for x in range(4)", READ, "orders.read"),
    "a lazily imported module": Edit("lazy.py", "return DELAY", "return DELAY + 1", "side", "lazy.late"),
    "a constant of a lazily imported module": Edit(
        "lazy.py", "DELAY = 1", "DELAY = 2", "side", "the constant lazy.DELAY"
    ),
    "what 'import *' brought": Edit("shapes.py", "return PI * r", "return PI * r * r", "side", "shapes.circle_area"),
    "a constant behind 'import *'": Edit("shapes.py", "PI = 3", "PI = 3.14", "side", "the constant shapes.PI"),
    "the other branch of a conditional import": Edit("slow.py", "return 1", "return 2", "side", "slow.speed"),
    "a module for a conditional import appears": Edit(
        "slow.py", "return 1", "return 1 ", "side", "new: ", {"quick.py": "def speed():\n    return 9\n"}
    ),
    "functions that call each other": Edit("clock.py", "if False else 1", "if False else 2", "side", "clock.tock"),
    "the class of a module's instance": Edit("settings.py", "depth = 1", "depth = 2", "side", "settings.Settings"),
    "how a module's instance is made": Edit(
        "settings.py", "current = Settings()", "current = Settings()\ncurrent.depth = 3", "side", "settings.current"
    ),
    "an enum member": Edit(O, 'NEW = "new"', 'NEW = "fresh"', "side", "orders.Status"),
    "a dataclass default": Edit(O, "size: int = 3", "size: int = 4", "side", "orders.Options"),
    "a dataclass field's type": Edit(O, "size: int = 3", "size: float = 3", "side", "orders.Options"),
    "a pattern": Edit(O, '"^[0-9]+$"', '"^[0-8]+$"', "side", "the constant orders.PATTERN"),
    "a date": Edit(O, "date(2024, 1, 1)", "date(2024, 1, 2)", "side", "the constant orders.SINCE"),
    "a decimal": Edit(O, 'Decimal("1.10")', 'Decimal("1.1")', "side", "the constant orders.PRICE"),
    "a set in another order": Edit(O, '{"a", "b", "c"}', '{"c", "a", "b"}', NOTHING),
    "a set with another member": Edit(O, '{"a", "b", "c"}', '{"a", "b", "d"}', "side", "the constant orders.CODES"),
    "a mapping in another order": Edit(O, '{"low": 1, "high": 10}', '{"high": 10, "low": 1}', READ, "orders.LIMITS"),
    "a constant that is changed afterwards": Edit(O, 'TABLE["x"] = 1', 'TABLE["x"] = 2', "side", "orders.TABLE"),
    "a file that a constant is read from": Edit("rates.json", "1.0", "2.0", "side", "the constant orders.LOADED"),
    "an f-string": Edit(O, "{RATE:.2f}", "{RATE:.3f}", READ, "orders.read"),
    "SQL": Edit(O, "SELECT * FROM orders", "SELECT id FROM orders", READ, "the constant orders.SQL"),
    "a type hint": Edit(O, "def clean(spark):", "def clean(spark: object) -> tuple:", NOTHING),
    "a type hint of a local variable": Edit(O, "options = Options()", "options: Options = Options()", NOTHING),
    "what only type checkers import": Edit("models.py", "x = 1", "x = 2", NOTHING),
    "an import that nothing uses": Edit(O, "import clock\n", "import clock\nimport zlib\n", NOTHING),
    "a generator": Edit(O, "yield 1", "yield 2", "streams", "orders.numbers"),
    "an async function": Edit(
        O, "async def waits():\n    return 1", "async def waits():\n    return 2", "streams", "waits"
    ),
    "async no more": Edit(O, "async def waits", "def waits", "streams", "waits"),
    "a helper moved into a package": Edit(
        "helpers.py",
        "from far import deeper",
        "from deep.far import deeper",
        NOTHING,
        files={"far.py": None, "deep/__init__.py": "", "deep/far.py": FILES["far.py"]},
    ),
    "a helper moved and changed": Edit(
        "helpers.py",
        "from far import deeper",
        "from deep.far import deeper",
        CLEAN,
        "code changed: deep.far.deeper, which was far.deeper",
        {"far.py": None, "deep/__init__.py": "", "deep/far.py": FILES["far.py"].replace("(x)\n", "(x) + 1\n")},
    ),
    "a lazily imported module moved": Edit(
        O,
        "import lazy\n",
        "from later import lazy\n",
        NOTHING,
        files={"lazy.py": None, "later/lazy.py": FILES["lazy.py"]},
    ),
    "a function that a decorator has registered": Edit(
        "plugins.py", "def one(x):\n    return x", "def one(x):\n    return x + 1", "dispatch by_name", "plugins.one"
    ),
    "an implementation that was registered": Edit(
        O, "def _(x: int):\n    return x + 1", "def _(x: int):\n    return x + 2", "dispatch", "orders._"
    ),
    "an optional import inside a function": Edit("optional.py", "return 1", "return 2", "dispatch", "optional.extra"),
    "a function that globals() may return": Edit(
        "named.py", "def late_bound():\n    return 1", "def late_bound():\n    return 3", "by_name", "named.late_bound"
    ),
    "a function that getattr of a module may return": Edit(
        "plugins.py",
        "def late_bound():\n    return 2",
        "def late_bound():\n    return 3",
        "by_name",
        "plugins.late_bound",
    ),
    "a class in the registry of another class": Edit("kinds.py", "return 1", "return 3", "job", "kinds.First.go"),
    "a subclass that its base class keeps": Edit("kinds.py", "return 2", "return 3", "job", "kinds.Second.go"),
    "what a package exports": Edit("pkg/impl.py", "return low(x)", "return low(x) + 1", "job", "pkg.impl.exported"),
    "what a package imports relatively": Edit("pkg/base.py", "return x", "return x + 1", "job", "pkg.base.low"),
    "a submodule by its full name": Edit("pkg/sub.py", "return 1", "return 2", "job", "pkg.sub.direct"),
    "a function that a class takes as a method": Edit("more.py", "return 4", "return 5", "job", "more.outside"),
    "a property made by a call": Edit("more.py", "lambda self: 5", "lambda self: 6", "job", "more.Job"),
    "a pattern of a match": Edit("more.py", "case [one, *_]", "case [_, one, *_]", "job", "more.Job.run"),
    "a constant from an unpacking": Edit("more.py", "rest = 1, 2, 3", "rest = 1, 2, 4", "values", "more.rest"),
    "a lambda in a mapping": Edit("more.py", "lambda x: x + 1", "lambda x: x + 2", "values", "more.HANDLERS"),
    "the definition in the other branch": Edit(
        "more.py", "        return 2\n\n\ndef outside", "        return 3\n\n\ndef outside", "values", "more.either"
    ),
    "what a module sets in another": Edit(
        "more.py", "settings.LIMIT = 3", "settings.LIMIT = 4", "job values hints", "more.<patches>"
    ),
    "what a module sets in a library": Edit(
        "more.py", ".prec = 12", ".prec = 13", "job values hints", "more.<patches>"
    ),
    "a type hint that pandas_udf reads": Edit(
        "udfs.py", "(x: int) -> int", "(x: float) -> float", "hints", "udfs.plus"
    ),
    "what a call at the module's level puts into a constant": Edit(
        "more.py", "HANDLERS, 1", "HANDLERS, 2", "values", "more.HANDLERS"
    ),
    "a function that fills a constant": Edit(
        "more.py", 'table["b"] = value', 'table["c"] = value', "values", "more.fill"
    ),
    "an attribute that setattr gives a class": Edit("more.py", '"late", 1', '"late", 2', "job", "more.Job"),
    "a function moved to another module": Edit(
        O,
        "from helpers import tidy",
        "from tidying import tidy",
        NOTHING,
        files={"tidying.py": "from far import deeper\n\n\ndef tidy(x):\n    return deeper(x)\n"},
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_runs_again_what_it_concerns(tmp_path: Path, edit: Edit) -> None:
    """A component runs again exactly if something that its code reaches has changed, and the reason names it."""
    write(tmp_path, FILES)
    config = pipeline()
    with process(tmp_path):
        checkpoint = completed(config)
    edited = {**FILES, **{name: text for name, text in edit.files.items() if text is not None}}
    assert edited[edit.file].count(edit.old) == 1
    changed = edited[edit.file].replace(edit.old, edit.new)
    if edit.reason == "tools.trim":
        changed = changed.replace("h.trim", "tools.trim")
    write(tmp_path, {**edit.files, edit.file: changed})
    with process(tmp_path):
        plan = decide(config, Facts(checkpoint, code=read_code_of_components(config, {})))
    assert plan.notes == ()
    again = [decision for decision in plan.decisions if decision.action is Action.RUN]
    assert {decision.component for decision in again} == set(edit.again.split()), plan.decisions
    own = [reason for decision in again if "depends on" not in (reason := str(decision.reason))]
    assert bool(own) == bool(again)
    if again:
        assert any(edit.reason in reason for reason in own), own
