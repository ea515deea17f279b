"""Invariant 11: components that use Spark and pandas from the driver."""

from __future__ import annotations

import pytest

from tests.integration.spark.harmless.case import Case, judge, replayed, saved
from tests.integration.spark.harmless.world import World, entries, java_temp_files, lines

CASES = [
    replayed("on_driver.lazy_view"),
    replayed("on_driver.sql_view"),
    saved("on_driver.append_csv_with_pandas", "lines.txt", path="{lines}", count=lines),
    saved("on_driver.parquet_with_pandas", "to_parquet", outbox="{outbox}", count=entries),
    saved("on_driver.save_with_numpy", "save", outbox="{outbox}", count=entries),
    replayed("on_driver.read_csv_with_pandas", source="{csv}"),
    replayed("on_driver.compute_with_pandas"),
    replayed("on_driver.compute_with_the_standard_library"),
    replayed("on_driver.to_pandas"),
    replayed("on_driver.collect"),
    replayed("on_driver.count"),
    replayed("on_driver.show"),
    replayed("on_driver.cache"),
    replayed("on_driver.persist_on_disk"),
    replayed("on_driver.cache_table"),
    replayed("on_driver.cache_lazily_by_name"),
    saved("on_driver.cache_and_append", "lines.txt", path="{lines}", count=lines),
    replayed("on_driver.broadcast_hint"),
    replayed("on_driver.broadcast_variable"),
    saved("on_driver.accumulate", "outside"),
    replayed("on_driver.create_data_frame"),
    replayed("on_driver.infer_the_schema_of_csv", source="{csv}"),
    replayed("on_driver.infer_the_schema_of_json", source="{json}"),
    replayed("on_driver.read_parquet", source="{parquet}"),
    saved("on_driver.map_an_rdd", "outside"),
    saved("on_driver.append_through_the_jvm", "_jvm", path="{lines}", count=lines),
    saved("on_driver.append_through_py4j", "_gateway", path="{lines}", count=lines),
    saved("on_driver.act_in_an_expression", "called a Java method", prefix="{prefix}", count=java_temp_files),
    replayed(
        "airflow_provider.components.ReadData",
        path="{csv}",
        format="csv",
        options={"inferSchema": True},
        output_view="v",
    ),
    replayed("airflow_provider.components.RunSql", sql="SELECT id * 2 AS id FROM range(5)", output_view="v"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_only_computes_is_replayed_and_the_rest_happens_once(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)
