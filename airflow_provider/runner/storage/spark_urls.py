"""How an address is spelled for Python and for Spark."""

from __future__ import annotations

import re
from pathlib import Path


def local_path(url: str) -> Path | None:
    """Return the path of a local url, None if it is on other storage."""
    # Taken literally, as Hadoop does: '#', '?' and '%' are ordinary characters of a name.
    path = re.sub(r"^file:(//[^/]*)?(?=/)", "", url)
    return Path(path) if path.startswith("/") else None


def readable(url: str) -> str:
    """Return a url as Spark reads it: local ones are local on a cluster too, and no character is a wildcard."""
    return re.sub(r"([{}\[\]*?\\])", r"\\\1", writable(url))


def writable(url: str) -> str:
    """Return a url as Spark writes it: local ones are local on a cluster too."""
    path = local_path(url)
    return f"file://{path}" if path is not None else url
