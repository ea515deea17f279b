"""Connects Airflow's secrets masker, which knows the passwords of connections and the names to hide."""

from __future__ import annotations

from airflow_provider.masking import add_redactor


def use_airflow_redactor() -> None:
    """Also mask what Airflow masks in its log, from now on. Without Airflow's masker only our own rules apply."""
    try:
        from airflow.providers.common.compat.sdk import redact
    except ImportError:
        return
    add_redactor(redact)
