"""What a component returns is told where it looks as if something was still to be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner import PipelineConfig, PipelineResultStatus, SimplePipelineRunner

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


async def leaves_a_view(spark: SparkSession, rows: int) -> None:
    spark.range(rows).createOrReplaceTempView("v")


def returns_a_frame(spark: SparkSession) -> Any:
    return spark.range(3)


def returns_a_function_for_sql(spark: SparkSession) -> Any:
    return spark.udf.register("one_more", lambda number: number + 1, "int")


def messages_of(function: Any, session: SparkSession, caplog: pytest.LogCaptureFixture, **config: Any) -> list[str]:
    pipeline = PipelineConfig(name="p", components=[{"name": "a", "class_path": function, "config": config}])  # type: ignore[list-item]
    assert SimplePipelineRunner(pipeline, spark=session).run().status is PipelineResultStatus.SUCCESS
    return [message for message in caplog.messages if "returned" in message]


def test_what_an_async_component_leaves_is_there_for_the_next(
    session: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    assert messages_of(leaves_a_view, session, caplog, rows=3) == []
    assert session.table("v").count() == 3


def test_a_returned_data_frame_is_warned_of(session: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    (message,) = messages_of(returns_a_frame, session, caplog)
    assert message.startswith("component 'a' returned a DataFrame, which the runner ignores")


def test_a_function_for_sql_is_registered_already(session: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    assert messages_of(returns_a_function_for_sql, session, caplog) == []
