"""Patterns of paths as Hadoop understands them: ``*``, ``?``, ``[a-z]``, ``[^a]``, ``{a,b}``, and ``\\`` before any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_SPECIAL = re.compile(r"[*?\[\]{}\\]")


def is_glob(path: str) -> bool:
    """Return whether a path as it was written is a pattern for Hadoop."""
    return _SPECIAL.search(path) is not None


def escaped(path: str) -> str:
    """Return a pattern that means a path literally."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], path)


def path_parts(path: str) -> list[str]:
    """Return storage (scheme and host, empty for local) and the names of a path in one spelling, or of a pattern."""
    found = re.match(r"^(\w[\w+.-]*://[^/]*)?(/.*|)$", path, re.DOTALL)
    storage, rest = (found[1] or "", found[2]) if found else ("", path)
    return [storage, *filter(None, re.split(r"/(?![^{]*\})", rest))]


@lru_cache(maxsize=1024)
def name_pattern(pattern: str) -> str:
    """Return a regular expression for one name of a pattern.

    :raises re.error: it is no pattern
    """
    out, depth, index = [], 0, 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\" and index + 1 < len(pattern):
            index += 1
            out.append(re.escape(pattern[index]))
        elif char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and (end := pattern.find("]", index + 2)) > 0:
            inside = pattern[index + 1 : end]
            negated = inside[:1] in ("^", "!")
            members = re.sub(r"([\\\[^])", r"\\\1", inside[negated:])
            out.append(f"[{'^' if negated else ''}{members}]")
            index = end
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        else:
            out.append(re.escape(char))
        index += 1
    expression = "(?s:" + "".join(out) + ")"
    re.compile(expression)
    return expression


def pattern_of(roots: Sequence[str]) -> str | None:
    """Return a pattern that several paths may have been found with; None if they have nothing in common.

    Where they differ it has ``*``, before an ending that they share.

    :param roots: paths in one spelling
    """
    split = [path_parts(root) for root in roots]
    if len(roots) < 2 or len({(parts[0], len(parts)) for parts in split}) != 1:
        return None
    names = []
    for column in zip(*(parts[1:] for parts in split), strict=True):
        if len(set(column)) == 1:
            names.append(escaped(column[0]))
        else:
            endings = {name.rpartition(".")[2] if "." in name else "" for name in column}
            ending = endings.pop() if len(endings) == 1 else ""
            names.append(f"*.{escaped(ending)}" if ending else "*")
    return None if names[0].startswith("*") else "/".join([split[0][0], *names])
