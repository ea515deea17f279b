"""What one component is about to write, with everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider.components.protection.write_protection import WriteProtection
from airflow_provider.components.writing.write_config import WriteConfig
from airflow_provider.errors import WriteRefusedError
from airflow_provider.runner.config.component_context import ComponentContext


@dataclass(frozen=True)
class WriteJob:
    """What a component writes, and the facts around it.

    :param config: the component's config
    :param context: the pipeline around it; None without one
    :param base_dir: where relative paths of SQL files start
    """

    spark: Any
    config: WriteConfig
    frame: Any
    context: ComponentContext | None
    base_dir: Path

    @property
    def component(self) -> str:
        return self.context.component if self.context else "WriteData"

    def protection(self) -> WriteProtection:
        return WriteProtection(self.spark, self.context, self.base_dir)

    def writer(self, mode: str, format_: str | None = None) -> Any:
        """Return Spark's writer, set up as the config says."""
        config = self.config
        options = dict(config.options)
        if config.table is not None:  # a table keeps its options, and this one does not concern its files
            options = {k: v for k, v in options.items() if k.lower() != "partitionoverwritemode"}
        writer = self.frame.write.format(format_ or config.format).mode(mode).options(**options)
        return writer.partitionBy(*config.partition_by) if config.partition_by else writer

    def refused(self, why: str, remedy: str) -> WriteRefusedError:
        return WriteRefusedError(self.component, self.config.target, why, remedy)
