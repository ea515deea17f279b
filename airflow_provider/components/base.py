"""What the ready-made components share."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from airflow_provider.runner.config.component import DataFlow


class ComponentModel(BaseModel):
    """Config of a ready-made component: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


Model = TypeVar("Model", bound=ComponentModel)


class ReadyMade(DataFlow, Generic[Model]):
    """A component that is built from its validated config."""

    def __init__(self, config: Model) -> None:
        self.config = config


def option(value: str | bool | int | float) -> str:
    """Spell an option's value as Spark does: ``True`` is ``true``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
