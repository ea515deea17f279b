"""What the config of a ready-made component shows without data and without Spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from airflow_provider.runner.config.problems import NATIVE, looks_like_list
from airflow_provider.runner.config.scalars import FoldedText
from airflow_provider.runner.config.zipped_files import file_exists
from airflow_provider.runner.spark.sql_lexer import mask_sql, sql_tokens

FieldProblem = tuple[str, str]

_PART = r"(?:[0-9]*[A-Za-z_][A-Za-z0-9_]*|`(?:[^`]|``)+`)"
_NAME = re.compile(rf"\s*{_PART}\s*")
_QUALIFIED = re.compile(rf"\s*{_PART}(?:\s*\.\s*{_PART})+\s*")
_NUMBER_LITERAL = re.compile(r"\d+(?:[lsydf]|bd|e\d+)", re.IGNORECASE)
_FILE = re.compile(r"[^\s;'\"()]+\.(?:sql|hql|ddl|j2|jinja2?|tmpl)", re.IGNORECASE)
_CLAUSE_IN_CAPITALS = re.compile(r"\b(?:SELECT|FROM|WHERE|GROUP\s+BY|ORDER\s+BY|HAVING|UNION|LIMIT)\b")
_CLAUSE_OF_SQL = re.compile(
    r"""\b(?:
        (?:where|and|or|having|on|when)\s+(?:not\s+)?[\w.`(:]+\)?\s*(?:[=<>!]|\b(?:in|is|like|rlike|between)\b)
        | (?:group|order|partition|sort|cluster|distribute)\s+by\s+[\w.`]+
        | limit\s+\d+ | union\s+(?:all\s+)?select | select\s+[\w.*`]+\s*(?:,|\bfrom\b)
        | join\s+[\w.`]+\s+(?:\w+\s+)?(?:on|using)\b
        | from\s+[\w.`]+\s+(?:where|join|group|order|limit|left|inner|cross)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def check_view_name(field: str, name: str | None) -> Iterator[FieldProblem]:
    """Report a name that Spark does not accept for a temp view."""
    if name is None or _is_open(name) or (_NAME.fullmatch(name) and not _NUMBER_LITERAL.fullmatch(name.strip())):
        return
    if _QUALIFIED.fullmatch(name):
        first = name.partition(".")[0].strip()
        yield (
            field,
            (f"a temp view belongs to no database, so Spark does not accept {first!r} before its name; remove it"),
        )
    else:
        yield field, "is not a valid view name in Spark; use letters, digits and '_', or put backticks around it"


def check_source_name(field: str, name: str | None) -> Iterator[FieldProblem]:
    """Report a name that Spark does not accept for a view or table."""
    if name is None or _is_open(name) or _NAME.fullmatch(name) or _QUALIFIED.fullmatch(name):
        return
    yield (
        field,
        "is not a valid view or table name in Spark; use letters, digits and '_' in each part, or put backticks "
        "around it",
    )


def check_paths(field: str, path: str | list[str] | None) -> Iterator[FieldProblem]:
    """Report a path that is a list turned into text."""
    for one in path if isinstance(path, list) else [path]:
        if one is not None and looks_like_list(one) and re.search(r"['\"]", one):
            yield field, f"expected a path or a list, got text that looks like a list; {NATIVE}"


def check_statement(field: str, sql: str | None, file_field: str) -> Iterator[FieldProblem]:
    """Report a statement that is a file name, or empty."""
    if sql is None:
        return
    if _FILE.fullmatch(sql.strip()):
        yield field, f"is a file name; write it as {file_field}, or give the statement itself"
    elif not mask_sql(sql).strip(" \t\r\n;"):
        yield field, "contains no statement"


def check_file(field: str, name: str | None, base_dir: Path | None) -> Iterator[FieldProblem]:
    """Report a file that does not exist, or is a directory."""
    if name is None or _is_open(name) or (base_dir is None and not Path(name).is_absolute()):
        return
    path = (base_dir or Path()) / name
    if base_dir is None:
        return
    if path.is_dir():
        yield field, f"{str(path.absolute())!r} is a directory; name a file in it"
    elif not file_exists(path):
        yield field, f"the file {str(path.absolute())!r} does not exist"


def check_comments(field: str, sql: object) -> Iterator[FieldProblem]:
    """Warn of a ``--`` that turns more of the statement on the same line into a comment."""
    if not isinstance(sql, str):
        return
    for token in sql_tokens(sql):
        if token.kind == "comment" and token.text.startswith("--") and _swallows(sql, token.text):
            yield (
                field,
                "after '--' the rest of the line is a comment, and it contains more of the statement"
                f"{' (YAML made one line of several)' if isinstance(sql, FoldedText) else ''}; write it with '|' so "
                "that it keeps its lines, or comment with /* … */",
            )
            return


def _swallows(sql: str, comment: str) -> bool:
    if isinstance(sql, FoldedText):
        tails = (end[at.start() :] for end in sql.ends for at in re.finditer("--", end))
        return any(comment.startswith(f"{tail} ") for tail in tails)
    words = comment.lstrip("- ")
    in_capitals = _CLAUSE_IN_CAPITALS.search(mask_sql(sql, texts=" ", names=" "))
    found = (in_capitals and _CLAUSE_IN_CAPITALS.search(words)) or _CLAUSE_OF_SQL.search(words)
    return (
        found is not None and found.start() > 0
    )  # a comment that begins with a clause is one that the author disabled


def _is_open(text: str) -> bool:
    """Whether the text has a template, so that only the run knows its value."""
    return "{{" in text or "{%" in text
