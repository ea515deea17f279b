"""Write a view to a path or table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from airflow_provider.components import static_checks
from airflow_provider.components.base import ComponentModel, Options, ReadyMade, option


class WriteConfig(ComponentModel):
    """Config of :class:`WriteData`.

    :param input_view: view or table to write
    :param path: where to write; any URL that Spark can write
    :param table: table to write instead of a path
    :param format: ``parquet``, ``orc``, ``csv``, ``delta``, … any format of the cluster
    :param mode: ``overwrite`` can be repeated safely; ``append`` can double rows if the task dies while it
        writes; ``error`` fails if there is something already; ``ignore`` then does nothing
    :param partition_by: columns to partition by
    :param options: options of the format
    """

    input_view: str = Field(min_length=1)
    path: str | None = Field(default=None, min_length=1)
    table: str | None = Field(default=None, min_length=1)
    format: str = "parquet"
    mode: Literal["overwrite", "append", "error", "errorifexists", "ignore"] = "overwrite"
    partition_by: list[str] = Field(default_factory=list)
    options: Options = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.path is None) == (self.table is None):
            raise ValueError("give either 'path' or 'table'")
        return self


class WriteData(ReadyMade[WriteConfig]):
    """Write a view to a path or a table."""

    config_model = WriteConfig

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Names that Spark does not take."""
        read = WriteConfig.model_validate(config)
        yield from static_checks.source_name("input_view", read.input_view)
        yield from static_checks.source_name("table", read.table)

    def run(self) -> None:
        config = self.config
        writer = self.spark.table(config.input_view).write.format(config.format).mode(config.mode)
        writer = writer.options(**{k: option(v) for k, v in config.options.items()})
        if config.partition_by:
            writer = writer.partitionBy(*config.partition_by)
        if config.table:
            writer.saveAsTable(config.table)
        else:
            writer.save(config.path)
        self.logger.info("wrote view %r to %s", config.input_view, config.table or config.path)
