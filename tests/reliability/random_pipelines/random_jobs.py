"""An author's module that holds state between components."""

from __future__ import annotations

from typing import Any, ClassVar

CACHE: dict[str, Any] = {}
FRAMES: dict[str, Any] = {}
RATE = 1
COUNTS: list[int] = []


class Shop:
    """Holds state in class attributes."""

    rate = 1
    seen: ClassVar[dict[str, int]] = {}
