"""How messages show a text that comes from a record, which may be of any length."""

from __future__ import annotations

_MOST = 200


def shown(text: str) -> str:
    """Return a text, cut after 200 characters."""
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
