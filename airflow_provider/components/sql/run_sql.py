"""Run SQL, and register its result as a temp view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components import config_checks
from airflow_provider.components.component_base import ComponentModel, ReadyMadeComponent
from airflow_provider.components.sql.sql_guard import guarded_statement
from airflow_provider.components.sql_syntax.sql_text import SqlText, read_sql_file, refuse_template
from airflow_provider.errors import SqlStatementError


class SqlConfig(ComponentModel):
    """Config of :class:`RunSql`.

    :param sql: one statement; trailing semicolons and comments do not matter
    :param sql_file: a UTF-8 file with one statement, instead of ``sql``; relative to the pipeline file, and in Airflow
        also to the DAG's folder and ``template_searchpath``. Its templates are rendered, and the rendered text counts
        for the fingerprint
    :param output_view: name of the temp view for the result; default: the statement runs only for its effect
    :param args: values of named parameters (``:name``) in the statement: text, numbers, dates, None; a list becomes an
        array, a mapping a map
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


class RunSql(ReadyMadeComponent[SqlConfig]):
    """Run a statement from the config or a file, and register its result as a temp view if ``output_view`` is set.

    :raises SqlStatementError: the file does not exist or is not UTF-8, or there is not exactly one statement
    """

    config_model = SqlConfig

    @classmethod
    def template_files(cls, config: Mapping[str, Any]) -> dict[str, str]:
        """A ``.sql`` file is a template, as for Airflow's own SQL operators."""
        return {"sql_file": config["sql_file"]} if isinstance(config.get("sql_file"), str) else {}

    @classmethod
    def fingerprint_files(cls, config: Mapping[str, Any]) -> list[str]:
        """A changed ``.sql`` file is a changed component."""
        return [config["sql_file"]] if isinstance(config.get("sql_file"), str) else []

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Report a missing file, a statement that is a file name, and a view name that Spark does not accept."""
        read = SqlConfig.model_validate(config)
        yield from config_checks.check_statement("sql", read.sql, "sql_file")
        yield from config_checks.check_file("sql_file", read.sql_file, base_dir)
        yield from config_checks.check_view_name("output_view", read.output_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a comment that swallows the rest of the statement."""
        return config_checks.check_comments("sql", config.get("sql"))

    def run(self) -> None:
        from pyspark.errors import AnalysisException, ParseException

        config = self.config
        text = SqlText.of((config.sql or "").removeprefix("\ufeff") or self._file_text(str(config.sql_file)))
        if not text.code:
            raise SqlStatementError(f"{self._source()} contains no statement, only comments or nothing at all")
        self._warn_of_unused(text)
        args = {name: spark_literal(value) for name, value in config.args.items()}
        try:
            with guarded_statement(self.spark, text.statement, self.context, self.base_dir):
                frame = self.spark.sql(text.statement, args=args or None)
                columns = frame.columns
        except ParseException as error:
            if len(text.code) < 2 or text.is_script:
                raise
            raise SqlStatementError(
                f"{self._source()} contains {len(text.code)} statements, but a component runs one: write a component "
                f"for each, or put BEGIN before and END after them"
            ) from error
        except AnalysisException as error:
            lists = [name for name, value in config.args.items() if isinstance(value, (list, tuple))]
            if lists and "DATATYPE_MISMATCH" in (error.getCondition() or ""):
                error.add_note(f"remedy: a list is an array in SQL: write array_contains(:{lists[0]}, x) for x IN (…)")
            if "UNRESOLVED_COLUMN" in (error.getCondition() or "") and "`_metadata`" in str(error):
                error.add_note(
                    "remedy: a view hides _metadata; select it where the files are read, with select of ReadData"
                )
            raise
        if config.output_view:
            frame.createOrReplaceTempView(config.output_view)
            self.logger.info("view %r: %d columns", config.output_view, len(columns))
            if not columns:
                self.logger.warning(
                    "the statement has no result, so view %r has no columns and no rows; remove output_view",
                    config.output_view,
                )

    def _file_text(self, name: str) -> str:
        """Return the rendered text of a file; if nothing has rendered it, it must have no template."""
        rendered = self.texts.get(name)
        if rendered is not None:
            return rendered
        path = self.base_dir / name
        text = read_sql_file(path)
        refuse_template(text, path)
        return text

    def _source(self) -> str:
        return f"file '{self.base_dir / self.config.sql_file}'" if self.config.sql_file else "'sql'"

    def _warn_of_unused(self, text: SqlText) -> None:
        used = {name.casefold() for name in text.parameters}
        for name in self.config.args:
            if name.casefold() not in used:
                quoted = any(f":{name}" in part for part in text.quoted)
                why = f"':{name}' in quotes is text; remove the quotes" if quoted else f"it does not contain :{name}"
                self.logger.warning("%s does not use the argument %r: %s", self._source(), name, why)


def spark_literal(value: Any) -> Any:
    """Return a parameter's value in a form that Spark accepts: a mapping becomes a map, also inside a list."""
    from pyspark.sql import Column
    from pyspark.sql import functions as F

    if isinstance(value, Mapping):
        return F.create_map(*[F.lit(spark_literal(part)) for pair in value.items() for part in pair])
    if isinstance(value, (list, tuple)):
        items = [spark_literal(item) for item in value]
        return F.array(*[F.lit(i) for i in items]) if any(isinstance(i, Column) for i in items) else items
    return value
