"""Splits SQL as Spark's lexer does: comments, texts and names in quotes, semicolons, and the code between them.

Everything that reads SQL without Spark goes through here, so that a ``--`` in quotes is never a comment, and a quote in
a comment never begins a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

_PART = re.compile(
    r"""
      (?P<comment> -- (?: \\\n | [^\r\n] )* )
    | (?P<opened> /\* )
    | (?P<text> (?<!\w)[rR] (?: '[^']*' | "[^"]*" ) | ' (?: [^'\\] | \\. )* ' | " (?: [^"\\] | \\. )* " )
    | (?P<name> ` (?: [^`] | `` )* ` )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL,
)
_EDGE = re.compile(r"/\*|\*/")

Kind = Literal["comment", "text", "name", "end", "code"]


class SqlToken(NamedTuple):
    """A part of a text of SQL.

    :param kind: ``text`` and ``name`` are what stands in quotes and in backticks, ``end`` is a semicolon, and ``code``
        is all that lies between the others
    :param text: the part as it is written
    :param start: where it begins
    """

    kind: Kind
    text: str
    start: int


def sql_tokens(text: str) -> Iterator[SqlToken]:
    """Yield the parts of a text of SQL; together they are the whole text.

    A quote that is never closed belongs to the code. A comment that is never closed reaches to the end.
    """
    at = 0
    while found := _PART.search(text, at):
        if found.start() > at:
            yield SqlToken("code", text[at : found.start()], at)
        at = found.end()
        if found["opened"]:
            at = _end_of_comment(text, at)
        kind: Kind = "comment" if found["comment"] or found["opened"] else found.lastgroup  # type: ignore[assignment]
        yield SqlToken(kind, text[found.start() : at], found.start())
    if at < len(text):
        yield SqlToken("code", text[at:], at)


def mask_sql(text: str, *, texts: str | None = None, names: str | None = None) -> str:
    """Return SQL without its comments, each replaced by a space.

    :param text: a statement or a part of one
    :param texts: replaces what stands in quotes; None: it stays
    :param names: replaces what stands in backticks; None: it stays
    """
    replaced = {"comment": " ", "text": texts, "name": names}
    kept = ((token, replaced.get(token.kind)) for token in sql_tokens(text))
    return "".join(token.text if other is None else other for token, other in kept)


def _end_of_comment(text: str, at: int) -> int:
    """Return where a comment ends that ``/*`` has opened: Spark's comments may hold others."""
    depth = 1
    while depth and (edge := _EDGE.search(text, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(text) if depth else at
