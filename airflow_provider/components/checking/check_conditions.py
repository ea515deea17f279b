"""The conditions of a check: which hold for each row, which for the view as a whole, and why the others cannot be
checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider.components.sql_syntax.identifiers import table_name
from airflow_provider.components.sql_syntax.query_plan import analyzed_plan, explain_query

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FAILED = re.compile(r"\s*[\w.$]+(?:Exception|Error): (.*)")
_SELECTED_TEXT = re.compile(r"(\(\s*select\s+(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))(?=\s*\))", re.IGNORECASE)
_PLACE = re.compile(r";? \(?line \d+,? pos \d+\)?;?")


@dataclass
class CheckConditions:
    """The conditions of a check, sorted.

    :param of_rows: name to condition in Spark's SQL, for conditions that must hold for every row
    :param of_view: the same for conditions with an aggregate, which must hold once for all rows together
    :param problems: why the others cannot be checked, with name and text of each
    """

    of_rows: dict[str, str] = field(default_factory=dict)
    of_view: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def sort(cls, spark: SparkSession, view: str, conditions: Mapping[str, str]) -> CheckConditions:
        """Ask Spark what each condition is, without computing anything.

        :param view: the view that the conditions are about
        :param conditions: name to condition
        """
        found = cls()
        if len(conditions) > 1 and _all_of_rows(spark, view, list(conditions.values())):
            found.of_rows = dict(conditions)
            return found
        for name, condition in conditions.items():
            found._add(spark, view, name, condition, condition)
        return found

    def _add(self, spark: SparkSession, view: str, name: str, condition: str, sql: str) -> None:
        from pyspark.errors import PySparkException

        query = f"SELECT {in_brackets(sql)} AS condition FROM {table_name(view)}"
        try:
            plan = analyzed_plan(explain_query(spark, query))
        except PySparkException as error:
            # Spark takes (SELECT 'x') for a literal such as DATE 'x', but not if the column has a name.
            named = _SELECTED_TEXT.sub(r"\1 AS x", sql)
            if "UNSUPPORTED_TYPED_LITERAL" in str(error) and named != sql:
                self._add(spark, view, name, condition, named)
            else:
                self.problems.append(f"{name!r} ({condition}) cannot be parsed: {first_line(str(error))}")
            return
        if failed := _FAILED.match(plan):
            self.problems.append(f"{name!r} ({condition}): {first_line(failed[1])}")
            return
        kind, _, tree = plan.partition("\n")
        # To explain, Spark computes what is constant. If that fails, there is no plan to read.
        kinds = ["boolean"] if kind == "condition: boolean" else _kinds(spark, query)
        if kinds != ["boolean"]:
            kind = ", ".join(kinds).upper()
            self.problems.append(f"{name!r} ({condition}) is {kind}, not a condition; compare it with something")
        elif tree.startswith("Aggregate ") if tree else not _fits_a_row(spark, view, sql):
            self.of_view[name] = sql
        else:
            self.of_rows[name] = sql


def _all_of_rows(spark: SparkSession, view: str, conditions: list[str]) -> bool:
    """Whether all conditions are valid and have no aggregate: one question to Spark instead of one for each."""
    from pyspark.errors import PySparkException

    asked = [f"{in_brackets(condition)} AS condition" for condition in conditions]
    query = f"SELECT *, {', '.join(asked)} FROM {table_name(view)}"
    try:
        plan = analyzed_plan(explain_query(spark, query))
    except PySparkException:
        return False
    tree = plan.partition("\n")[2]
    if not tree or _FAILED.match(plan) or tree.startswith("Aggregate "):
        return False
    own = len(spark.table(view).columns)
    return _kinds(spark, query)[own:] == ["boolean"] * len(conditions)


def _kinds(spark: SparkSession, query: str) -> list[str]:
    return [column.dataType.simpleString() for column in spark.sql(query).schema.fields]


def _fits_a_row(spark: SparkSession, view: str, condition: str) -> bool:
    from pyspark.errors import PySparkException

    try:
        _kinds(spark, f"SELECT *, {in_brackets(condition)} AS condition FROM {table_name(view)}")
    except PySparkException:
        return False
    return True


def in_brackets(condition: str) -> str:
    """Return a condition as part of a longer statement; it may end with a comment."""
    return f"(\n{condition}\n)"


def first_line(message: str) -> str:
    """Return the first meaningful line of a message from Spark, without positions in a statement that we wrote."""
    lines = (line.removeprefix(": ") for line in message.splitlines() if not line.startswith("An error occurred while"))
    return _PLACE.sub("", next((line for line in lines if line.strip()), "no message")).strip()
