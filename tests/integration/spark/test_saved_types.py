"""Every column type and every shape of a view: what a resumed attempt finds is what the component left.

A view comes back with equal names, types and values (as a multiset; whether nulls are allowed may differ), from what
was saved or, where no file format holds it, because its component was replayed for a stated reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import PipelineResultStatus
from tests.conftest import Script
from tests.integration.spark.session_state.scenes import reads
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Case:
    """One view.

    :param name: what is special about it
    :param frame: makes it; or SQL text
    :param unsavable: why it cannot be saved, a pattern; None if it can
    """

    name: str
    frame: str | Callable[[SparkSession], DataFrame]
    unsavable: str | None = None

    def make(self, spark: SparkSession) -> DataFrame:
        return spark.sql(self.frame) if isinstance(self.frame, str) else self.frame(spark)


def named(*names: str) -> Callable[[SparkSession], DataFrame]:
    """A frame of three rows with these column names and a different value in every cell."""
    return lambda spark: spark.range(3).selectExpr(*(f"id * 100 + {i}" for i in range(len(names)))).toDF(*names)


def with_metadata(spark: SparkSession) -> DataFrame:
    from pyspark.sql import functions as F

    return spark.range(2).select(F.col("id").alias("a b", metadata={"comment": "日本", "ml_attr": {"vals": ["x"]}}))


def vectors(spark: SparkSession) -> DataFrame:
    from pyspark.ml.linalg import Matrices, Vectors

    return spark.createDataFrame(
        [
            (1, Vectors.dense(1.0, float("nan")), Matrices.dense(1, 2, [1.0, 2.0])),
            (2, Vectors.sparse(3, [1], [5.0]), None),
        ],
        ["id", "v", "m"],
    )


def no_columns(spark: SparkSession) -> DataFrame:
    return spark.range(5).select()


CASES = [
    Case("odd column names", named("a b", ",;{}()=\t", "UPPER", "日本", "🦄", "'quoted'", '"', "\\", "*")),
    Case("empty column name", named("", " ")),
    Case("newline in a column name", named("x\ny", "\r\n")),
    Case("dots in column names", named("a.b", "a", ".", "a..b")),
    Case("backticks in column names", named("`", "a`b", "`a`.`b`")),
    Case("duplicate column names", named("x", "x", "y", "x")),
    Case("column names that differ in case only", named("x", "X", "y")),
    Case("column names like those in the files", named("c1", "c0", "c2")),
    Case(
        "nested types with nulls at every depth",
        """SELECT * FROM VALUES
        (1, named_struct('a', array(map('k', named_struct('b', 1)), NULL), 'n', int(NULL)), array(array(1), NULL)),
        (2, NULL, array()) AS t(id, deep, lists)""",
    ),
    Case("a map with struct keys", "SELECT map(named_struct('x', 1, 'y', 'a'), array(1, 2)) AS m"),
    Case("odd field names in a struct", "SELECT named_struct('a b', 1, 'c.d', 2, '', 3, '日本', 4, 'x,y', 5) AS s"),
    Case(
        "decimals",
        """SELECT CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) AS a,
        CAST('-0.00000000000000000000000000000000000001' AS DECIMAL(38, 38)) AS b, CAST(1.5 AS DECIMAL(3, 1)) AS c""",
    ),
    Case(
        "timestamps",
        """SELECT * FROM VALUES (TIMESTAMP '1500-01-01 00:00:00.123456'), (TIMESTAMP '9999-12-31 23:59:59.999999'),
        (TIMESTAMP '1969-12-31 23:59:59.999999'), (TIMESTAMP '2026-10-25 02:30:00'), (NULL) AS t(x)""",
    ),
    Case(
        "timestamps without time zone",
        """SELECT * FROM VALUES (TIMESTAMP_NTZ '0001-01-01 00:00:00'), (TIMESTAMP_NTZ '2026-03-29 02:30:00.000001'),
        (TIMESTAMP_NTZ '9999-12-31 23:59:59.999999') AS t(x)""",
    ),
    Case(
        "dates before 1582 and up to 9999",
        "SELECT explode(array(DATE '0001-01-01', DATE '1582-10-04', DATE '1582-10-15', DATE '9999-12-31')) AS d",
    ),
    Case("a time of day, whose type is off", "SELECT TIME '23:59:59.999999' AS t, 1 AS one"),
    Case("binary", "SELECT * FROM VALUES (X''), (X'00FF80C3'), (NULL) AS t(b)"),
    Case(
        "year-month and day-time intervals",
        """SELECT INTERVAL '-1-11' YEAR TO MONTH AS ym, INTERVAL '3' MONTH AS m,
        INTERVAL '-1 02:03:04.000005' DAY TO SECOND AS ds, INTERVAL '2' HOUR AS h""",
    ),
    Case("a calendar interval", "SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5) AS i", "cannot be saved"),
    Case("a variant", """SELECT parse_json('{"a": [1, 2.5, null, "x"]}') AS v UNION ALL SELECT NULL"""),
    Case("void", "SELECT NULL AS n, 1 AS one"),
    Case("nothing but void", "SELECT NULL AS n"),
    Case("an empty frame", "SELECT 1 AS a, array(named_struct('b', 'x')) AS c WHERE false"),
    Case("no column but rows", no_columns),
    Case("neither column nor row", lambda spark: spark.range(0).select()),
    Case("an empty struct", "SELECT struct() AS s, 1 AS a", "cannot be saved"),
    Case("metadata on columns", with_metadata),
    Case("vectors and matrices of MLlib", vectors),
    Case("collated strings", "SELECT 'Ä' COLLATE UNICODE_CI AS a, array('b' COLLATE UTF8_LCASE) AS b"),
    Case(
        "NaN, negative zero and infinity",
        """SELECT * FROM VALUES (double('NaN'), float('NaN')), (double('-0.0'), float('-0.0')), (0D, 0F),
        (double('Infinity'), float('-Infinity')), (4.9E-324D, NULL) AS t(d, f)""",
    ),
    Case("integers", "SELECT -128Y AS a, -32768S AS b, 2147483647 AS c, -9223372036854775808L AS d"),
    Case("strings with every kind of character", r"SELECT explode(array('', '\0', 'a\nb', '🦄', ' ', NULL)) AS s"),
    Case("2,000 columns", lambda spark: spark.range(2).selectExpr(*(f"id + {i} AS `n{i}`" for i in range(2000)))),
    Case("rows that occur more than once", "SELECT id % 2 AS a FROM range(6)"),
]  # fmt: skip


def described(frame: DataFrame) -> tuple[list[str], list[Any], Counter[tuple[Any, ...]]]:
    """Return names, types with metadata and values of a frame; values as text, because Python cannot hold them all."""
    types = [
        json.loads(re.sub(r'"(nullable|containsNull|valueContainsNull)":\w+', r'"\1":0', f.json()))
        for f in frame.schema
    ]
    kinds = [field.dataType.typeName() for field in frame.schema]
    frame.sparkSession.conf.set("spark.sql.codegen.wholeStage", "false")  # compiling takes longer than these few rows
    frame.sparkSession.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    flat = frame.toDF(*(f"v{index}" for index in range(len(kinds))))
    if len(kinds) > 100 or any(kind in ("vector", "matrix") for kind in kinds):
        rows = [tuple(map(repr, row)) for row in flat.collect()]
    elif kinds:
        texts = (f"hex(v{i})" if kind == "binary" else f"CAST(v{i} AS STRING)" for i, kind in enumerate(kinds))
        rows = [tuple(row) for row in flat.selectExpr(*texts).collect()]
    else:
        rows = [()] * flat.count()
    return list(frame.columns), types, Counter(rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_view_comes_back_as_it_was(case: Case, spark: SparkSession, tmp_path: Path, script: Script) -> None:
    """Invariant 6."""
    run = SparkRun(spark, tmp_path / "state", "make", reads("look"), session_state="save")
    run.does("make", lambda session: case.make(session).createOrReplaceTempView("v"))
    run.fails("look")
    run.attempt()
    expected = described(case.make(spark.newSession()))
    found = []
    run.does("look", lambda session: found.append(described(session.table("v"))))
    run.took_turns()
    handling, reason = run.handling("make")
    if case.unsavable is None:
        assert (handling, reason) == ("kept", "session_state is 'save'")
    else:
        assert handling == "unrepeatable"
        assert re.search(case.unsavable, reason)
        with pytest.raises(SessionStateNotSavedError, match=case.unsavable):
            run.resume()
        run.config = run.config.model_copy(update={"session_state": "replay"})
    assert run.resume().status is PipelineResultStatus.SUCCESS
    assert run.took_turns() == (["look"] if case.unsavable is None else ["make", "look"])
    assert found == [expected]
