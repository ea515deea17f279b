"""Read data and leave it as a temp view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components import static_checks
from airflow_provider.components.base import ComponentModel, Options, ReadyMade, option


class ReadConfig(ComponentModel):
    """Config of :class:`ReadData`.

    :param output_view: name of the temp view
    :param path: file, directory or pattern, or a list of them; any URL that Spark can read
    :param table: table to read instead of a path
    :param format: ``csv``, ``json``, ``parquet``, ``orc``, ``jdbc``, … any format of the cluster
    :param options: options of the format
    :param schema: a DDL string such as ``id INT, name STRING``; default: the format's own or inferred
    :param where: SQL condition that rows must meet
    """

    output_view: str = Field(min_length=1)
    path: str | list[str] | None = None
    table: str | None = None
    format: str = "parquet"
    options: Options = Field(default_factory=dict)
    schema_: str | None = Field(default=None, alias="schema")
    where: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.path and self.table:
            raise ValueError("give 'path' or 'table', not both")
        if not (self.path or self.table or self.options):
            raise ValueError("give 'path' or 'table' (or 'options' for a format that needs neither)")
        return self


class ReadData(ReadyMade[ReadConfig]):
    """Read a path or table and register it as a temp view. Nothing is computed yet."""

    config_model = ReadConfig

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """A list that became text, names that Spark does not take."""
        read = ReadConfig.model_validate(config)
        yield from static_checks.paths("path", read.path)
        yield from static_checks.source_name("table", read.table)
        yield from static_checks.view_name("output_view", read.output_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """A comment that takes the rest of the condition along."""
        return static_checks.swallowed("where", config.get("where"))

    def run(self) -> None:
        config = self.config
        if config.table:
            frame = self.spark.read.options(**{k: option(v) for k, v in config.options.items()}).table(config.table)
        else:
            reader = self.spark.read.format(config.format)
            reader = reader.options(**{k: option(v) for k, v in config.options.items()})
            if config.schema_:
                reader = reader.schema(config.schema_)
            frame = reader.load(config.path) if config.path else reader.load()
        if config.where:
            frame = frame.where(config.where)
        frame.createOrReplaceTempView(config.output_view)
        self.logger.info("view %r: %d columns from %s", config.output_view, len(frame.columns), self._from())

    def _from(self) -> str:
        return f"table {self.config.table!r}" if self.config.table else f"{self.config.path or self.config.format!r}"
