"""What is said to whom a view is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.observing.missing_view import missing_view

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HERE = __name__


def leaves_by_code(spark: SparkSession) -> None:
    spark.range(3).createOrReplaceTempView("by_code")


def leaves_by_statement(spark: SparkSession) -> None:
    spark.sql("CREATE OR REPLACE TEMP VIEW `by statement` AS SELECT 1")


def reads(spark: SparkSession) -> None:
    spark.table("x").show()


def pipeline(*components: dict[str, Any]) -> PipelineConfig:
    return PipelineConfig.model_validate({"name": "p", "components": list(components)})


def sql(name: str, view: str, **more: Any) -> dict[str, Any]:
    config = {"sql": "SELECT 1", "output_view": view}
    return {"name": name, "class_path": "airflow_provider.components.RunSql", "config": config, **more}


READS = {"name": "reads", "class_path": f"{HERE}.reads"}


def not_found(name: str) -> ValueError:
    return ValueError(f"[TABLE_OR_VIEW_NOT_FOUND] The table or view {name} cannot be found. Verify the spelling")


@pytest.mark.parametrize(
    ("missed", "other", "told"),
    [
        (
            "`v`",
            sql("a", "v"),
            "remedy: component 'a' leaves view 'v' and runs later; add 'a' to depends_on of 'reads'",
        ),
        ("`V`", sql("a", "v"), "leaves view 'V' and runs later"),
        ("`db`.`v`", sql("a", "v"), "leaves view 'v' and runs later"),
        ("`v`", sql("a", "v", enabled=False), "leaves view 'v', but it is disabled; enable it"),
        ("`by_code`", {"name": "a", "class_path": f"{HERE}.leaves_by_code"}, "leaves view 'by_code' and runs later"),
        (
            "`by statement`",
            {"name": "a", "class_path": f"{HERE}.leaves_by_statement"},
            "leaves view 'by statement' and runs later",
        ),
        ("`a``b`", sql("a", "a`b"), "leaves view 'a`b' and runs later"),
    ],
)
def test_the_component_that_leaves_a_missing_view_is_named(missed: str, other: dict[str, Any], told: str) -> None:
    """By its config or its code, whatever the spelling, and with the edge that is missing."""
    [line] = missing_view(not_found(missed), "reads", pipeline(READS, other), [])
    assert told in line


def test_who_ran_before_and_did_not_leave_it_is_named() -> None:
    """An edge is not what is missing."""
    [line] = missing_view(not_found("`v`"), "reads", pipeline(sql("a", "v"), READS), [])
    assert line.startswith(
        "component 'a' ran before it and its code or config names view 'v', but it did not leave the"
    )


@pytest.mark.parametrize(
    ("views", "told"),
    [
        (["orders", "shops"], "; did you mean 'orders'?"),
        ([], "; the session has no view"),
    ],
)
def test_a_view_that_no_component_leaves_is_answered_with_the_nearest_name(views: list[str], told: str) -> None:
    """A view that only contains the name in its own is another one."""
    config = pipeline(READS, sql("a", "ordres_of_today"))
    [line] = missing_view(not_found("`ordres`"), "reads", config, views)
    assert line.startswith("no component of this pipeline leaves a view 'ordres' as far as its code and config show")
    assert line.endswith(told)


def test_another_error_gets_no_hint_about_views() -> None:
    """Only Spark's own condition counts."""
    assert missing_view(ValueError("no table or view `v`"), "reads", pipeline(READS, sql("a", "v")), ["v"]) == []


LOST = {"`db`.`orders`": "it is of 'jdbc'", "temp function `clean`": "it cannot be saved", "setting 'x'": "a secret"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `db`.`orders` cannot be found.",
            "`db`.`orders` could not be restored",
        ),
        (
            "[UNRESOLVED_ROUTINE] Cannot resolve routine `clean` on search path",
            "temp function `clean` could not be restored",
        ),
        (
            "[LOCATION_ALREADY_EXISTS] Cannot name the managed table as `c`.`db`.`orders`",
            "`db`.`orders` could not be restored",
        ),
    ],
)
def test_what_could_not_be_restored_is_named_with_its_reason(error: str, told: str) -> None:
    """Whatever it is that Spark says of it."""
    [line] = missing_view(RuntimeError(error), "reads", pipeline(READS), [], LOST)
    assert line.startswith(f"{told} after the failure: it ")
    assert line.endswith("set its session_state: replay if running it twice does no harm")


def test_an_error_about_something_else_has_nothing_to_do_with_what_is_lost() -> None:
    assert missing_view(RuntimeError("division by zero in `orders2`"), "reads", pipeline(READS), [], LOST) == []
