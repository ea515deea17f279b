"""Facts travel as data, and sentences are made where people read them: no decision compares or matches a sentence.

The rule reads the code of the rooms that decide. There a sentence must not be compared, searched or matched, whether it
is written down, made from an object with ``str()`` or ``repr()``, or comes in something that is named like one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider

PACKAGE = Path(airflow_provider.__file__).parent
ROOMS = ("runner/planning", "runner/record", "runner/housekeeping", "runner/session_state", "stores")

NAMED_LIKE_A_SENTENCE = ("reason", "why", "note", "remedy", "sentence", "message", "words", "verdict", "headline")
"""Names of variables, attributes and functions that hold a sentence for people, alone or as the last word of a name."""
MATCHES = (
    "startswith", "endswith", "find", "rfind", "index", "rindex", "count",
    "removeprefix", "removesuffix", "partition", "rpartition",
)  # fmt: skip
"""Methods that look for a part of a text."""
PATTERNS = ("match", "fullmatch", "search", "findall", "finditer")

FOREIGN_TEXT = {
    "runner/session_state/effects/statement_kinds.py": "the statements are SQL",
    "runner/session_state/kinds/added_files.py": "the errors are Python's and Spark's",
    "runner/session_state/kinds/checkpoint_directory.py": "the errors are Spark's",
}
"""Files that read texts which are not ours, and whose."""


def sentences(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """Yield why an expression is a sentence for people."""
    if isinstance(node, ast.Name) and node.id in constants:
        yield from sentences(constants[node.id], {})
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _has_words(node.value):
        yield f"the phrase {node.value!r}"
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from sentences(part, {}) if isinstance(part, ast.Constant) else ()
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for item in node.elts:
            yield from sentences(item, constants)
    elif isinstance(node, ast.Call):
        name = _name(node.func)
        if name in ("str", "repr") and isinstance(node.func, ast.Name) and node.args:
            yield f"{name}() of an object"
        elif _is_named_like_a_sentence(name):
            yield f"what {name}() returns"
    elif _is_named_like_a_sentence(_name(node)):
        yield f"{_name(node)!r}"


def decisions_by_text(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and finding for each comparison, search or match of a sentence."""
    tree = ast.parse(source)
    constants = {
        target.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        texts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            texts = [node.left, *node.comparators]
            if any(_is_nothing(text) for text in texts) or all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
                continue
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in MATCHES:
                texts = [*node.args] if _is_made_of_an_object(node.func.value) else [node.func.value, *node.args]
            elif node.func.attr in PATTERNS:
                texts = node.args
        elif isinstance(node, ast.Match):
            texts = [node.subject]
        for text in texts:
            for finding in sentences(text, constants):
                yield node.lineno, finding


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_named_like_a_sentence(name: str) -> bool:
    return name.lower().rpartition("_")[2] in NAMED_LIKE_A_SENTENCE


def _has_words(text: str) -> bool:
    """Two words or more, in small letters as in a sentence, and no value of a ``Literal``, which mypy checks."""
    return text not in LITERALS and len([word for word in text.split() if word.isalpha() and word.islower()]) > 1


def _literals() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Subscript) and _name(node.value) == "Literal":
                yield from (n.value for n in ast.walk(node.slice) if isinstance(n, ast.Constant))


def _is_made_of_an_object(node: ast.expr) -> bool:
    """Whether this is ``str()`` of something, whose parts may be looked for: a path or a class of Java's."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str"


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "")


LITERALS = frozenset(_literals())
FILES = [file for room in ROOMS for file in sorted((PACKAGE / room).rglob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_decision_compares_or_matches_a_sentence(file: Path) -> None:
    if str(file.relative_to(PACKAGE)) in FOREIGN_TEXT:
        return
    found = [f"{file.relative_to(PACKAGE)}:{line}: {what}" for line, what in decisions_by_text(file.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        """running = activity()\nif "'running'" in running or "may be running" in running: pass""",
        """constants = [what for what in found if "the constant " in what]""",
        """if now.why and now.why.startswith("more than"): pass""",
        """found = re.search(r"object storage (.+)", str(store))""",
        """if str(store) == TASK_STATE_PLACE: pass""",
        """if logged.get(name) != handling.reason: pass""",
        """if decision.reason.endswith(STILL_THERE): pass""",
        """SENTENCE = "it was left out"\nif text == SENTENCE: pass""",
        """if code.why(name) == other: pass""",
        """match decision.reason:\n    case _: pass""",
    ],
)
def test_the_rule_finds_a_decision_by_text(code: str) -> None:
    """The first ones are what this package once did."""
    assert list(decisions_by_text(code))


@pytest.mark.parametrize(
    "code",
    [
        """if reason is None or why == "": pass""",
        """if isinstance(decision.reason, CompletedEarlier): pass""",
        """if name not in reasons: pass""",
        """if source.state == "not listed": pass""",
        """if path.endswith(".json") and "://" in url: pass""",
        """name = str(path).rpartition("/")[2]""",
    ],
)
def test_the_rule_lets_facts_be_compared(code: str) -> None:
    assert not list(decisions_by_text(code))
