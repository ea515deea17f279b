"""The config of `ReadData`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from airflow_provider.components.component_base import ComponentModel, FormatOptions
from airflow_provider.components.reading.corrupt_records import (
    FORMATS,
)
from airflow_provider.components.reading.schema import FILE_ENDINGS, check_schema


class ReadConfig(ComponentModel):
    """Config of :class:`ReadData`.

    :param output_view: name of the temp view
    :param path: file, directory or pattern, or a list of them; any URL that Spark can read
    :param table: table to read instead of a path
    :param format: ``csv``, ``json``, ``parquet``, ``orc``, ``jdbc``, … any format of the cluster
    :param options: options of the format
    :param schema: a DDL text such as ``id INT, name STRING``, a mapping of name to type, a list of fields, or Spark's
        own JSON; default: the format's own, or inferred. With a schema, a directory without data files is an empty view
    :param schema_file: a file with a schema (``.ddl``, ``.json``, ``.yaml``) instead, relative to the pipeline file.
        Its content counts for the fingerprint
    :param where: SQL condition that rows must meet, applied before ``select``; null does not meet it
    :param select: SQL expressions, as a list or as a mapping of name to expression; default: all columns. Only here,
        and not in later components, you can select ``_metadata`` (such as ``_metadata.file_name``)
    :param corrupt_records_view: for CSV, JSON and XML: name of a second temp view for the records that Spark could not
        parse; ``output_view`` then holds only the others
    :param max_corrupt_records: for CSV, JSON and XML: fail the component if there are more corrupt records than this.
        Counting them reads the data at once
    """

    output_view: str = Field(min_length=1)
    path: str | list[str] | None = None
    table: str | None = None
    format: str = "parquet"
    options: FormatOptions = Field(default_factory=dict)
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
            raise ValueError(f"has an unknown ending; choose from {', '.join(FILE_ENDINGS)}")
        return file

    @field_validator("select", mode="before")
    @classmethod
    def _some_columns(cls, select: Any) -> Any:
        if isinstance(select, str):
            raise ValueError("expected a list of expressions or a mapping of name to expression, got text")
        if select is not None and not select:
            raise ValueError("is empty; remove it to select all columns")
        return select

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.path and self.table:
            raise ValueError("give 'path' or 'table', not both")
        if self.path is not None and not self.table and not all(self.paths or [""]):
            raise ValueError("'path' contains no path; a template in it may have rendered to nothing")
        if not (self.path or self.table or self.options):
            raise ValueError("give 'path' or 'table' (or 'options' for a format that needs neither)")
        if self.schema_ is not None and self.schema_file is not None:
            raise ValueError("give 'schema' or 'schema_file', not both")
        if self.table and (self.schema_ is not None or self.schema_file is not None):
            raise ValueError("a table has its own schema; remove 'schema', or read its files with 'path'")
        return self

    @model_validator(mode="after")
    def _can_separate_corrupt_records(self) -> Self:
        if not self.separates_corrupt:
            return self
        if self.table or self.format.lower() not in FORMATS:
            raise ValueError(f"only the formats {', '.join(FORMATS)} can separate corrupt records")
        if self.mode not in ("", "PERMISSIVE"):
            raise ValueError(f"with the option mode {self.mode} Spark keeps no corrupt records; remove that option")
        if self.corrupt_records_view == self.output_view:
            raise ValueError("'corrupt_records_view' and 'output_view' must be different views")
        return self

    @property
    def paths(self) -> list[str]:
        """The paths as a list."""
        return [self.path] if isinstance(self.path, str) else list(self.path or ())

    @property
    def mode(self) -> str:
        """The parse mode that the options set, in capitals; empty if they set none."""
        return next((value.upper() for key, value in self.options.items() if key.lower() == "mode"), "")

    @property
    def separates_corrupt(self) -> bool:
        """Whether to separate corrupt records from the others."""
        return self.corrupt_records_view is not None or self.max_corrupt_records is not None
