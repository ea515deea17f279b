"""Groups pydantic's errors by value: pydantic reports one error for each type that a field accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_KIND_NAME = re.compile(
    r"(?:str|bool|int|float|bytes|date|datetime|time|timedelta|decimal|none|any|(?:list|dict|set|tuple|frozenset|model)\b.*"
    r"|(?:constrained|function|lax|json|nullable|is-instance|literal|union|tagged)\b.*|[A-Z]\w*)$"
)
"""Names of pydantic's for the kinds of a field that takes several."""


def errors_by_value(error: ValidationError, data: Any) -> list[list[ErrorDetails]]:
    """Group the errors by the value that they concern.

    Where a field accepts several types, pydantic reports what is wrong for each of them, below its own name for the
    type. An error inside a value counts more than one about the value: there the author meant that type.
    """
    groups: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    of_a_kind: set[tuple[int | str, ...]] = set()
    for item in error.errors(include_url=False):
        place, stray = _place_in(data, item)
        if stray:
            of_a_kind.add(place[: len(stray)])
        groups.setdefault(place, []).append({**item, "loc": place})
    return [
        items
        for place, items in groups.items()
        if not (
            len(items) == 1 and any(other[: len(place)] == place != other for other in groups) and place in of_a_kind
        )
    ]


def _place_in(data: Any, item: ErrorDetails) -> tuple[tuple[int | str, ...], tuple[int | str, ...]]:
    """Return where the author wrote the value, and the same up to the first name that only pydantic knows."""
    if data is None:
        return item["loc"], ()
    place: list[int | str] = []
    stray: tuple[int | str, ...] = ()
    location = item["loc"]
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if part == "[key]" or (last and item["type"] in ("missing", "extra_forbidden")):
            place.append(part)
        elif isinstance(data, Mapping) and (part in data or str(part) in map(str, data)):
            data = next(value for key, value in data.items() if key == part or str(key) == str(part))
            place.append(part)
        elif isinstance(data, (list, tuple)) and isinstance(part, int) and part < len(data):
            data = data[part]
            place.append(part)
        elif index == 0 or not _names_a_kind(part):
            place.append(part)
        elif not stray:
            stray = tuple(place)
    return tuple(place), stray


def _names_a_kind(part: int | str) -> bool:
    return isinstance(part, str) and bool(_KIND_NAME.match(part))
