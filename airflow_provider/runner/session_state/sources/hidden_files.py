"""Which names Spark leaves out when it lists a directory. Since 4.3 a setting and an option of a reader say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from airflow_provider.errors import SourceNotListedError

NOTHING = "(?!)"
"""A pattern that finds nothing: hidden files are read, too."""

_DEFAULT = "^[._]"
_SIMPLE = re.compile(r"\(\?!\)|(?:[^\\\[\](){}*+?]|\\[.$^]|\[\^?[^\\\[\]&]+\]|\((?:\?:)?|\))*")
"""What means the same in Java and in Python, and takes no long time to look for in any name."""


@lru_cache(maxsize=64)
def hidden_by(ignored: str | None) -> Callable[[str], bool]:
    """Return what tells whether Spark leaves out a file or directory of a name.

    :param ignored: regular expression of the names that are left out, as Java writes it; None for Spark's own
    :raises SourceNotListedError: it may mean something else here than in Spark
    """
    pattern = _DEFAULT if ignored is None else ignored
    try:
        if not _SIMPLE.fullmatch(pattern):
            raise re.error("more than names and classes of characters")
        found = re.compile(pattern).search
    except re.error:
        raise SourceNotListedError(f"files are left out by the pattern {pattern[:80]!r}") from None

    def is_hidden(name: str) -> bool:
        if name.startswith(("_metadata", "_common_metadata")):
            return False
        if name.endswith("._COPYING_"):
            return True
        return not (name.startswith("_") and "=" in name) and found(name) is not None

    return is_hidden
