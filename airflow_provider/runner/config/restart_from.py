"""Where to restart from: which components run again although they had completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from airflow_provider.runner.config.scalars import TextAsWritten

_SHOWN = 12


class RestartFrom(TextAsWritten):
    """Run components again although they had completed, and reuse everything else.

    Write the name of a component, a list of names, or a mapping with these fields.

    :param components: their names
    :param only: run only these; default: with all their descendants
    :param until: of the descendants, run only those up to this one in the order of execution; default: all
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    components: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)
    only: bool = False
    until: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if _is_name(data) or isinstance(data, (list, tuple)):
            data = {"components": data}
        if isinstance(data, Mapping) and _is_name(data.get("components")):
            data = {**data, "components": [data["components"]]}
        return data

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if self.only and self.until is not None:
            raise ValueError("has both 'only' and 'until'; remove one of them")
        return self

    @property
    def partial(self) -> bool:
        """Whether some of the descendants are left out."""
        return self.only or self.until is not None

    @property
    def names(self) -> tuple[str, ...]:
        """All components that it mentions."""
        return (*self.components, self.until) if self.until is not None else self.components

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.components[:_SHOWN]))
        if len(self.components) > _SHOWN:
            shown += f" and {len(self.components) - _SHOWN} more"
        if self.only:
            return f"restart from {shown} alone"
        return f"restart from {shown}" + (f" until {self.until!r}" if self.until is not None else "")


def names_written(written: Any) -> list[Any]:
    """Return whatever a ``restart_from`` has in place of component names; it may be wrong in any way."""
    if isinstance(written, RestartFrom):
        return list(written.names)
    found = [written]
    if isinstance(written, Mapping):
        found = [written.get("components"), written.get("until")]
    return [name for item in found for name in (item if isinstance(item, (list, tuple)) else [item])]


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)
