"""How today's config differs from a checkpoint's: which fields, never their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FieldHashes = Mapping[str, str]
"""Field of a component (``class_path``, ``config.sql``, …) to a short hash of its value."""


@dataclass(frozen=True)
class ConfigChange:
    """One difference between the config of a checkpoint and today's.

    :param field: which field differs, None if the whole component was added or removed
    :param kind: ``added``, ``removed`` or ``changed``
    """

    component: str
    field: str | None
    kind: str

    def __str__(self) -> str:
        subject = f"{self.component!r}" if self.field is None else f"{self.field} of {self.component!r}"
        return f"{subject} {self.kind}"


def compare_config(before: Mapping[str, FieldHashes], after: Mapping[str, FieldHashes]) -> list[ConfigChange]:
    """List what differs, in the order of today's components and then of the removed ones.

    :param before: component to field hashes at the time of the checkpoint
    :param after: the same for today's config
    """
    found = []
    for name, fields in after.items():
        if name not in before:
            found.append(ConfigChange(name, None, "added"))
            continue
        earlier = before[name]
        for field in [*fields, *(f for f in earlier if f not in fields)]:
            if field not in earlier:
                found.append(ConfigChange(name, field, "added"))
            elif field not in fields:
                found.append(ConfigChange(name, field, "removed"))
            elif earlier[field] != fields[field]:
                found.append(ConfigChange(name, field, "changed"))
    found += [ConfigChange(name, None, "removed") for name in before if name not in after]
    return found
