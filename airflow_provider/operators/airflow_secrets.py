"""What Airflow knows of secrets: the passwords of its connections, and the names that its configuration hides."""

from __future__ import annotations

from airflow_provider.masking import add_redactor


def use_airflow_redactor() -> None:
    """Mask from now on what Airflow's log masks, too. Where Airflow has no masker our own rules stand alone."""
    try:
        from airflow.providers.common.compat.sdk import redact
    except ImportError:
        return
    add_redactor(redact)
