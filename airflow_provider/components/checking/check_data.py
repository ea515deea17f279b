"""Check data: fail the pipeline before bad rows go further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components import config_checks
from airflow_provider.components.checking.check_conditions import CheckConditions, first_line
from airflow_provider.components.checking.check_query import CheckQuery, Rule
from airflow_provider.components.component_base import ComponentModel, ReadyMadeComponent
from airflow_provider.components.sql_syntax.identifiers import table_name
from airflow_provider.components.sql_syntax.query_plan import explain_query, parses_text, random_parts
from airflow_provider.errors import DataCheckError


class CheckConfig(ComponentModel):
    """Config of :class:`CheckData`.

    :param input_view: view or table to check
    :param min_rows: fewest rows allowed
    :param max_rows: most rows allowed
    :param not_null: columns without nulls; NaN and empty text are not null
    :param not_nan: columns without NaN; null is not NaN
    :param not_empty: columns in which every row has a value: not null, not only white space, not an empty array or map
    :param unique: columns whose values together must be unique; rows with a null in them do not count
    :param conditions: name to SQL condition, which must be true for every row; null is not true. A condition with an
        aggregate, such as ``sum(amount) > 0``, must be true once, for all rows together
    """

    input_view: str = Field(min_length=1)
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    not_null: list[str] = Field(default_factory=list)
    not_nan: list[str] = Field(default_factory=list)
    not_empty: list[str] = Field(default_factory=list)
    unique: list[str] = Field(default_factory=list)
    conditions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_rule(self) -> Self:
        if self.min_rows is None and self.max_rows is None and not self.of_values:
            raise ValueError("nothing to check; give min_rows, max_rows, not_null, unique or conditions")
        if self.min_rows is not None and self.max_rows is not None and self.min_rows > self.max_rows:
            raise ValueError(f"min_rows {self.min_rows} is above max_rows {self.max_rows}, so no data can pass")
        return self

    @property
    def of_values(self) -> bool:
        """Whether a rule concerns the values of rows, and not only their number."""
        return any((self.not_null, self.not_nan, self.not_empty, self.unique, self.conditions))


class CheckData(ReadyMadeComponent[CheckConfig]):
    """Check row count, nulls, NaN, empty values, uniqueness and SQL conditions.

    One pass over the data counts everything but uniqueness. It counts the rows that a reader of all columns gets, also
    where Spark would parse less of a file to count them.

    :raises DataCheckError: with the counts of each rule that does not hold, and each rule that cannot be checked, such
        as one for a column that does not exist
    """

    config_model = CheckConfig

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """Report a name that Spark does not accept."""
        read = CheckConfig.model_validate(config)
        yield from config_checks.check_source_name("input_view", read.input_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Warn of a comment that swallows the rest of a condition."""
        conditions = config.get("conditions")
        for name, condition in conditions.items() if isinstance(conditions, Mapping) else ():
            yield from config_checks.check_comments(f"conditions.{name}", condition)

    def run(self) -> None:
        config = self.config
        frame = self.spark.table(config.input_view)
        plan = explain_query(self.spark, f"SELECT * FROM {table_name(config.input_view)}")
        conditions = CheckConditions.sort(self.spark, config.input_view, config.conditions)
        query = CheckQuery(self.spark, config.input_view, frame, of_all_columns=parses_text(plan))
        problems = [*self._add_columns(query), *conditions.problems]
        for name, sql in conditions.of_rows.items():
            query.add_condition(f"{name!r} ({config.conditions[name]})", sql)
        for name, sql in conditions.of_view.items():
            query.add_condition_of_view(f"{name!r} ({config.conditions[name]})", sql)
        counted = query.run()
        rows = counted.rows
        failures = [*self._wrong_number(rows), *counted.failures]
        if config.unique and len(query.keys) == len(config.unique):
            failures += self._doubled(query)
        failures += problems
        if failures:
            raise DataCheckError(f"view {config.input_view!r}: {'; '.join(failures)}")
        self.logger.info("view %r: all checks hold for %d rows", config.input_view, rows)
        self._warn(plan, rows)

    def _add_columns(self, query: CheckQuery) -> list[str]:
        """Add the rules about columns to the query; return what is wrong with them."""
        config = self.config
        named: tuple[tuple[Rule, list[str]], ...] = (
            ("not_null", config.not_null),
            ("not_nan", config.not_nan),
            ("not_empty", config.not_empty),
            ("unique", config.unique),
        )
        missing: dict[str, list[str]] = {}
        problems = []
        for rule, columns in named:
            for column in columns:
                problem = query.add_column(rule, column)
                if problem is None:
                    continue
                if problem:
                    problems.append(problem)
                else:
                    missing.setdefault(column, []).append(rule)
        return [*query.missing(missing), *problems]

    def _doubled(self, query: CheckQuery) -> list[str]:
        names = ", ".join(self.config.unique)
        try:
            doubled, without = query.doubled_keys()
        except Exception as error:
            if not query.can_read():
                raise
            return [f"{names} cannot be compared: {first_line(str(error))}"]
        if without:
            self.logger.info("%d rows with a null among %s were not compared", without, names)
        return [f"{names}: {doubled} values occur more than once"] if doubled else []

    def _wrong_number(self, rows: int) -> list[str]:
        config = self.config
        if config.min_rows is not None and rows < config.min_rows:
            return [f"{rows} rows, expected at least {config.min_rows}"]
        if config.max_rows is not None and rows > config.max_rows:
            return [f"{rows} rows, expected at most {config.max_rows}"]
        return []

    def _warn(self, plan: str, rows: int) -> None:
        config = self.config
        if not rows and config.of_values and config.min_rows is None:
            self.logger.warning(
                "view %r is empty, so there was nothing to check; set min_rows: 1 if it must hold something",
                config.input_view,
            )
        parts = random_parts(plan)
        if parts and parts != random_parts(explain_query(self.spark, f"SELECT * FROM {table_name(config.input_view)}")):
            self.logger.warning(
                "view %r is random: every reader gets other rows than this check saw, even if it is cached; give "
                "each rand() and sample a seed, or write it with WriteData and check what you read back",
                config.input_view,
            )
