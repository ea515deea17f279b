"""What a SQL statement does with a view: whether it reads or creates it, as far as its text shows."""

from __future__ import annotations

import re

from airflow_provider.runner.spark.sql_lexer import mask_sql

_READS_NOTHING = re.compile(r"\s*(drop|uncache|refresh|describe|desc|show|set|reset|use|clear)\b", re.IGNORECASE)
_MADE = r"\bcreate\b[\w\s]*?\b(?:view|table)\s+(?:if\s+not\s+exists\s+)?"
_OTHER_FROM = re.compile(
    r"\bdistinct\s+from\b|\bdelete\s+from\b|\b(?:into|overwrite)\s+table\b"
    r"|\b(?:extract|trim|substring|substr|overlay)\s*\([^()]*?\bfrom\b",
    re.IGNORECASE,
)


def reads_in_sql(text: str, view: str) -> bool:
    """Return whether a statement reads a view. A common table expression of that name hides it where it is known."""
    bare = re.sub(rf"{_MADE}(?:`[^`]+`|[\w.]+)", " ", mask_sql(text, texts=" "), flags=re.IGNORECASE)
    if _READS_NOTHING.match(bare):
        return False
    bare = _without_hidden(_OTHER_FROM.sub(" ", bare), view)
    other = r"[\w.`]+(?:\s+(?:as\s+)?\w+)?\s*,\s*"
    reads = rf"\b(?:from|join|table)\s+(?:{other})*{_spelled(view)}"
    return bool(re.search(reads, bare, re.IGNORECASE))


def makes_in_sql(text: str, view: str) -> bool:
    """Return whether a statement creates a view or a table of that name."""
    return bool(re.search(rf"{_MADE}{_spelled(view)}", mask_sql(text, texts=" "), re.IGNORECASE))


def _without_hidden(bare: str, view: str) -> str:
    """Leave out the view's name where a common table expression has it: after its query, in the same parentheses."""
    opens = rf"(?:\bwith(?P<recursive>\s+recursive)?|,)\s*{_spelled(view)}\s*(?:\([^()]*\)\s*)?as\s*\("
    at = 0
    while found := re.compile(opens, re.IGNORECASE).search(bare, at):
        at = _end_of_parentheses(bare, found.end())
        hidden = found.end() if found["recursive"] else at
        end = _end_of_parentheses(bare, at)
        without = re.sub(rf"(?<![\w`.]){_spelled(view)}", "\x00", bare[hidden:end], flags=re.IGNORECASE)
        bare = f"{bare[:hidden]}{without}{bare[end:]}"
    return bare


def _end_of_parentheses(text: str, at: int) -> int:
    """Return where the parentheses end in which a place is: behind the closing one, or at the end of the text."""
    depth = 1
    for edge in re.compile(r"[()]").finditer(text, at):
        depth += 1 if edge[0] == "(" else -1
        if not depth:
            return edge.end()
    return len(text)


def _spelled(view: str) -> str:
    parts = r"\s*\.\s*".join(f"`?{re.escape(part)}`?" for part in view.split("."))
    return rf"{parts}(?![\w.`])"
