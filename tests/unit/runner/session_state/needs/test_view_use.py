"""What the source of an author's component says of a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider.runner.session_state.needs.view_use import ViewUse, find_view_use

ORDERS = "orders"
OTHER = "others"


def by_table(spark: Any) -> None:
    spark.table("orders").count()


def by_reader(spark: Any) -> None:
    spark.read.table("`Orders`").count()


def by_sql(spark: Any) -> None:
    spark.sql("SELECT * FROM orders WHERE id > 1")


def by_join(spark: Any, day: str) -> None:
    spark.sql(f"SELECT a.id FROM a JOIN `orders` USING (id) WHERE day = '{day}'")


def by_list_of_tables(spark: Any) -> None:
    spark.sql("SELECT 1 FROM a x, orders o")


def by_text_kept_first(spark: Any) -> None:
    text = """
        WITH q AS (SELECT * FROM orders)
        SELECT * FROM q
    """
    spark.sql(text)


def by_constant(spark: Any) -> None:
    spark.table(ORDERS)


def by_loop(spark: Any) -> None:
    for name in ("customers", "orders"):
        spark.table(name).count()


def _load(spark: Any, name: str) -> Any:
    return spark.table(name)


def by_helper(spark: Any) -> None:
    _load(spark, "orders")


def by_default(spark: Any, name: str = "orders") -> None:
    spark.table(name)


class InAClass:
    def run(self) -> None:
        self.spark.table("orders")  # type: ignore[attr-defined]


class _Base:
    def load(self) -> None:
        self.spark.table("orders")  # type: ignore[attr-defined]


class Inherits(_Base):
    def run(self) -> None:
        self.load()


def then_makes(spark: Any) -> None:
    spark.table("orders").where("id > 1").createOrReplaceTempView("orders")


def replaces_by_sql(spark: Any) -> None:
    spark.sql("CREATE OR REPLACE TEMP VIEW orders AS SELECT * FROM orders WHERE id > 1")


@pytest.mark.parametrize(
    "component",
    [
        by_table,
        by_reader,
        by_sql,
        by_join,
        by_list_of_tables,
        by_text_kept_first,
        by_constant,
        by_loop,
        by_helper,
        by_default,
        InAClass,
        Inherits,
        then_makes,
        replaces_by_sql,
    ],
)
def test_a_view_that_the_code_reads_is_needed(component: Any) -> None:
    assert find_view_use(component, "orders").reads is True


def only_a_word(spark: Any) -> None:
    """Counts the orders, from orders of the day."""
    print("select all from orders")
    spark.range(1).select("orders").withColumn("orders", 1)


def a_column(spark: Any) -> None:
    spark.sql("SELECT orders FROM totals WHERE orders > 1 -- FROM orders")


def another_view(spark: Any) -> None:
    spark.sql("SELECT * FROM orders_clean JOIN shop.orders USING (id)")
    spark.table("all_orders")


def a_text_in_sql(spark: Any) -> None:
    spark.sql("SELECT 'FROM orders' AS text FROM a")


def an_alias(spark: Any) -> None:
    spark.table(OTHER).alias("orders")["orders"]


def drops(spark: Any) -> None:
    spark.sql("DROP TABLE IF EXISTS orders")


def makes_first(spark: Any) -> None:
    spark.range(1).createOrReplaceTempView("orders")
    spark.table("orders").count()


def makes_by_sql(spark: Any) -> None:
    spark.sql("CREATE OR REPLACE TEMP VIEW orders AS SELECT 1 AS id")
    spark.sql("SELECT * FROM orders")


@pytest.mark.parametrize(
    "component", [only_a_word, a_column, another_view, a_text_in_sql, an_alias, drops, makes_first, makes_by_sql]
)
def test_a_name_that_the_code_has_for_something_else_is_no_need(component: Callable[..., None]) -> None:
    assert find_view_use(component, "orders").reads is False


def test_what_the_code_makes_is_known() -> None:
    assert find_view_use(makes_first, "orders").makes
    assert find_view_use(then_makes, "orders").makes
    assert not find_view_use(by_table, "orders").makes


def names_it(spark: Any, read: Callable[[Any, list[str]], None]) -> None:
    views = ["orders"]
    read(spark, views)


def test_a_name_that_may_be_passed_on_is_only_likely() -> None:
    assert find_view_use(names_it, "orders").reads is None


@pytest.mark.parametrize("target", [None, len, print, 7])
def test_code_without_a_source_says_nothing(target: Any) -> None:
    assert find_view_use(target, "orders") == ViewUse()
