"""Turns pydantic's errors about a config into sentences for the author."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.config.error_groups import errors_by_value
from airflow_provider.runner.config.scalars import WrittenWord

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (WrittenWord, "the word"),
    (type(None), "nothing"),
    (bool, "a boolean"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a decimal number"),
    (Mapping, "a mapping"),
    ((list, tuple), "a list"),
    (datetime.date, "a date"),
)

_EXPECTED = {
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}

_LIST = re.compile(r"\s*\[\s*(?:['\"{\[\d-].*)?\]\s*", re.DOTALL)
_MAPPING = re.compile(r"\s*\{\s*(?:['\"].*)?\}\s*", re.DOTALL)
SHARED = "; put shared parts under a name that begins with 'x-'"

NATIVE = "a template always renders to text, unless the DAG sets render_template_as_native_obj=True"

_MAY_BE_SECRET = {"config", "spark_conf"}
"""Fields under which the author may have written a secret: what stands there is never shown."""

_LONGEST_SHOWN = 60
_MOST_FIELDS = 16


def validation_problems(
    error: ValidationError, model: type[BaseModel], component: str | None, data: Any = None, *, show_values: bool = True
) -> list[ConfigProblem]:
    """Translate pydantic's errors about one model into problems with field and remedy, one for each value.

    :param data: what the author wrote; without it, a field that accepts several types gets a problem for each
    :param show_values: whether a message may repeat a short value that the author wrote
    """
    problems = []
    for items in errors_by_value(error, data):
        item = _joined(items)
        location = item["loc"]
        if location[-1:] == ("[key]",) or item["type"] == "invalid_key":
            message = f"the key {item['input']!r} is {kind_in_words(item['input'])}, expected text; put it in quotes"
            place = location[:-2] if location[-1:] == ("[key]",) else location[:-1]
        else:
            message = _message(item, model, component, show_values and not _MAY_BE_SECRET.intersection(location))
            place = location
        problems.append(ConfigProblem(message, component, ".".join(map(str, place)) or None))
    return problems


def _joined(items: list[ErrorDetails]) -> ErrorDetails:
    """Merge several errors about one value."""
    expected = [_EXPECTED[item["type"]] for item in items if item["type"] in _EXPECTED]
    if len(items) == 1 or not expected:
        return items[0]
    expected += [item["ctx"]["expected"] for item in items if item["type"] == "literal_error"]
    return {**items[0], "type": "several", "ctx": {"expected": " or ".join(dict.fromkeys(expected))}}


def _message(item: ErrorDetails, model: type[BaseModel], component: str | None, show_value: bool) -> str:
    kind, value = item["type"], item["input"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        hint = suggestion(str(item["loc"][-1]), _fields_at(model, item["loc"]), most=_MOST_FIELDS)
        at_the_top = len(item["loc"]) == 1 and component is None
        return "is not a known field" + (hint or (SHARED if at_the_top else ""))
    if kind in ("too_short", "string_too_short") and not value:
        return "is empty"
    if kind in ("value_error", "assertion_error"):
        return str(item["ctx"]["error"])  # the message of the check itself
    if kind in _EXPECTED or kind == "several":
        expected = item["ctx"]["expected"] if kind == "several" else _EXPECTED[kind]
        remedy = _remedy(expected, value)
        return f"expected {expected}{_required(model, item['loc'])}, got {_got(value, show_value)}{remedy}"
    text = item["msg"].replace("Input should be", "must be")
    shown = _shown(value) if show_value else ""
    return f"{text[:1].lower()}{text[1:]}" + (f", got {shown}" if shown else "")


def _remedy(expected: str, value: Any) -> str:
    wanted = expected.split(" or ")
    if "text" in wanted and isinstance(value, (bool, int, float, datetime.date)):  # true, 1.10, 2024-01-01
        return "; put it in quotes"
    if isinstance(value, str) and (("a list" in wanted and looks_like_list(value)) or looks_like_mapping(value)):
        return f" that looks like {'a list' if looks_like_list(value) else 'a mapping'}; {NATIVE}"
    return ""


def looks_like_list(text: str) -> bool:
    """Return whether a text is a list as Python prints it, which is what a template makes of one."""
    return bool(_LIST.fullmatch(text))


def looks_like_mapping(text: str) -> bool:
    """Return whether a text is a mapping as Python prints it."""
    return bool(_MAPPING.fullmatch(text))


def _required(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Return the required fields if the whole model was expected to be a mapping."""
    required = [] if location else [name for name, field in model.model_fields.items() if field.is_required()]
    return f" with {' and '.join(required)}" if required else ""


def _got(value: Any, show: bool) -> str:
    shown = _shown(value) if show else ""
    return f"{kind_in_words(value).removeprefix('a ')} {shown}" if shown else kind_in_words(value)


def _shown(value: Any) -> str:
    """Return a short value as Python prints it, else nothing: a whole component may have slipped into its place."""
    items = value if isinstance(value, (list, tuple)) else [value]
    scalar = all(isinstance(item, (bool, int, float, str)) for item in items)
    text = repr(value) if scalar else ""
    return text if len(text) <= _LONGEST_SHOWN else ""


def kind_in_words(value: Any) -> str:
    """Return the type of a value in the words of a config file: ``a mapping``, ``text``."""
    for types, kind in _KINDS:
        if isinstance(value, types):
            return kind
    return with_article(type(value).__name__)


def with_article(noun: str) -> str:
    """Return ``an object``, ``a function``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def component_name(component: Any) -> str | None:
    """Return the component's name if it has a usable one."""
    return as_name(component.get("name") if isinstance(component, Mapping) else getattr(component, "name", None))


def as_name(value: Any) -> str | None:
    """Return a name as validation will read it: a number becomes its text. None if it cannot be a name."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def suggestion(word: str, known: Iterable[str], most: int = 12) -> str:
    """Return ``; did you mean 'x'?`` if one of the known words is close, else the known words.

    :param most: list no more words than this
    """
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; choose from {', '.join(map(repr, names))}" if 0 < len(names) <= most else ""


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the fields that the author may write next to the one at this location."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        candidates = getattr(field.annotation, "__args__", (field.annotation,)) if field else ()
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return []
        model = nested[0]
    return [field.alias or name for name, field in model.model_fields.items()]
