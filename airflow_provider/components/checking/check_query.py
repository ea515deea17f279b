"""The query of a check: what one pass over a view counts, and what the counts mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider.components.checking.check_conditions import first_line, in_brackets
from airflow_provider.components.sql_syntax.identifiers import find_column, last_name, table_name
from airflow_provider.components.sql_syntax.row_hash import whole_row_expression
from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.config.problems import suggestion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Rule = Literal["not_null", "not_nan", "not_empty", "unique"]
_WORDS = {"not_null": "null", "not_nan": "NaN", "not_empty": "null or empty"}
_SPACE = " \t\n\r"
_MOST_NAMES = 30


@dataclass(frozen=True)
class CheckCounts:
    """The result of one pass over the view.

    :param rows: number of rows
    :param failures: the rules that do not hold, in words
    """

    rows: int
    failures: list[str]


@dataclass(frozen=True)
class _CheckAggregate:
    """One thing to count, or one condition on the whole view.

    :param sql: the aggregate; ``{row}`` in it stands for ``row_sql``
    :param subject: what it is about, in words
    :param verb: what is wrong with a row that it counts
    :param row_sql: an expression that Spark computes for each row first, None without one
    :param of_view: whether the aggregate is a condition, which must be true; otherwise it is a number, which must be 0
    """

    sql: str
    subject: str
    verb: str = ""
    row_sql: str | None = None
    of_view: bool = False

    def failure(self, seen: Any, rows: int) -> str | None:
        """Say what does not hold, None if all is well."""
        if self.of_view:
            shown = "null" if seen is None else "false"
            return None if seen is True else f"{self.subject} is {shown} for the {rows} rows together"
        return f"{self.subject} {self.verb} in {seen} of {rows} rows" if seen else None


class CheckQuery:
    """Collects what to count, counts it, and says what does not hold.

    :param of_all_columns: whether the counts must depend on every column, because Spark parses text files
    """

    def __init__(self, spark: SparkSession, view: str, frame: DataFrame, *, of_all_columns: bool) -> None:
        self._spark = spark
        self._view = view
        self._schema = frame.schema
        self._whole = whole_row_expression(frame) if of_all_columns else None
        self._case_sensitive = str(spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
        self._counts: list[_CheckAggregate] = []
        self.keys: list[str] = []

    def add_column(self, rule: Rule, name: str) -> str | None:
        """Count what a rule forbids in a column.

        :return: None, or what is wrong; an empty text if the column does not exist
        """
        from pyspark.sql.types import ArrayType, BinaryType, DoubleType, FloatType, MapType, NumericType, StringType

        found = find_column(name, self._schema, case_sensitive=self._case_sensitive)
        if found is None:
            return ""
        sql, kind = found
        forbidden = f"{sql} IS NULL"
        if rule == "unique":
            self.keys.append(sql)
            return None
        if rule == "not_nan":
            if not isinstance(kind, (DoubleType, FloatType)):
                known = isinstance(kind, NumericType)
                return (
                    None if known else f"column {name!r} is {kind.simpleString().upper()}, which not_nan cannot check"
                )
            forbidden = f"isnan({sql})"
        elif rule == "not_empty":
            if isinstance(kind, StringType):
                forbidden += f" OR trim(BOTH '{_SPACE}' FROM {sql}) = ''"
            elif isinstance(kind, BinaryType):
                forbidden += f" OR octet_length({sql}) = 0"
            elif isinstance(kind, (ArrayType, MapType)):
                forbidden += f" OR size({sql}) = 0"
        self._counts.append(_CheckAggregate(f"count_if({forbidden})", f"column {name!r}", f"is {_WORDS[rule]}"))
        return None

    def missing(self, columns: Mapping[str, list[str]]) -> list[str]:
        """Say which columns do not exist, and which do.

        :param columns: column to the rules that name it
        """
        if not columns:
            return []
        known = self._schema.names
        named = [f"{name!r} ({', '.join(rules)}{suggestion(name, known, most=0)})" for name, rules in columns.items()]
        shown = ", ".join(map(repr, known[:_MOST_NAMES])) + (", …" if len(known) > _MOST_NAMES else "")
        return [f"there is no column {', '.join(named)}; the view has {shown or 'no columns'}"]

    def add_condition(self, subject: str, condition: str) -> None:
        """Count the rows that do not meet a condition.

        :param subject: the condition in words
        :param condition: the condition as SQL
        """
        sql = "count_if(NOT coalesce({row}, false))"
        self._counts.append(_CheckAggregate(sql, subject, "does not hold", row_sql=in_brackets(condition)))

    def add_condition_of_view(self, subject: str, condition: str) -> None:
        """Evaluate a condition that holds an aggregate; see :meth:`add_condition`."""
        self._counts.append(_CheckAggregate(in_brackets(condition), subject, of_view=True))

    def run(self) -> CheckCounts:
        """Count. If something cannot be computed although the view can be read, it counts as a failure."""
        try:
            return self._count(self._counts)
        except Exception:
            counted = self._one_by_one() if self.can_read() else None
            if counted is None or not counted.failures:
                raise
            return counted

    def can_read(self) -> bool:
        """Whether the view itself can be read, so that a rule is what fails."""
        try:
            self._count([])
        except Exception:  # noqa: BLE001 - Spark and py4j raise their own; the caller has an error to raise
            return False
        return True

    def _one_by_one(self) -> CheckCounts:
        """Count each thing on its own, to see which one fails."""
        failures = []
        for count in self._counts:
            try:
                failures += self._count([count]).failures
            except Exception as error:  # noqa: BLE001 - as above; the failure says so
                failures.append(f"{count.subject} cannot be computed: {first_line(str(error))}")
        return CheckCounts(self._count([]).rows, failures)

    def _count(self, counts: list[_CheckAggregate]) -> CheckCounts:
        inner = ["*"]
        outer = ["count(1) AS `rows`"]
        if self._whole is not None:
            inner.append(f"{self._whole} AS `check whole`")
            outer.append("bit_xor(`check whole`) AS `whole`")
        for index, count in enumerate(counts):
            sql = count.sql
            if count.row_sql is not None:
                inner.append(f"{count.row_sql} AS `check {index}`")
                sql = sql.format(row=f"`check {index}`")
            outer.append(f"{sql} AS `{index}`")
        seen = self._first(f"SELECT {', '.join(outer)} FROM ({self._select(inner)}) AS {last_name(self._view)}")
        rows = int(seen["rows"])
        failures = [count.failure(seen[str(index)], rows) for index, count in enumerate(counts)]
        return CheckCounts(rows, [failure for failure in failures if failure is not None])

    def doubled_keys(self) -> tuple[int, int]:
        """Return how many keys occur more than once, and how many rows have a null in theirs."""
        numbered = [f"{key} AS `key {index}`" for index, key in enumerate(self.keys)]
        names = [f"`key {index}`" for index, _ in enumerate(self.keys)]
        whole = self._whole or "0L"
        rows = f"SELECT {', '.join(numbered)}, `check whole` FROM ({self._select(['*', f'{whole} AS `check whole`'])})"
        null = " OR ".join(f"{name} IS NULL" for name in names)
        groups = (
            f"SELECT count(1) AS `rows`, {null} AS `null`, bit_xor(`check whole`) AS `whole` "
            f"FROM ({rows}) GROUP BY {', '.join(names)}"
        )
        seen = self._first(
            "SELECT count_if(`rows` > 1 AND NOT `null`) AS `doubled`, sum(if(`null`, `rows`, 0)) AS `without`, "
            f"bit_xor(`whole`) AS `whole` FROM ({groups})"
        )
        return int(seen["doubled"]), int(seen["without"] or 0)

    def _select(self, columns: list[str]) -> str:
        return f"SELECT {', '.join(columns)} FROM {table_name(self._view)}"

    def _first(self, query: str) -> Any:
        return collected(self._spark.sql(query))[0]
