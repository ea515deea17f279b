"""Write a view to a path or table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.components import config_checks
from airflow_provider.components.component_base import ReadyMadeComponent
from airflow_provider.components.destination.directory_swap import TargetDirectory, run_token
from airflow_provider.components.writing.replace_table import heal_table
from airflow_provider.components.writing.write_config import FILE_FORMATS, WriteConfig
from airflow_provider.components.writing.write_job import WriteJob
from airflow_provider.components.writing.write_path import write_path, write_without_place
from airflow_provider.components.writing.write_table import write_table
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class WriteData(ReadyMadeComponent[WriteConfig]):
    """Write a view to a path or a table.

    Where the storage allows it, the old data survive until the new data are complete. Where it does not, a write over
    data that the run still needs is refused before anything is deleted. See ``docs/how-to/write-data.md``.

    :raises WriteRefusedError: the write would destroy, or hide, what the run still needs
    """

    config_model = WriteConfig

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Report names that Spark does not accept."""
        read = WriteConfig.model_validate(config)
        yield from config_checks.check_source_name("input_view", read.input_view)
        yield from config_checks.check_source_name("table", read.table)

    @classmethod
    def before_attempt(cls, config: Mapping[str, Any], spark: SparkSession, context: ComponentContext) -> None:
        """Restore what an earlier attempt moved aside before it ended between two renames: others may read it first."""
        path, format_ = config.get("path"), str(config.get("format", "parquet")).lower()
        if isinstance(path, str) and path and format_ in FILE_FORMATS and spark_kind(spark) == "classic":
            TargetDirectory(spark, path, run_token(context)).heal()
        elif isinstance(config.get("table"), str):
            heal_table(spark, config["table"], run_token(context))

    def run(self) -> None:
        config = self.config
        job = WriteJob(self.spark, config, self.spark.table(config.input_view), self.context, self.base_dir)
        why_not = None
        if config.table is not None:
            why_not = write_table(job)
        elif config.path is not None:
            why_not = write_path(job)
        else:
            write_without_place(job)
        if why_not is not None:
            self.logger.warning("nothing was written to %s: %s", config.target, why_not)
        else:
            self.logger.info("wrote view %r to %s", config.input_view, config.table or config.path or config.target)
