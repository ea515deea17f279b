"""Check data: fail the pipeline before bad rows go further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from airflow_provider.components import static_checks
from airflow_provider.components.base import ComponentModel, ReadyMade
from airflow_provider.errors import DataCheckError


class CheckConfig(ComponentModel):
    """Config of :class:`CheckData`.

    :param input_view: view or table to check
    :param min_rows: fewest rows allowed
    :param max_rows: most rows allowed
    :param not_null: columns that must hold no null
    :param unique: columns that together must be unique; rows with a null among them do not count
    :param conditions: name to SQL condition that every row must meet; a row for which it is null does not
    """

    input_view: str = Field(min_length=1)
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    not_null: list[str] = Field(default_factory=list)
    unique: list[str] = Field(default_factory=list)
    conditions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_rule(self) -> Self:
        rules = (self.min_rows, self.max_rows, self.not_null, self.unique, self.conditions)
        if all(rule is None or rule in ([], {}) for rule in rules):
            raise ValueError("nothing to check; give min_rows, max_rows, not_null, unique or conditions")
        if self.min_rows is not None and self.max_rows is not None and self.min_rows > self.max_rows:
            raise ValueError(f"min_rows {self.min_rows} is above max_rows {self.max_rows}, so no data can pass")
        return self


class CheckData(ReadyMade[CheckConfig]):
    """Check row count, nulls, uniqueness and SQL conditions.

    Everything but uniqueness is counted in one pass over the data.

    :raises DataCheckError: with each rule that does not hold and the counts that were seen
    """

    config_model = CheckConfig

    @classmethod
    def config_problems(cls, config: Mapping[str, Any], base_dir: Path | None) -> Iterable[tuple[str, str]]:
        """A name that Spark does not take."""
        read = CheckConfig.model_validate(config)
        yield from static_checks.source_name("input_view", read.input_view)

    @classmethod
    def config_warnings(cls, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """A comment that takes the rest of a condition along."""
        conditions = config.get("conditions")
        for name, condition in conditions.items() if isinstance(conditions, Mapping) else ():
            yield from static_checks.swallowed(f"conditions.{name}", condition)

    def run(self) -> None:
        from pyspark.sql import functions as F

        config = self.config
        frame = self.spark.table(config.input_view)
        counted = [F.count(F.lit(1)).alias("rows")]
        counted += [F.count_if(F.col(quoted(c)).isNull()).alias(f"null {i}") for i, c in enumerate(config.not_null)]
        counted += [
            F.count_if(~F.coalesce(F.expr(condition).cast("boolean"), F.lit(False))).alias(f"condition {i}")
            for i, condition in enumerate(config.conditions.values())
        ]
        seen = frame.agg(*counted).first()
        if seen is None:
            raise DataCheckError(f"view {config.input_view!r} could not be counted")
        rows = seen["rows"]
        failures = []
        if config.min_rows is not None and rows < config.min_rows:
            failures.append(f"{rows} rows, expected at least {config.min_rows}")
        if config.max_rows is not None and rows > config.max_rows:
            failures.append(f"{rows} rows, expected at most {config.max_rows}")
        for index, column in enumerate(config.not_null):
            if nulls := seen[f"null {index}"]:
                failures.append(f"column {column!r} is null in {nulls} of {rows} rows")
        for index, (name, condition) in enumerate(config.conditions.items()):
            if broken := seen[f"condition {index}"]:
                failures.append(f"{name!r} ({condition}) does not hold in {broken} of {rows} rows")
        if config.unique and (doubled := self._doubled_keys()):
            failures.append(f"{', '.join(config.unique)}: {doubled} values occur more than once")
        if failures:
            raise DataCheckError(f"view {config.input_view!r}: {'; '.join(failures)}")
        self.logger.info("view %r: all checks hold for %d rows", config.input_view, rows)

    def _doubled_keys(self) -> int:
        from pyspark.sql import functions as F

        frame = self.spark.table(self.config.input_view)
        keys = [F.col(quoted(column)) for column in self.config.unique]
        for key in keys:
            frame = frame.where(key.isNotNull())
        numbered = [key.alias(f"key {index}") for index, key in enumerate(keys)]
        doubled = frame.groupBy(*numbered).agg(F.count(F.lit(1)).alias("rows")).where(F.col("rows") > 1)
        return int(doubled.count())


def quoted(column: str) -> str:
    """Return a column name as Spark reads it literally.

    ``a.b`` stays a field of a struct; write backticks around a name that holds a dot itself.
    """
    if column.startswith("`"):
        return column
    return ".".join(f"`{part.replace('`', '``')}`" for part in column.split("."))
