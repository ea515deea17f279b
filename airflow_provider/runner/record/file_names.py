"""File names for any text. A run id or pipeline name is data, never a path."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

_EMPTY = "~"  # no other name gives this
_LONGEST = 180  # bytes; file systems stop at 255, and suffixes are added


def file_name(name: str) -> str:
    """Return a file name for any text: readable, unambiguous, without special meaning, never too long.

    Percent-encodes every character that is not safe; cuts a name that would be too long and appends its hash.
    """
    if not name:
        return _EMPTY
    raw = name.encode("utf-8", "surrogatepass")
    encoded = quote(raw, safe="").replace("~", "%7E")
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) <= _LONGEST:
        return encoded
    return f"{encoded[: _LONGEST - 65]}~{hashlib.sha256(raw).hexdigest()}"
