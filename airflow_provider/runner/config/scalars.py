"""Values as the author wrote them in a file: the field decides whether one is a number, a word or text.

YAML 1.1 reads ``1.10`` as the number 1.1 and ``NO`` as false, and forgets the text. Here such a value keeps its text: a
field for text gets it as written, a field for a number or a boolean gets that. Where no field decides (the values of
``args``, parameters without annotation), a number is a number, and a word such as ``no`` is refused because it has two
possible meanings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

AMBIGUOUS = "could mean text or a boolean; put it in quotes, or write true or false"

QUOTE = "put it in quotes"


class _WithText:
    """A number from a file that keeps its text: it is printed, copied and compared as the number that it is."""

    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __deepcopy__(self, memo: Any) -> Self:
        return self


class WrittenFloat(_WithText, float):
    """A decimal number from a file, with its text."""

    def __new__(cls, text: str) -> Self:
        self = super().__new__(cls, text.replace("_", ""))
        self.text = text
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (float(self),)  # for Spark's workers, which need not have this package


class WrittenInt(_WithText, int):
    """A whole number that is written with ``_`` between its thousands, with its text."""

    def __new__(cls, text: str) -> Self:
        self = super().__new__(cls, text.replace("_", ""))
        self.text = text
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)


class WrittenWord(_WithText, int):
    """``yes``, ``no``, ``on`` or ``off``: a boolean for YAML 1.1, and as often text, such as the country ``NO``."""

    def __new__(cls, text: str) -> Self:
        self = super().__new__(cls, text.lower() in ("yes", "on"))
        self.text = text
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return WrittenWord, (self.text,)


class FoldedText(str):
    """Text that YAML folded from several lines into one: a ``--`` in it comments out what followed it.

    :ivar ends: the lines that are followed by more text now, as they stand in the file
    """

    ends: tuple[str, ...]

    @classmethod
    def of(cls, text: str, ends: Iterable[str]) -> Self:
        """Keep the ends of the lines with a text."""
        self = cls(text)
        self.ends = tuple(ends)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


def restore_folded_text(value: Any, written: Any) -> Any:
    """Return a rendered value in which folded text is marked as such again.

    :param value: the rendered value
    :param written: the same value as read from the file
    """
    if isinstance(written, FoldedText) and isinstance(value, str):
        return FoldedText.of(value, written.ends)
    if isinstance(written, Mapping) and isinstance(value, dict):
        return {key: restore_folded_text(item, written.get(key)) for key, item in value.items()}
    if isinstance(written, list) and isinstance(value, list) and len(written) == len(value):
        return [restore_folded_text(item, one) for item, one in zip(value, written, strict=True)]
    return value


_WRITTEN = (WrittenFloat, WrittenInt, WrittenWord)
WrittenValue = WrittenFloat | WrittenInt | WrittenWord


def _as_it_was(dumper: yaml.SafeDumper, value: WrittenValue) -> yaml.ScalarNode:
    tag = {WrittenFloat: "float", WrittenInt: "int", WrittenWord: "bool"}[type(value)]
    return dumper.represent_scalar(f"tag:yaml.org,2002:{tag}", value.text)


for _kind in _WRITTEN:
    yaml.SafeDumper.add_representer(_kind, _as_it_was)  # type: ignore[arg-type]
yaml.SafeDumper.add_representer(FoldedText, yaml.SafeDumper.represent_str)


def plain_value(value: Any) -> Any:
    """Return a value with Python's own numbers in it. Words stay: see :func:`ambiguous_words`."""
    if isinstance(value, WrittenFloat):
        return float(value)
    if isinstance(value, WrittenInt):
        return int(value)
    if isinstance(value, FoldedText):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if type(value) is tuple:
        return tuple(plain_value(item) for item in value)
    return value


def spark_text(value: Any) -> Any:
    """Spell a value as Spark does in its properties and options: ``True`` is ``true``, a number is its text."""
    if value is None:
        raise PydanticCustomError("value_error", "{error}", {"error": "has no value; give it one, or remove it"})
    if isinstance(value, WrittenWord):
        raise PydanticCustomError("value_error", "{error}", {"error": f"{str(value)!r} {AMBIGUOUS}"})
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


SparkValue = Annotated[str, BeforeValidator(spark_text)]
"""A value of a Spark property or of an option of a format."""


def ambiguous_words(
    value: Any, path: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], WrittenWord]]:
    """Yield path and value of every ``yes``, ``no``, ``on`` and ``off`` in a value."""
    if isinstance(value, WrittenWord):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from ambiguous_words(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from ambiguous_words(item, (*path, index))


class TextAsWritten(BaseModel):
    """A model whose text fields take a number from a file as written, and refuse one that lost its text in Python.

    A float of Python's own, such as ``1.10``, no longer shows how it was written. So a text field refuses it, except
    for the fields of ``numbers_as_text``.
    """

    @classmethod
    def numbers_as_text(cls) -> frozenset[str]:
        """Return the text fields in which a number means its text."""
        return frozenset()

    @classmethod
    def left_as_written(cls) -> frozenset[str]:
        """Return the fields whose values another model reads later."""
        return frozenset()

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_written(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        found = handler(value)
        if info.field_name in cls.left_as_written():
            return found
        problems = [_problem("word", f"{str(word)!r} {AMBIGUOUS}", path, word) for path, word in ambiguous_words(found)]
        if info.field_name not in cls.numbers_as_text():
            problems += [
                _problem("float_as_text", f"expected text, got decimal number {item!r}; {QUOTE}", path, item)
                for path, item in _lost_text(value, found)
            ]
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        return plain_value(found)


def _problem(kind: str, message: str, path: tuple[int | str, ...], value: Any) -> InitErrorDetails:
    error = PydanticCustomError("value_error", "{error}", {"error": message, "about": kind})
    return InitErrorDetails(type=error, loc=path, input=value)


def _lost_text(before: Any, after: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[Any, float]]:
    """Yield the floats of Python's own that became text."""
    if type(before) is float and isinstance(after, str):
        yield path, before
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before.keys() & after.keys():
            yield from _lost_text(before[key], after[key], (*path, key))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost_text(one, other, (*path, index))


def is_shared_part(key: Any) -> bool:
    """Return whether a key holds shared parts, as in a compose file: ``x-defaults``."""
    return isinstance(key, str) and key.startswith("x-")
