"""Spark properties as DAG files and connections spell them."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider.errors import SparkConfigError
from airflow_provider.masking import MASK, looks_secret

DEFAULT_CONNECTION = "spark_default"
"""The operators' default connection; it may be missing."""

_MAY_BE_NONE = re.compile(r"codec|compress", re.IGNORECASE)
"""Properties for which Spark knows the value ``None``."""


def spell(value: Any) -> str:
    """Return a value as Spark spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def properties(given: Any, place: str) -> dict[str, str]:
    """Return Spark properties as Spark spells them.

    :param given: a mapping; JSON or a Python literal of one, as a template renders it; or None for nothing
    :param place: where they are written, for messages
    :raises SparkConfigError: it is something else, or a value is missing or not text
    """
    if isinstance(given, str):
        given = _parsed(given, place)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise SparkConfigError(f"{place} must be a mapping of Spark properties, and is of type {kind}")
    problems = [problem for key, value in given.items() if (problem := _problem(key, value))]
    if problems:
        raise SparkConfigError("; ".join(f"{place}: {problem}" for problem in problems))
    return {key: spell(value) for key, value in given.items()}


def masked(conf: Mapping[str, str]) -> list[str]:
    """Return properties for the log, a line each, with masks for what looks like a secret."""
    shown = {key: MASK if looks_secret(key, value, conf) else value for key, value in conf.items()}
    return [f"{key}={shown[key]}" for key in sorted(shown)] or ["none"]


def log_properties(logger: logging.Logger, conf: Mapping[str, str]) -> None:
    """Log the effective properties, folded where that can be done."""
    from airflow_provider.runner.observing.log_groups import (
        log_group,
    )  # a DAG file imports this module, and not the engine

    with log_group(logger, "Spark properties"):
        for line in masked(conf):
            logger.info("%s", line)


def _parsed(text: str, place: str) -> Any:
    if text.strip() in ("", "None", "null"):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    raise SparkConfigError(
        f"{place} is text but not a mapping of Spark properties in JSON or Python; a template must render to one, such "
        "as {'spark.executor.memory': '2g'}"
    )


def _problem(key: Any, value: Any) -> str | None:
    """Return what is wrong with a property, without its value, which may be a secret."""
    if not isinstance(key, str) or not key.strip():
        return f"{key!r} is not the name of a Spark property; names are text such as 'spark.executor.memory'"
    if value is None or (isinstance(value, str) and value.strip() == "None" and not _MAY_BE_NONE.search(key)):
        return f"property {key!r} is None; give it a value or leave it out"
    if isinstance(value, Mapping):
        return f"property {key!r} is a mapping; write the whole name of each property, such as '{key}.name'"
    if isinstance(value, (list, tuple, set, frozenset)):
        return (
            f"property {key!r} is a {type(value).__name__}; Spark takes text: write the items with commas between them"
        )
    if isinstance(value, (bytes, bytearray)):
        return f"property {key!r} is bytes; Spark takes text"
    return None
