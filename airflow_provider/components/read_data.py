"""Read data and leave it as a temp view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from airflow_provider.components import static_checks
from airflow_provider.components.base import ComponentModel, Options, ReadyMade
from airflow_provider.components.conditions import first_line
from airflow_provider.components.corrupt_records import FORMATS, corrupt_column, files_of, parse
from airflow_provider.components.quiet_loss import quiet_losses
from airflow_provider.components.rows import quoted
from airflow_provider.components.schema import FILE_ENDINGS, check_schema, read_schema_file, spark_schema
from airflow_provider.errors import DataCheckError, DataReadError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_FILES = ("csv", "json", "xml", "parquet", "orc", "avro", "text", "binaryfile")


class ReadConfig(ComponentModel):
    """Config of :class:`ReadData`.

    :param output_view: name of the temp view
    :param path: file, directory or pattern, or a list of them; any URL that Spark can read
    :param table: table to read instead of a path
    :param format: ``csv``, ``json``, ``parquet``, ``orc``, ``jdbc``, … any format of the cluster
    :param options: options of the format
    :param schema: a DDL text such as ``id INT, name STRING``, a mapping of name to type, a list of fields, or Spark's
        own JSON; default: the format's own or inferred. With one a directory without data files is an empty view
    :param schema_file: a file with a schema (``.ddl``, ``.json``, ``.yaml``) instead; relative to the pipeline file.
        Its content counts for the fingerprint
    :param where: SQL condition that rows must meet; a row for which it is null does not. It is asked before ``select``
    :param select: SQL expressions, as a list or as a mapping of name to expression; default: all columns. Here, and not
        in later components, ``_metadata`` (such as ``_metadata.file_name``) is known
    :param corrupt_records_view: for CSV, JSON and XML: name of a second temp view, with the records that could not be
        parsed; ``output_view`` then holds the others only
    :param max_corrupt_records: for CSV, JSON and XML: more corrupt records than this fail the component. They are
        counted at once, which reads the data
    """

    output_view: str = Field(min_length=1)
    path: str | list[str] | None = None
    table: str | None = None
    format: str = "parquet"
    options: Options = Field(default_factory=dict)
    schema_: Any = Field(default=None, alias="schema")
    schema_file: str | None = Field(default=None, min_length=1)
    where: str | None = None
    select: list[str] | dict[str, str] | None = None
    corrupt_records_view: str | None = Field(default=None, min_length=1)
    max_corrupt_records: int | None = Field(default=None, ge=0)

    @field_validator("schema_")
    @classmethod
    def _a_schema(cls, schema: Any) -> Any:
        if schema is not None:
            check_schema(schema)
        return schema

    @field_validator("schema_file")
    @classmethod
    def _a_known_file(cls, file: str | None) -> str | None:
        if file is not None and not file.lower().endswith(FILE_ENDINGS):
            raise ValueError(f"is of no known kind; known are {', '.join(FILE_ENDINGS)}")
        return file

    @field_validator("select", mode="before")
    @classmethod
    def _some_columns(cls, select: Any) -> Any:
        if isinstance(select, str):
            raise ValueError("expected a list of expressions or a mapping of name to expression, got text")
        if select is not None and not select:
            raise ValueError("is empty; leave it out to have all columns")
        return select

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.path and self.table:
            raise ValueError("give 'path' or 'table', not both")
        if self.path is not None and not self.table and not all(self.paths or [""]):
            raise ValueError("'path' holds no path; a template in it may have come out empty")
        if not (self.path or self.table or self.options):
            raise ValueError("give 'path' or 'table' (or 'options' for a format that needs neither)")
        if self.schema_ is not None and self.schema_file is not None:
            raise ValueError("give 'schema' or 'schema_file', not both")
        if self.table and (self.schema_ is not None or self.schema_file is not None):
            raise ValueError("a table has its own schema; remove 'schema', or read its files with 'path'")
        return self

    @model_validator(mode="after")
    def _can_tell_corrupt_records(self) -> Self:
        if not self.tells_corrupt:
            return self
        if self.table or self.format.lower() not in FORMATS:
            raise ValueError(f"corrupt records can be told apart in files of {', '.join(FORMATS)} only")
        if self.mode not in ("", "PERMISSIVE"):
            raise ValueError(f"with the option mode {self.mode} Spark keeps no corrupt records; remove that option")
        if self.corrupt_records_view == self.output_view:
            raise ValueError("'corrupt_records_view' and 'output_view' must be two views")
        return self

    @property
    def paths(self) -> list[str]:
        """The paths as a list."""
        return [self.path] if isinstance(self.path, str) else list(self.path or ())

    @property
    def mode(self) -> str:
        """What the options say of records that cannot be parsed, in capitals; empty if nothing."""
        return next((value.upper() for key, value in self.options.items() if key.lower() == "mode"), "")

    @property
    def tells_corrupt(self) -> bool:
        """Whether corrupt records are to be told apart."""
        return self.corrupt_records_view is not None or self.max_corrupt_records is not None


class ReadData(ReadyMade[ReadConfig]):
    """Read a path or table and register it as a temp view. Nothing is computed yet.

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
        """A list that became text, a file that is not there, names that Spark does not take."""
        read = ReadConfig.model_validate(config)
        yield from static_checks.paths("path", read.path)
        yield from static_checks.file("schema_file", read.schema_file, base_dir)
        yield from static_checks.source_name("table", read.table)
        yield from static_checks.view_name("output_view", read.output_view)
        yield from static_checks.view_name("corrupt_records_view", read.corrupt_records_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """A comment that takes the rest of the condition along."""
        return static_checks.swallowed("where", config.get("where"))

    def run(self) -> None:
        config = self.config
        schema = self._schema()
        corrupt = None
        if config.tells_corrupt:
            column = corrupt_column(self.spark, config.options, schema)
            parsed = parse(partial(self._load, columnNameOfCorruptRecord=column), schema, column)
            frame, corrupt = parsed.good if config.corrupt_records_view else parsed.everything, parsed.corrupt
            self._count(corrupt)
        else:
            frame = self._load(schema)
        for loss in quiet_losses(self.spark, config.paths, config.format, config.options, schema):
            self.logger.warning("%s: %s", self._from(), loss)
        if config.where:
            frame = frame.where(config.where)
        if config.select:
            frame = self._selected(frame)
        frame.createOrReplaceTempView(config.output_view)
        self.logger.info("view %r: %d columns from %s", config.output_view, len(frame.columns), self._from())
        if corrupt is not None and config.corrupt_records_view:
            corrupt.createOrReplaceTempView(config.corrupt_records_view)
            self.logger.info("view %r: the records that cannot be parsed", config.corrupt_records_view)

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
            return reader.table(config.table)
        reader = reader.format(config.format)
        if schema is not None:
            reader = reader.schema(schema)
        try:
            frame = reader.load(config.path) if config.path else reader.load()
            columns = frame.columns  # with Connect nothing is looked at before
        except AnalysisException as error:
            if (problem := self._nothing_to_read(error)) is None:
                raise
            raise DataReadError(problem) from error
        if not columns:
            self.logger.warning("%s: the files are empty, so there are no columns; give 'schema'", self._from())
        elif config.path and config.format.lower() in _FILES and self._may_be_empty(schema) and not frame.inputFiles():
            self.logger.warning("%s: there are no data files, so the view is empty", self._from())
        return frame

    def _may_be_empty(self, schema: StructType | None) -> bool:
        """Whether Spark takes a directory without data files: where it need not look for the columns."""
        return schema is not None or self.config.format.lower() in ("text", "binaryfile")

    def _nothing_to_read(self, error: Any) -> str | None:
        paths = ", ".join(map(repr, self.config.paths))
        condition = error.getCondition()
        if condition == "PATH_NOT_FOUND" and paths:
            found = str(error).partition("Path does not exist: ")[2].partition(". SQLSTATE")[0]
            if any(letter in found for letter in "*?[{"):
                return f"no file matches the pattern {found!r}; check it, or whether what writes there has run"
            return (
                f"there is no file or directory {found or paths!r}; check the path, or whether what writes it has run"
            )
        if condition == "UNABLE_TO_INFER_SCHEMA" and paths:
            return (
                f"there are no data files in {paths} from which to take the columns (empty files and those whose names "
                "begin with _ or . do not count); check the path, or give 'schema' to have an empty view then"
            )
        return None

    def _count(self, corrupt: DataFrame) -> None:
        most = self.config.max_corrupt_records
        if most is None:
            return
        count = corrupt.count()
        if count > most:
            hint = "" if self.config.corrupt_records_view else "; corrupt_records_view shows them"
            raise DataCheckError(
                f"{self._from()}: {count} corrupt records, expected at most {most}: {files_of(corrupt)}{hint}"
            )
        if count:
            self.logger.warning("%s: %d corrupt records, at most %d are allowed", self._from(), count, most)

    def _selected(self, frame: DataFrame) -> DataFrame:
        from pyspark.errors import PySparkException

        select = self.config.select or []
        named = (
            [(f"{text}\n AS {quoted(name)}", text) for name, text in select.items()]
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
