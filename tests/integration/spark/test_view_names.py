"""Which names of views the config check takes is what Spark takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider.components.config_checks import check_source_name, check_view_name

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAMES = (
    *(
        "v",
        "V2",
        "2nd",
        "_x",
        "__",
        "`my-view`",
        "` a `",
        "`a``b`",
        "`a.b`",
        " v ",
        "select",
        "table",
        "1a",
        "x1e3",
        "12x3",
    ),
    *(
        "my-view",
        "a b",
        "a/b",
        "12",
        "2e3",
        "3l",
        "4bd",
        "v;",
        "`a",
        "a`b",
        "-",
        "a:b",
        "{v}",
        "db.v",
        "global_temp.v",
        "`a`.b",
    ),
    *("1e", "1e3x", "5d", "6f", "7s", "8y", "1_000", "_1", "größe", "表", "v'", ""),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_problem_exactly_if_spark_refuses_it(name: str, session: SparkSession) -> None:
    try:
        session.range(1).createOrReplaceTempView(name)
        taken = True
    except Exception:
        taken = False
    assert (list(check_view_name("f", name)) == []) is taken
    if taken:
        assert list(check_source_name("f", name)) == []
        assert session.table(name).count() == 1
