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


def registers(spark: SparkSession) -> None:
    spark.udf.register("clean", str)


def pipeline(*components: dict[str, Any], **fields: Any) -> PipelineConfig:
    return PipelineConfig.model_validate({"name": "p", "components": list(components), **fields})


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


LEFT_BY = {
    "orders": "load_orders",
    "a`b": "load_orders",
    "my orders": "load_orders",
    "global_temp.orders": "load_all",
    "clean": "register",
    "run_date": "declare",
    "my.x": "configure",
    "shopdb": "connect",
}
SEARCHED = (
    "Verify the spelling and correctness of the schema and catalog.\nSearch path: [`system`.`session`, `a`.`clean`]"
)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `orders` cannot be found. {SEARCHED}",
            "view 'orders' is left by component 'load_orders', on which 'reads' does not depend: add it to depends_on",
        ),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `ORDERS` cannot be found.", "view 'ORDERS' is left by"),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `a``b` cannot be found.", "view 'a`b' is left by"),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `my orders` cannot be found.", "view 'my orders' is left by"),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `session`.`orders` cannot be found.", "view 'orders' is left by"),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `spark_catalog`.`default`.`orders` cannot be found.",
            "view 'orders' is left by component 'load_orders'",
        ),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `global_temp`.`orders` cannot be found.",
            "view 'global_temp.orders' is left by component 'load_all'",
        ),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `spark_catalog`.`global_temp`.`orders` cannot be found.",
            "view 'global_temp.orders' is left by component 'load_all'",
        ),
        ("[VIEW_NOT_FOUND] The view `orders` cannot be found.", "view 'orders' is left by"),
        (
            "[UNRESOLVED_ROUTINE] Cannot resolve routine `clean` on search path [`system`.`builtin`]. SQLSTATE: 42883",
            "function 'clean' is left by component 'register', on which 'reads' does not depend: add it to depends_on",
        ),
        ("[ROUTINE_NOT_FOUND] The routine `clean` cannot be found.", "function 'clean' is left by"),
        (
            "[UNRESOLVABLE_TABLE_VALUED_FUNCTION] Could not resolve `clean` to a table-valued function.\nPlease",
            "function 'clean' is left by",
        ),
        (
            "[UNRESOLVED_VARIABLE] Cannot resolve variable `run_date` on search path [`system`.`session`].",
            "session variable 'run_date' is left by component 'declare'",
        ),
        (
            "[VARIABLE_NOT_FOUND] The variable `system`.`session`.`run_date` cannot be found.",
            "session variable 'run_date' is left by",
        ),
        (
            "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column, variable, or function parameter with name `run_date` "
            "cannot be resolved.  SQLSTATE: 42703",
            "session variable 'run_date' is left by",
        ),
        (
            '[SQL_CONF_NOT_FOUND] The SQL config "my.x" cannot be found. Please verify that the config exists.',
            "setting 'my.x' is left by component 'configure'",
        ),
        (
            "An error occurred while calling o1.load.\n: org.apache.spark.SparkClassNotFoundException: "
            "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: shopdb. Make sure the provider name is correct",
            "data source 'shopdb' is left by component 'connect'",
        ),
    ],
)
def test_who_leaves_what_is_missed_is_named_with_the_missing_edge(error: str, told: str) -> None:
    """In each form in which Spark says what it does not find, and before what else may be said of the name."""
    lost = {"`orders`": "it is of 'jdbc'", "temp function `clean`": "it cannot be saved"}
    config = pipeline(sql("other", "orders"), READS)
    [line] = missing_view(RuntimeError(error), "reads", config, ["orders2"], lost, LEFT_BY)
    assert line.startswith(told)


def test_an_error_that_the_component_wraps_counts() -> None:
    try:
        raise ValueError("cannot join") from not_found("`orders`")
    except ValueError as error:
        [line] = missing_view(error, "reads", pipeline(READS), [], left_by=LEFT_BY)
    assert line.startswith("view 'orders' is left by component 'load_orders'")


@pytest.mark.parametrize(
    "error",
    [
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `orders` cannot be "
        "resolved. Did you mean one of the following? [`order`]",
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `shop`.`orders` cannot be found.",
        "division by zero in `orders`",
    ],
)
def test_a_name_that_cannot_be_what_another_component_left_is_no_missing_edge(error: str) -> None:
    """A column with others to choose from, a table of a database, an error about something else."""
    for line in missing_view(RuntimeError(error), "reads", pipeline(READS), [], left_by=LEFT_BY):
        assert "is left by" not in line


def test_an_edge_that_would_make_a_cycle_is_not_asked_for() -> None:
    config = pipeline(READS, sql("load_orders", "orders", depends_on=["reads"]))
    [line] = missing_view(not_found("`orders`"), "reads", config, [], left_by=LEFT_BY)
    assert line == (
        "view 'orders' is left by component 'load_orders', which depends on 'reads': leave it in a component on which "
        "'reads' can depend"
    )


@pytest.mark.parametrize(
    ("error", "other", "told"),
    [
        (
            not_found("`v`"),
            sql("a", "v"),
            "view 'v' is left by component 'a', on which 'reads' does not depend: add it",
        ),
        (
            not_found("`by_code`"),
            {"name": "a", "class_path": f"{HERE}.leaves_by_code"},
            "view 'by_code' is left by component 'a', on which 'reads' does not depend: add it",
        ),
        (
            ValueError("[UNRESOLVED_ROUTINE] Cannot resolve routine `clean` on search path"),
            {"name": "a", "class_path": f"{HERE}.registers"},
            "function 'clean' is left by component 'a', on which 'reads' does not depend: add it",
        ),
        (
            ValueError("[UNRESOLVED_ROUTINE] Cannot resolve routine `clean` on search path"),
            {**sql("a", "x"), "config": {"sql": "CREATE TEMPORARY FUNCTION clean(a INT) RETURN a"}},
            "function 'clean' is left by component 'a', on which 'reads' does not depend: add it",
        ),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_side_by_side_who_leaves_it_is_named_before_it_has_run(
    error: ValueError, other: dict[str, Any], told: str, first: bool
) -> None:
    """Whether it comes before or after in the file, and also if it is slower than who misses it."""
    beside = {**sql("b", "y"), "config": {"input_view": "v", "sql": "SELECT 1"}}  # which only reads it
    config = pipeline(*([beside, other, READS] if first else [READS, other, beside]), max_parallel_components=2)
    [line] = missing_view(error, "reads", config, [])
    assert line.startswith(told)


def test_side_by_side_an_ancestor_that_did_not_leave_it_is_named_as_before() -> None:
    config = pipeline(sql("a", "v"), {**READS, "depends_on": ["a"]}, sql("b", "v"), max_parallel_components=2)
    [line] = missing_view(not_found("`v`"), "reads", config, [])
    assert "component 'a' ran before it" in line
