"""Finds a config built in Python that contains itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTAINS_ITSELF = "contains itself; remove that part"


def find_self_reference(value: Any) -> str | None:
    """Return the dotted path of a mapping or list that contains itself, None if there is none."""
    done: set[int] = set()
    above: dict[int, tuple[str, ...]] = {}

    def look(value: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if id(value) in above:
            return above[id(value)] or path
        if not isinstance(value, (Mapping, list, tuple)) or id(value) in done:
            return None
        above[id(value)] = path
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            found = look(item, (*path, str(key)))
            if found is not None:
                return found
        del above[id(value)]
        done.add(id(value))
        return None

    found = look(value, ())
    return ".".join(found) if found is not None else None
