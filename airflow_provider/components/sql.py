"""Run SQL and leave its result as a temp view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components.base import ComponentModel, ReadyMade
from airflow_provider.components.guard import guarded


class SqlConfig(ComponentModel):
    """Config of :class:`RunSql`.

    :param sql: one statement
    :param sql_file: a file with one statement, instead of ``sql``; relative to the pipeline file. Its content
        counts for the fingerprint
    :param output_view: name of the temp view for the result; default: the statement is run for its effect
    :param args: values of named parameters (``:name``) in the statement
    """

    sql: str | None = Field(default=None, min_length=1)
    sql_file: str | None = Field(default=None, min_length=1)
    output_view: str | None = Field(default=None, min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        if (self.sql is None) == (self.sql_file is None):
            raise ValueError("give either 'sql' or 'sql_file'")
        return self


class RunSql(ReadyMade[SqlConfig]):
    """Run a statement, from the config or a file, and register its result as a temp view if asked to."""

    config_model = SqlConfig

    @classmethod
    def fingerprint_files(cls, config: Mapping[str, Any]) -> list[str]:
        """A changed ``.sql`` file is a changed component."""
        return [config["sql_file"]] if isinstance(config.get("sql_file"), str) else []

    def run(self) -> None:
        config = self.config
        statement = config.sql or (self.base_dir / str(config.sql_file)).read_text(encoding="utf-8")
        statement = statement.strip().removesuffix(";")
        with guarded(self.spark, statement, self.context, self.base_dir):
            frame = self.spark.sql(statement, args=config.args or None)
        if config.output_view:
            frame.createOrReplaceTempView(config.output_view)
            self.logger.info("view %r: %d columns", config.output_view, len(frame.columns))
