"""The current catalog and database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.integration.spark.session_state.scenes import after_failure, sql
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]


@pytest.mark.parametrize("via", ["USE {0}", "USE spark_catalog.{0}", "USE DATABASE {0}"])
def test_the_current_database_is_current_again(make: Make, database: str, via: str) -> None:
    run = make("a", "c")
    run.does("a", sql(via.format(database)))
    assert after_failure(run) == ["c"]
    assert run.session.catalog.currentDatabase() == database


def test_the_current_catalog_is_current_again(make: Make, spark: SparkSession) -> None:
    """A second catalog: Spark's own V2 test double is not in the wheel, so JDBC's on an empty Derby stands in."""
    catalog = f"cat_{uuid4().hex[:8]}"
    run = make("a", "c")

    def use(session: SparkSession) -> None:
        session.conf.set(
            f"spark.sql.catalog.{catalog}", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
        )
        session.conf.set(f"spark.sql.catalog.{catalog}.url", f"jdbc:derby:memory:{catalog};create=true")
        session.conf.set(f"spark.sql.catalog.{catalog}.driver", "org.apache.derby.iapi.jdbc.AutoloadedDriver")
        session.sql(f"USE {catalog}.APP")

    run.does("a", use)
    assert after_failure(run) == ["a", "c"], "what names a catalog's class is not taken from a record"
    assert run.session.catalog.currentCatalog() == catalog
    assert run.session.catalog.currentDatabase() == "APP"
