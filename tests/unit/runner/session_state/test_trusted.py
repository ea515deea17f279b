"""Invariant 8: what of a record may be used, decided from the record and today's config alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.record.session_state_record import CatalogObject, SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    RecordLimits,
)
from airflow_provider.runner.session_state.kinds.recorded_state import reject_record
from airflow_provider.runner.session_state.trusted.trusted_locations import reject_format, reject_location
from airflow_provider.runner.session_state.trusted.trusted_settings import reject_setting
from airflow_provider.runner.session_state.trusted.trusted_tables import reject_catalog_object
from tests.samples.harness.records import FULL, TABLE

INSIDE = "attempt-0123456789ab/0001-01234567/0"


@pytest.mark.parametrize(
    ("run", "url"),
    [
        ("/runs/run-1", f"/runs/run-1/{INSIDE}"),
        ("/runs/run-1/", f"/runs/run-1/{INSIDE}"),
        ("file:///runs/run-1", f"/runs/run-1/{INSIDE}"),
        ("/runs/a%2Fb", f"file:/runs/a%2Fb/{INSIDE}"),
        ("s3a://bucket/runs/run-1", f"s3a://bucket/runs/run-1/{INSIDE}"),
        ("hdfs://host:9000/run-1", "hdfs://host:9000/run-1/attempt-0123456789ab/0000-01234567/objects"),
    ],
)
def test_what_the_run_has_written_is_in_its_directory(run: str, url: str) -> None:
    """However the same local directory is spelled."""
    assert reject_location(run, url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "/runs/run-1",
        f"/runs/run-1x/{INSIDE}",
        f"/runs/run-1/../run-2/{INSIDE}",
        f"/runs/run-1/{INSIDE}/../1",
        f"/runs/run-1/{INSIDE}/more",
        f"/runs/run-1/{INSIDE}\n",
        f"/runs/run-1/{INSIDE}\0",
        f"/runs/run-1/{INSIDE}?x",
        f"/runs/run-1/%2e%2e/{INSIDE}",
        "/runs/run-1/attempt-0123456789ab/{a,b}/0",
        f"/RUNS/run-1/{INSIDE}",
        f"runs/run-1/{INSIDE}",
        f"s3a://runs/run-1/{INSIDE}",
        f"http://host/runs/run-1/{INSIDE}",
        f"jar:file:/runs/run-1/{INSIDE}",
    ],
)
def test_nothing_else_is(url: str) -> None:
    assert "is not in this run's directory" in str(reject_location("/runs/run-1", url))


def test_a_link_leads_out_of_the_directory(tmp_path: Path) -> None:
    """The directory itself may be reached through one, as ``AIRFLOW_HOME`` often is."""
    (tmp_path / "real" / INSIDE).mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "real")
    run = str(tmp_path / "home")
    assert reject_location(run, f"{run}/{INSIDE}") is None
    (tmp_path / "real" / INSIDE / "part-0").symlink_to("/etc/passwd")
    assert "through a link" in str(reject_location(run, f"{run}/{INSIDE}"))
    (tmp_path / "real" / INSIDE).with_name("1").symlink_to("/etc")
    assert "through a link" in str(reject_location(run, f"{run}/{INSIDE[:-1]}1"))


def test_where_nothing_is_saved_today_nothing_is_read() -> None:
    """Another ``session_state_url`` than before says so, too: it is today's config that decides."""
    assert "session_state_url is not set today" in str(reject_location(None, f"/runs/run-1/{INSIDE}"))
    assert reject_location("s3a://new/run-1", f"s3a://old/run-1/{INSIDE}") is not None


def test_only_formats_of_files_and_the_configured_one_are_read() -> None:
    assert [reject_format(name, "iceberg") for name in ("parquet", "ORC", "iceberg")] == [None] * 3
    for name in ("jdbc", "kafka", "org.example.Evil", "binaryFile", "", "parquet; x"):
        assert reject_format(name, "parquet") is not None


@pytest.mark.parametrize(
    "key",
    [
        "spark.hadoop.fs.s3a.endpoint",
        "fs.defaultFS",
        "hadoop.security.authentication",
        "mapreduce.job.outputformat.class",
        "spark.jars.packages",
        "spark.driver.extraJavaOptions",
        "spark.executor.extraClassPath",
        "spark.plugins",
        "spark.extraListeners",
        "spark.sql.extensions",
        "spark.sql.queryExecutionListeners",
        "spark.sql.catalog.spark_catalog",
        "spark.sql.catalog.mine.warehouse",
        "spark.sql.catalogImplementation",
        "spark.sql.defaultCatalog",
        "spark.sql.hive.metastore.jars",
        "spark.sql.warehouse.dir",
        "spark.sql.sources.commitProtocolClass",
        "spark.sql.sources.outputCommitterClass",
        "spark.sql.parquet.output.committer.class",
        "spark.sql.streaming.stateStore.providerClass",
        "spark.sql.streaming.checkpointLocation",
        "spark.sql.streaming.checkpointFileManagerClass",
        "spark.sql.adaptive.customCostEvaluatorClass",
        "spark.sql.extendedExplainProviders",
        "spark.sql.udt.allowedDynamicUDTClasses",
        "spark.sql.execution.pyspark.python",
        "spark.sql.codegen.factoryMode",
        "spark.sql.redaction.string.regex",
        "spark.sql.sources.default",
        "spark.sql.runSQLOnFiles",
        "spark.sql.orc.impl",
    ],
)
def test_a_setting_that_chooses_code_places_or_credentials_is_never_restored(key: str) -> None:
    """Also one that Spark would let a session change."""
    assert f"setting {key!r} " in str(reject_setting(key, "x"))
    assert reject_setting(key, None) is not None


@pytest.mark.parametrize(
    "key",
    [
        "spark.sql.shuffle.partitions",
        "spark.sql.session.timeZone",
        "spark.sql.ansi.enabled",
        "spark.sql.adaptive.enabled",
        "spark.sql.autoBroadcastJoinThreshold",
        "spark.sql.caseSensitive",
        "spark.sql.legacy.timeParserPolicy",
        "spark.sql.parquet.datetimeRebaseModeInWrite",
        "spark.sql.parquet.compression.codec",
        "spark.sql.sources.partitionOverwriteMode",
        "spark.sql.execution.arrow.pyspark.enabled",
        "spark.sql.files.maxPartitionBytes",
        "spark.sql.repl.eagerEval.enabled",
    ],
)
def test_the_settings_that_people_change_are(key: str) -> None:
    assert reject_setting(key, "x") is None


def column(kind: object, **more: object) -> dict[str, Any]:
    return {"name": "x", "type": kind, "nullable": True, "metadata": {}} | more


UDT = {"type": "udt", "class": "java.util.Date", "pyClass": "os.system", "sqlType": "long"}


@pytest.mark.parametrize(
    "found",
    [
        column("long"),
        column("decimal(10,2)"),
        column("char(3)"),
        column("string collate UNICODE_CI"),
        column("interval year to month"),
        column("string", metadata={"comment": "; DROP TABLE x"}),
        column({"type": "array", "elementType": {"type": "struct", "fields": [column("long")]}, "containsNull": True}),
        column({"type": "map", "keyType": "long", "valueType": "string", "valueContainsNull": True}),
    ],
)
def test_a_table_of_plain_columns_is_data(found: dict[str, Any]) -> None:
    assert reject_catalog_object(_table(columns=json.dumps({"type": "struct", "fields": [found]}))) is None


@pytest.mark.parametrize(
    "found",
    [
        column(UDT),
        column({"type": "array", "elementType": UDT, "containsNull": True}),
        column({"type": "map", "keyType": UDT, "valueType": "long", "valueContainsNull": True}),
        column({"type": "struct", "fields": [column(UDT)]}),
        column("long", metadata={"CURRENT_DEFAULT": "reflect('java.lang.System', 'exit')"}),
        column("long", metadata={"GENERATION_EXPRESSION": "x"}),
        column("long", metadata=[]),
        column("long`; DROP TABLE x"),
        column(None),
        column({"type": ["struct"]}),
        "x",
    ],
)
def test_a_column_that_is_a_class_or_an_expression_is_not(found: object) -> None:
    """Spark makes an instance of the class that a type names, and computes a default."""
    assert reject_catalog_object(_table(columns=json.dumps({"type": "struct", "fields": [found]}))) is not None


@pytest.mark.parametrize("text", ["", "null", "[]", "x", "[" * 100_000, '{"type":"struct","fields":[' * 50_000])
def test_columns_that_are_none_are_noticed(text: str) -> None:
    assert reject_catalog_object(_table(columns=text)) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"provider": "jdbc"},
        {"provider": "org.example.Evil"},
        {"options": {"path": "/etc"}},
        {"options": {"Paths": "/etc"}},
        {"options": {"fs.file.impl": "org.example.Evil"}},
        {"options": {"parquet.crypto.factory.class": "org.example.Evil"}},
        {"options": {"avroSchemaUrl": "http://example.org"}},
        {"options": {"codec": "org.example.Evil"}},
        {"options": {"sep": "password=hunter2"}},
        {"name": "x`; DROP TABLE y"},
        {"name": ""},
    ],
)
def test_a_table_that_is_more_than_files_is_not(changed: dict[str, Any]) -> None:
    assert reject_catalog_object(_table(**changed)) is not None


def _table(**changed: Any) -> CatalogObject:
    assert TABLE.table is not None
    return TABLE.model_copy(update={"table": TABLE.table.model_copy(update=changed)})


# Any change of a good record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=10), inside, max_size=3),
    max_leaves=6,
)
HOSTILE = st.sampled_from(
    [
        -1,
        10**400,
        float("inf"),
        float("nan"),
        "`; DROP TABLE x",
        "../..",
        "\0",
        "\ud800",
        "x" * 100_000,
        [[[[]]]],
        {"": {}},
    ]
)


def _places(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from _places(value, (*path, key))


GOOD = FULL.to_json()


@settings(max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(list(_places(GOOD))), JSON | HOSTILE), min_size=1, max_size=3))
def test_any_change_of_a_record_loads_or_is_set_aside(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Invariant 9, and whatever loads is judged without an error. Nothing else is ever raised."""
    changed = copy.deepcopy(GOOD)
    for path, value in changes:
        inside: Any = changed
        try:
            for key in path[:-1]:
                inside = inside[key]
            inside[path[-1]] = value
        except (IndexError, KeyError, TypeError):
            continue  # an earlier change has taken that away
    try:
        state = CheckpointState.from_json(changed)
    except (CheckpointCorruptError, CheckpointFormatError):
        return
    for record in state.components.values():
        if record.session_state is not None:
            reject_record(record.session_state, RecordLimits("/runs/run-1", "parquet"))


@pytest.mark.parametrize(("name", "is_one"), [("a_b", True), ("a-b", True), ("a.`b c`", True), ("x`'; DROP", False)])
def test_a_current_database_that_is_no_name_is_not_taken_from_a_record(name: str, is_one: bool) -> None:
    """Seen while planning, so that its component runs again instead of failing each attempt that restores it."""
    record = SessionStateRecord(handling="kept", reason="r", catalog="spark_catalog", database=name)
    why = reject_record(record, RecordLimits(None, "parquet"))
    assert why == (None if is_one else f"its current database {name!r} is not a name")
