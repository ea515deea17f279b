"""Read data into a temp view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider.components import config_checks
from airflow_provider.components.checking.check_conditions import first_line
from airflow_provider.components.component_base import ReadyMadeComponent
from airflow_provider.components.destination.table_layout import unambiguous_name
from airflow_provider.components.reading.corrupt_records import (
    corrupt_column,
    corrupt_record_files,
    separate_corrupt_records,
)
from airflow_provider.components.reading.read_config import ReadConfig
from airflow_provider.components.reading.schema import read_schema_file, spark_schema
from airflow_provider.components.reading.silent_loss import silent_losses
from airflow_provider.errors import DataCheckError, DataReadError
from airflow_provider.runner.record.view_names import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_FILES = ("csv", "json", "xml", "parquet", "orc", "avro", "text", "binaryfile")


class ReadData(ReadyMadeComponent[ReadConfig]):
    """Read a path or table and register it as a temp view. This computes nothing yet.

    :raises DataReadError: there are no data files, or the schema or an expression is wrong
    :raises DataCheckError: there are more corrupt records than ``max_corrupt_records``
    """

    config_model = ReadConfig
    ordered_fields: ClassVar[tuple[str, ...]] = ("schema", "select")

    @classmethod
    def fingerprint_files(cls, config: Mapping[str, Any]) -> list[str]:
        """A changed schema file is a changed component."""
        return [config["schema_file"]] if isinstance(config.get("schema_file"), str) else []

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Report a list turned into text, a missing file, and names that Spark does not accept."""
        read = ReadConfig.model_validate(config)
        yield from config_checks.check_paths("path", read.path)
        yield from config_checks.check_file("schema_file", read.schema_file, base_dir)
        yield from config_checks.check_source_name("table", read.table)
        yield from config_checks.check_view_name("output_view", read.output_view)
        yield from config_checks.check_view_name("corrupt_records_view", read.corrupt_records_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a comment that swallows the rest of the condition."""
        return config_checks.check_comments("where", config.get("where"))

    def run(self) -> None:
        config = self.config
        schema = self._schema()
        corrupt = None
        if config.separates_corrupt:
            column = corrupt_column(self.spark, config.options, schema)
            parsed = separate_corrupt_records(partial(self._load, columnNameOfCorruptRecord=column), schema, column)
            frame, corrupt = parsed.good if config.corrupt_records_view else parsed.everything, parsed.corrupt
            self._count(corrupt)
        else:
            frame = self._load(schema)
        for loss in silent_losses(self.spark, config.paths, config.format, config.options, schema):
            self.logger.warning("%s: %s", self._from(), loss)
        if config.where:
            frame = frame.where(config.where)
        if config.select:
            frame = self._selected(frame)
        frame.createOrReplaceTempView(config.output_view)
        self.logger.info("view %r: %d columns from %s", config.output_view, len(frame.columns), self._from())
        if corrupt is not None and config.corrupt_records_view:
            corrupt.createOrReplaceTempView(config.corrupt_records_view)
            self.logger.info("view %r: the records that Spark could not parse", config.corrupt_records_view)

    def _schema(self) -> StructType | None:
        config = self.config
        given = read_schema_file(self.base_dir / config.schema_file) if config.schema_file else config.schema_
        return None if given is None else spark_schema(given)

    def _load(self, schema: StructType | None, **more: str) -> DataFrame:
        """Read, or say in plain words that there is nothing to read."""
        from pyspark.errors import AnalysisException

        config = self.config
        replaced = {key.lower() for key in more}
        given = {key: value for key, value in config.options.items() if key.lower() not in replaced}
        reader = self.spark.read.options(**given, **more)
        if config.table:
            return reader.table(unambiguous_name(self.spark, config.table))
        reader = reader.format(config.format)
        if schema is not None:
            reader = reader.schema(schema)
        try:
            frame = reader.load(config.path) if config.path else reader.load()
            columns = frame.columns  # Spark Connect looks at the files only now
        except AnalysisException as error:
            if (problem := self._nothing_to_read(error)) is None:
                raise
            raise DataReadError(problem) from error
        if not columns:
            self.logger.warning("%s: the files are empty, so there are no columns; set 'schema'", self._from())
        elif config.path and config.format.lower() in _FILES and self._may_be_empty(schema) and not frame.inputFiles():
            self.logger.warning("%s: there are no data files, so the view is empty", self._from())
        return frame

    def _may_be_empty(self, schema: StructType | None) -> bool:
        """Whether Spark accepts a directory without data files: it does where it need not infer columns."""
        return schema is not None or self.config.format.lower() in ("text", "binaryfile")

    def _nothing_to_read(self, error: Any) -> str | None:
        paths = ", ".join(map(repr, self.config.paths))
        condition = error.getCondition()
        if condition == "PATH_NOT_FOUND" and paths:
            found = str(error).partition("Path does not exist: ")[2].partition(". SQLSTATE")[0]
            if any(letter in found for letter in "*?[{"):
                return (
                    f"no file matches the pattern {found!r}; check the pattern, and that the job that writes "
                    f"there has run"
                )
            return (
                f"there is no file or directory {found or paths!r}; check the path, and that the job that writes it "
                f"has run"
            )
        if condition == "UNABLE_TO_INFER_SCHEMA" and paths:
            return (
                f"there are no data files in {paths} to infer the columns from (empty files and names that begin "
                f"with _ or . do not count); check the path, or set 'schema' to get an empty view instead"
            )
        return None

    def _count(self, corrupt: DataFrame) -> None:
        most = self.config.max_corrupt_records
        if most is None:
            return
        count = corrupt.count()
        if count > most:
            where = corrupt_record_files(corrupt)
            hint = "" if self.config.corrupt_records_view else "; set corrupt_records_view to see them"
            raise DataCheckError(f"{self._from()}: {count} corrupt records, expected at most {most}: {where}{hint}")
        if count:
            self.logger.warning("%s: %d corrupt records, at most %d are allowed", self._from(), count, most)

    def _selected(self, frame: DataFrame) -> DataFrame:
        from pyspark.errors import PySparkException

        select = self.config.select or []
        named = (
            [(f"{text}\n AS {quote(name)}", text) for name, text in select.items()]
            if isinstance(select, dict)
            else [(text, text) for text in select]
        )
        try:
            chosen = frame.selectExpr(*[sql for sql, _ in named])
            _ = chosen.columns
        except PySparkException:
            for sql, text in named:
                try:
                    _ = frame.selectExpr(sql).columns
                except PySparkException as error:
                    raise DataReadError(f"select {text!r}: {first_line(str(error))}") from error
            raise
        return chosen

    def _from(self) -> str:
        return f"table {self.config.table!r}" if self.config.table else f"{self.config.path or self.config.format!r}"
