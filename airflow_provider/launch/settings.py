"""Spark properties as they are written in DAG files and connections."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider.masking import MASK, looks_secret

DEFAULT_CONNECTION = "spark_default"
"""The connection that an operator uses if it is given none; it may be missing."""


def spell(value: Any) -> str:
    """Return a value as Spark spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def masked(conf: Mapping[str, str]) -> list[str]:
    """Return properties for the log, a line for each, without what looks like a secret."""
    shown = {key: MASK if looks_secret(key, value, conf) else value for key, value in conf.items()}
    return [f"{key}={shown[key]}" for key in sorted(shown)] or ["none"]


def log_properties(logger: logging.Logger, conf: Mapping[str, str]) -> None:
    """Log the effective properties, folded where that can be done."""
    from airflow_provider.runner.observing.folds import fold  # a DAG file imports this module, and not the engine

    with fold(logger, "Spark properties"):
        for line in masked(conf):
            logger.info("%s", line)
