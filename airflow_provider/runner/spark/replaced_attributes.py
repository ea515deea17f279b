"""Attributes of classes and modules that are replaced for a while, and put back exactly."""

from __future__ import annotations

from typing import Any

_ABSENT = object()


class ReplacedAttributes:
    """Replaces attributes. What somebody else has replaced meanwhile stays when they are put back."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def keep(self, owner: Any, name: str) -> None:
        """Put an attribute back later to what it is now, whoever replaces it."""
        self._replaced.append((owner, name, vars(owner).get(name, _ABSENT), _ABSENT))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Replace one attribute.

        :param owner: a class or a module; what it inherits is hidden, not replaced
        """
        self._replaced.append((owner, name, vars(owner).get(name, _ABSENT), value))
        setattr(owner, name, value)

    def put_back(self) -> None:
        """Put all of them back, the last one first."""
        while self._replaced:
            owner, name, before, value = self._replaced.pop()
            if value is not _ABSENT and vars(owner).get(name, _ABSENT) is not value:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
