"""What the ready-made components share."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import ConfigDict

from airflow_provider.runner.config.dataflow import DataFlow
from airflow_provider.runner.config.scalars import SparkValue, TextAsWritten


class ComponentModel(TextAsWritten):
    """Config of a ready-made component; it refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    @classmethod
    def numbers_as_text(cls) -> frozenset[str]:
        """Return the options of formats, many of which are numbers."""
        return frozenset({"options"})


FormatOptions = dict[str, SparkValue]
"""Options of a format, each spelled as Spark does."""


ConfigModel = TypeVar("ConfigModel", bound=ComponentModel)


class ReadyMadeComponent(DataFlow, Generic[ConfigModel]):
    """A component that the runner builds from its validated config."""

    def __init__(self, config: ConfigModel) -> None:
        self.config = config
