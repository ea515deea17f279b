"""Spark properties as they are written in DAG files and connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.session_state.capture import looks_secret


def spell(value: Any) -> str:
    """Return a value as Spark spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def masked(conf: Mapping[str, str]) -> str:
    """Return properties for the log, without what looks like a secret."""
    shown = {key: "***" if looks_secret(key, value, conf) else value for key, value in conf.items()}
    return ", ".join(f"{key}={shown[key]}" for key in sorted(shown)) or "none"
