"""Cuts texts of a progress document to size. Sizes are those of the JSON that Airflow counts: ASCII, with escapes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

_CUT = "…"
_DIGITS = 8  # of the hash that keeps a cut name distinct
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What a database or MessagePack refuses: control characters, and halves of characters."""


def json_size(data: Any) -> int:
    """Return how many characters data has as Airflow counts them."""
    return len(json.dumps(data, allow_nan=False))


def storable(text: str) -> str:
    """Return a text with a mark in place of each character that cannot be stored."""
    return _UNSTORABLE.sub("�", text)


def cut_text(text: str, most: int) -> str:
    """Return a text cut at its end, if it is larger.

    :param most: characters of JSON
    """
    if len(text) * 12 <= most or json_size(text) - 2 <= most:
        return text
    return _beginning(text, most - json_size(_CUT) + 2) + _CUT


def cut_names(names: Sequence[str], most: int) -> list[str]:
    """Return names of which the long ones are cut, and which differ from each other.

    :param most: characters of JSON for one name, at least 30
    """
    small = {name for name in names if json_size(name) - 2 <= most}
    taken: set[str] = set()
    found = []
    for place, name in enumerate(names):
        cut = name
        if name not in small or name in taken:
            tail = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
            cut = _beginning(name, most - _DIGITS - 6) + _CUT + tail
            while cut in taken or cut in small:  # someone has named another one so
                tail = f"{place}-{tail}"
                cut = _CUT + tail
        taken.add(cut)
        found.append(cut)
    return found


def add_as_many_as_fit(document: dict[str, Any], field: str, items: Sequence[Any], budget: int) -> int:
    """Add as many items as there is room for, the first ones first; return what they take."""
    taken, size = [], len(field) + 8
    for item in items:
        size += json_size(item) + 2
        if size > budget:
            break
        taken.append(item)
    if not taken:
        return 0
    document[field] = taken
    return json_size(taken) + len(field) + 8


def _beginning(text: str, most: int) -> str:
    """Return as much of a text as fits into so many characters of JSON."""
    low, high = 0, min(len(text), max(0, most))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if json_size(text[:middle]) - 2 <= most else (low, middle - 1)
    return text[:low]
