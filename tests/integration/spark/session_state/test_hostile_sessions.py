"""Sessions and components that are hard to look at: a pipeline that plain Spark runs is run, and resumed as well."""

from __future__ import annotations

import contextlib
import functools
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from py4j.protocol import Py4JJavaError

from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.session_inspection import SessionInspection
from airflow_provider.runner.session_state.sources import look
from tests.integration.spark.session_state.scenes import SUCCESS, values, view
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    Make = Callable[..., SparkRun]

JDBC_CATALOG = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"


def test_views_that_are_broken_by_every_cause_fail_nobody(make: Make, database: str, tmp_path: Path) -> None:
    """Each is recorded with Spark's condition, and the one that can be read is restored."""
    files, catalog = str(tmp_path / "in"), f"cat_{uuid4().hex[:8]}"
    url = f"jdbc:derby:memory:{catalog}"

    def leaves(session: SparkSession) -> None:
        def sql(*statements: str) -> None:
            for statement in statements:
                session.sql(statement)

        sql(
            f"CREATE TABLE {database}.dropped AS SELECT 1 AS id",
            f"CREATE TEMP VIEW of_dropped AS SELECT * FROM {database}.dropped",
            f"DROP TABLE {database}.dropped",
            f"CREATE TABLE {database}.narrow AS SELECT 1 AS id, 2 AS other",
            f"CREATE TEMP VIEW of_column AS SELECT other FROM {database}.narrow",
            f"DROP TABLE {database}.narrow",
            f"CREATE TABLE {database}.narrow AS SELECT 1 AS id",
            "CREATE TEMPORARY FUNCTION gone(x INT) RETURNS INT RETURN x",
            "CREATE TEMP VIEW of_function AS SELECT gone(1) AS id",
            "DROP TEMPORARY FUNCTION gone",
            "CREATE TEMP VIEW base AS SELECT 1 AS id, 2 AS other",
            "CREATE TEMP VIEW of_base AS SELECT other FROM base",
            "CREATE OR REPLACE TEMP VIEW base AS SELECT 1 AS id",
        )
        session.range(3).write.parquet(files)
        session.read.parquet(files).createOrReplaceTempView("of_files")
        shutil.rmtree(files)
        session.conf.set(f"spark.sql.catalog.{catalog}", JDBC_CATALOG)
        session.conf.set(f"spark.sql.catalog.{catalog}.url", f"{url};create=true")
        session.conf.set(f"spark.sql.catalog.{catalog}.driver", "org.apache.derby.iapi.jdbc.AutoloadedDriver")
        sql(
            f"CREATE TABLE {catalog}.APP.t (id INT)",
            f"CREATE TEMP VIEW of_catalog AS SELECT * FROM {catalog}.APP.t",
        )
        with contextlib.suppress(Py4JJavaError):  # Derby says by an error that the database is gone
            session._jvm.java.sql.DriverManager.getConnection(f"{url};drop=true")
        view("w", 2)(session)

    run = make("a", "b", "c")
    run.does("a", leaves)
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    record = run.record("a")
    broken: Any = record.parts["views"]
    assert sorted(saved.name for saved in record.views) == ["base", "w"]
    assert sorted(broken) == ["of_base", "of_catalog", "of_column", "of_dropped", "of_files", "of_function"]
    assert {name: bool(entry["condition"]) for name, entry in broken.items()} == dict.fromkeys(broken, True)


def test_a_view_with_ten_thousand_expressions_is_looked_at(make: Make, tmp_path: Path) -> None:
    columns = ", ".join(f"id + {number} AS c{number}" for number in range(3_400))
    run = make("a", "c")
    run.does("a", lambda session: session.sql(f"CREATE TEMP VIEW v AS SELECT {columns} FROM range(3)"))
    found: list[int] = []
    run.fails("c")
    assert [name for name, _ in run.attempt().failed_components] == ["c"]
    run.does("c", lambda session: found.append(len(session.table("v").columns)))
    assert run.resume().status is SUCCESS
    assert found == [3_400]


@pytest.mark.torture
def test_a_session_with_five_thousand_views_is_looked_at(make: Make) -> None:
    run = make("a", "b", "c", session_state="replay")  # it runs more SQL than Spark remembers
    run.does("a", lambda session: [session.range(1).createOrReplaceTempView(f"v{n}") for n in range(5_000)])
    run.does("b", view("w", 2))
    found: list[Any] = []
    run.fails("c")
    run.attempt()
    run.does("c", lambda session: found.append([values(session, "w"), values(session, "v4999")]))
    assert run.resume().status is SUCCESS
    assert found == [[[0, 1], [0]]]


def test_a_catalog_that_hangs_holds_nothing_for_longer_than_a_look_may_take(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its views are saved, because it is not known whether they would show the same rows again."""
    release = threading.Event()
    monkeypatch.setattr(SessionInspection.__init__, "__defaults__", (0.5,))
    monkeypatch.setattr(ClassicProbe, "why_unstable", lambda self, view: str(release.wait()))
    run = make("a", "b", "c")
    for name in ("a", "b"):
        run.does(name, view(f"of_{name}", 2))
    run.fails("c")
    try:
        assert [name for name, _ in run.attempt().failed_components] == ["c"]
    finally:
        release.set()
    assert run.handling("a") == ("kept", "view 'of_a' cannot be inspected")
    monkeypatch.undo()
    found: list[Any] = []
    run.does("c", lambda session: found.append([values(session, "of_a"), values(session, "of_b")]))
    assert run.resume().status is SUCCESS
    assert found == [[[0, 1], [0, 1]]]


def test_a_storage_that_hangs_holds_nothing_for_longer_than_a_look_may_take(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then views that read there count as out of date, and are saved while Spark still has their files."""
    release = threading.Event()
    place = str(tmp_path / "in")
    monkeypatch.setattr(SessionInspection.__init__, "__defaults__", (0.5,))
    monkeypatch.setattr(look, "local_files", lambda *arguments: release.wait(60) and [])
    run = make("a", "b", "c")
    run.session.range(3).write.parquet(place)
    run.does("a", lambda session: session.read.parquet(place).createOrReplaceTempView("v"))
    run.does("b", lambda session: (tmp_path / "note").write_text("b"))
    run.fails("c")
    began = time.monotonic()
    try:
        assert [name for name, _ in run.attempt().failed_components] == ["c"]
    finally:
        release.set()
    assert time.monotonic() - began < 50
    assert run.handling("a")[0] == "kept"
    monkeypatch.undo()
    found: list[Any] = []
    run.does("c", lambda session: found.append(values(session, "v")))
    assert run.resume().status is SUCCESS
    assert found == [[0, 1, 2]]


def test_a_plan_that_is_deep_does_not_stop_spark(make: Make) -> None:
    """What follows plans in Spark's own threads must not end these."""
    run = make("a", "b")

    def deep(session: SparkSession) -> None:
        frame = functools.reduce(lambda frame, number: frame.where(f"id > {-number - 1}"), range(150), session.range(3))
        frame.createOrReplaceTempView("v")
        assert frame.count() == 3

    run.does("a", deep)
    assert run.attempt().status is SUCCESS
    assert values(run.session, "v") == [0, 1, 2]
