"""Run SQL and leave its result as a temp view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components.base import ComponentModel, ReadyMade
from airflow_provider.components.sql_text import read_sql_file, refuse_template


class SqlConfig(ComponentModel):
    """Config of :class:`RunSql`.

    :param sql: one statement
    :param sql_file: a file with one statement, instead of ``sql``; relative to the pipeline file, and in Airflow also
        to the DAG's folder and ``template_searchpath``. Its templates are rendered, and what they come to counts for
        the fingerprint
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
    def template_files(cls, config: Mapping[str, Any]) -> dict[str, str]:
        """A ``.sql`` file is a template, as for Airflow's own SQL operators."""
        return {"sql_file": config["sql_file"]} if isinstance(config.get("sql_file"), str) else {}

    @classmethod
    def fingerprint_files(cls, config: Mapping[str, Any]) -> list[str]:
        """A changed ``.sql`` file is a changed component."""
        return [config["sql_file"]] if isinstance(config.get("sql_file"), str) else []

    def run(self) -> None:
        config = self.config
        statement = config.sql or self.texts.get(str(config.sql_file)) or self._unrendered(str(config.sql_file))
        frame = self.spark.sql(statement.strip().removesuffix(";"), args=config.args or None)
        if config.output_view:
            frame.createOrReplaceTempView(config.output_view)
            self.logger.info("view %r: %d columns", config.output_view, len(frame.columns))

    def _unrendered(self, name: str) -> str:
        """Return the text of a file whose templates nobody has rendered."""
        path = self.base_dir / name
        text = read_sql_file(path)
        refuse_template(text, path)
        return text
