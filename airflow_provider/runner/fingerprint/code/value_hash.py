"""Hashes of plain data, independent of the order of sets, which do not reveal the values."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.fingerprint.code.code_reading import short_hash

_MOST_ITEMS = 100_000

_SCALARS = (type(None), bool, int, float, complex, str, bytes, type(...))
_WITH_TEXT = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.PurePath,
    uuid.UUID,
)


class NotPlainError(TypeError):
    """The value is not plain data, or there is too much of it."""


def value_hash(value: Any, place: str = "") -> str:
    """Return a short hash of plain data.

    :param value: numbers, text, dates, paths, patterns, enum members, dataclasses, and collections of them. The order
        of a mapping counts, because iteration shows it; that of a set does not
    :param place: a directory to remove from texts and paths, so that a moved checkout keeps its hashes
    :raises NotPlainError: it is something else
    """
    return short_hash([_text(value, place, [0], 0)])


def _text(value: Any, place: str, count: list[int], depth: int) -> str:
    count[0] += 1
    if count[0] > _MOST_ITEMS or depth > 50:
        raise NotPlainError("too much")
    kind = type(value).__name__

    def inner(item: Any) -> str:
        return _text(item, place, count, depth + 1)

    if isinstance(value, enum.Enum):
        return f"{kind}.{value.name}({inner(value.value)})"
    if isinstance(value, _SCALARS) and type(value) in _SCALARS:
        text = repr(value)
        return f"{kind}:{text.replace(place, '') if place and isinstance(value, str) else text}"
    if isinstance(value, _WITH_TEXT):
        text = str(value)
        return f"{kind}:{text.replace(place, '') if place else text}"
    if isinstance(value, re.Pattern):
        return f"pattern({value.pattern!r},{value.flags})"
    if isinstance(value, Mapping):
        return f"{kind}{{{','.join(f'{inner(key)}={inner(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"{kind}[{','.join(map(inner, value))}]"
    if isinstance(value, (set, frozenset)):
        return f"{kind}<{','.join(sorted(map(inner, value)))}>"
    if isinstance(value, range):
        return repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f"{field.name}={inner(getattr(value, field.name, None))}" for field in dataclasses.fields(value)]
        return f"{kind}({','.join(fields)})"
    raise NotPlainError(f"a {kind} is no plain data")
