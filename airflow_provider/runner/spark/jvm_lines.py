"""Separates Spark's own log in the output of its JVM from the output of an author's code."""

from __future__ import annotations

import re
from enum import Enum, auto

_HEAD = re.compile(
    r"^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d|\{\"ts\":|WARNING:|Using Spark's default|Setting default"
    r"|To adjust logging level|NOTE: Picked up|Picked up \w+:|\[Stage \d+:)"
)
_THROWABLE = re.compile(r"^\s*([\w$]+[.$])*[\w$]*(Error|Exception)\b|^Exception in thread")
_OF_JAVA = re.compile(r"^\s*([\w$]+\.)+[\w$]*(Error|Exception)\b|^Exception in thread")
_CAUSE = re.compile(r"^\s*(Caused by|Suppressed|Driver stacktrace)\b")
_FRAME = re.compile(r"^(\s*at [\w$./<>@-]+\(.*\).*|\s+at \S+.*|\s*\.\.\. \d+ (more|common frames omitted))$")
_NAMES_ONE = re.compile(r"\b\w*(Exception|Error)\b|Traceback|Lost task|\[[A-Z][A-Z0-9_.]{3,}\]")
_DRAWN = re.compile(r"^\s*(\+-|:-|:  |\*\(\d|/\* \d+ \*/|== |\|)")
"""A plan, generated code or a table below a line of Spark's log."""


class _After(Enum):
    """What the previous lines were."""

    A_LINE = auto()
    A_MESSAGE = auto()
    A_STACK = auto()
    ANOTHER = auto()


class JvmLines:
    """Separates the lines of Spark's log from others, line by line: a line may continue what another began.

    A message of several lines ends with its stack or with the next line of the log. What an author's code prints in
    between counts as part of the message.
    """

    def __init__(self) -> None:
        self._after = _After.A_LINE

    @staticmethod
    def is_head(line: str) -> bool:
        """Return whether a line begins a record of Spark's log."""
        return _HEAD.match(line) is not None

    def is_sparks(self, line: str) -> bool:
        """Return whether the next line belongs to Spark or Java."""
        if _HEAD.match(line):
            self._after = _After.A_MESSAGE if _NAMES_ONE.search(line) else _After.A_LINE
        elif _FRAME.match(line):
            self._after = _After.A_STACK
        elif _CAUSE.match(line):
            self._after = _After.A_MESSAGE
        elif (_OF_JAVA if self._after is _After.ANOTHER else _THROWABLE).match(line):
            self._after = _After.A_STACK if self._after is _After.A_STACK else _After.A_MESSAGE
        elif not line.strip() or self._after is _After.A_MESSAGE:
            pass
        elif self._after is _After.ANOTHER or not _DRAWN.match(line):
            self._after = _After.ANOTHER
        return self._after is not _After.ANOTHER or not line.strip()


_BEGINS_JAVA = re.compile(r"^(JVM stacktrace:|\s+at \S.*\(.*\)|\s*\.\.\. \d+ (more|common frames omitted)|Caused by: )")
_BEGINS_PYTHON = re.compile(r"^(Traceback \(most recent call last\):|During handling of|The above exception was)")


def without_java(lines: list[str]) -> list[str]:
    """Return the lines of a Python traceback without the Java stacks in it."""
    kept, in_java = [], False
    for line in lines:
        if _BEGINS_PYTHON.match(line):
            in_java = False
        elif _BEGINS_JAVA.match(line):
            in_java = True
        if not in_java:
            kept.append(line)
    return kept
