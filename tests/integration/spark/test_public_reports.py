"""Situations from public reports: what people ran into with Spark jobs elsewhere must not happen to them here.

Each test names the report that it was taken from, in words and code of our own. A pipeline is a file and its components
are a module beside it, as an author has them; each attempt gets a session of its own.
"""

from __future__ import annotations

import importlib
import logging
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import (
    CheckpointHooks,
    LocalCheckpointStore,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUCCESS = PipelineResultStatus.SUCCESS


_GATE = """
import pathlib

def gate(spark, flag):
    if not pathlib.Path(flag).exists():
        raise OSError("not yet")
"""


class Job:
    """A pipeline file with a module of components beside it, and attempts at it.

    :param spark: any session of the Spark to use
    :param folder: where the files lie
    """

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark = spark
        self.folder = folder
        self.module = f"steps_{uuid4().hex[:8]}"
        self.table = f"t_{uuid4().hex[:8]}"
        self.session = spark.newSession()
        self._code("")

    def _code(self, source: str) -> None:
        (self.folder / f"{self.module}.py").write_text(_GATE + textwrap.dedent(source))

    def given(self, *components: dict[str, Any], code: str = "", **fields: Any) -> Job:
        """Write the pipeline: each component without ``depends_on`` depends on the one before it."""
        self._code(code)
        before: list[str] = []
        for component in components:
            component["class_path"] = component["class_path"].replace("steps.", f"{self.module}.")
            component.setdefault("depends_on", before[-1:])
            before.append(component["name"])
        (self.folder / "job.yaml").write_text(yaml.safe_dump({"name": "job", "components": components, **fields}))
        return self

    def attempt(self) -> PipelineResult:
        """Run an attempt in a new session, as a retry does."""
        self.session = self._spark.newSession()
        importlib.invalidate_caches()
        config = load_pipeline_config(self.folder / "job.yaml")
        store = LocalCheckpointStore(self.folder / "checkpoints")
        hooks = CheckpointHooks(store, "run", compute_pipeline_fingerprint(config))
        runner = SimplePipelineRunner(
            config, hooks=hooks, spark=self.session, session_state_url=str(self.folder / "views"), fail_fast=True
        )
        return runner.run(completed_components=load_checkpoint_for_resume(store, "run", config))

    def open_gate(self) -> None:
        (self.folder / "flag").touch()

    @property
    def gate(self) -> dict[str, Any]:
        """A component that fails until :meth:`open_gate`."""
        return {"name": "gate", "class_path": "steps.gate", "config": {"flag": str(self.folder / "flag")}}

    def rows(self, source: str) -> list[tuple[Any, ...]]:
        """Return the rows of a view, a table or, if it has a slash, a path."""
        frame = self.session.read.parquet(source) if "/" in source else self.session.table(source)
        return sorted(tuple(row) for row in frame.collect())

    def path(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Job(spark, tmp_path)
    yield made
    sys.modules.pop(made.module, None)
    spark.sql(f"DROP TABLE IF EXISTS {made.table}")


def sql(name: str, text: str, view: str | None = None, **config: Any) -> dict[str, Any]:
    return {
        "name": name,
        "class_path": "airflow_provider.components.RunSql",
        "config": {"sql": text, **({"output_view": view} if view else {}), **config},
    }


def component(name: str, kind: str, **config: Any) -> dict[str, Any]:
    path = kind if "." in kind else f"airflow_provider.components.{kind}"
    return {"name": name, "class_path": path, "config": config}


def error_of(result: PipelineResult) -> str:
    assert result.failed_components, result.summary()
    return str(result.failed_components[0][1])


# Data that is lost


def test_a_partition_mode_that_a_component_sets_still_holds_after_a_retry(job: Job) -> None:
    """databricks/dbt-databricks 687: without the setting, an overwrite of one day deletes all the others."""
    job.given(
        component("mode", "steps.dynamic"),
        job.gate,
        component("write", "steps.write", path=job.path("out")),
        code="""
        def dynamic(spark):
            spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")

        def write(spark, path):
            spark.sql("SELECT 2 AS id, 'b' AS day").write.mode("overwrite").partitionBy("day").parquet(path)
        """,
    )
    job.session.sql("SELECT 1 AS id, 'a' AS day").write.partitionBy("day").parquet(job.path("out"))
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert job.rows(job.path("out")) == [(1, "a"), (2, "b")]


def test_an_overwrite_of_one_day_by_sql_says_which_partitions_it_deletes(
    job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    """aws-samples/dbt-glue 49: INSERT OVERWRITE of a day emptied the table; plain Spark does that, so say it aloud."""
    job.session.sql(f"CREATE TABLE {job.table} (id INT, day STRING) USING parquet PARTITIONED BY (day)")
    job.session.sql(f"INSERT INTO {job.table} VALUES (1, 'a')")
    job.given(sql("overwrite", f"INSERT OVERWRITE {job.table} SELECT 2 AS id, 'b' AS day"))
    with caplog.at_level(logging.WARNING):
        job.attempt()
    assert job.table in caplog.text
    assert "partition" in caplog.text


def test_another_partitioning_is_not_mixed_into_a_directory(job: Job) -> None:
    """databricks/dbt-databricks 696: after a change of partitioning old rows stayed, with null as their day."""
    job.session.sql("SELECT 1 AS id, 'a' AS day").write.parquet(job.path("out"))
    job.given(
        sql("rows", "SELECT 2 AS id, 'b' AS day", "rows"),
        component("write", "WriteData", input_view="rows", path=job.path("out"), partition_by=["day"], mode="append"),
    )
    assert "partition" in error_of(job.attempt())
    assert job.rows(job.path("out")) == [(1, "a")]


def test_columns_in_another_order_are_not_swapped(job: Job) -> None:
    """waitingforcode.com, overwriting partitioned tables: insertInto goes by position, so values change columns."""
    job.session.sql(f"CREATE TABLE {job.table} (id INT, shop STRING, day STRING) USING parquet PARTITIONED BY (day)")
    job.given(
        sql("rows", "SELECT 'a' AS day, 'x' AS shop, 1 AS id", "rows"),
        component("write", "WriteData", input_view="rows", table=job.table, mode="append"),
    )
    job.attempt()
    assert job.rows(job.table) in ([], [(1, "x", "a")])


def test_a_table_that_is_read_is_not_overwritten_under_its_reader(job: Job) -> None:
    """adatis.co.uk, overwriting a table that is also being read from."""
    job.session.sql(f"CREATE TABLE {job.table} USING parquet AS SELECT id FROM range(3)")
    job.given(
        sql("read", f"SELECT id FROM {job.table}", "history"),
        sql("keep", "SELECT id FROM history WHERE id > 0", "kept"),
        component("write", "WriteData", input_view="kept", table=job.table),
    )
    result = job.attempt()
    expected = [(1,), (2,)] if result.status is SUCCESS else [(0,), (1,), (2,)]
    assert job.rows(job.table) == expected


def test_what_was_cut_from_its_source_may_overwrite_it(job: Job) -> None:
    """openillumi.com, cannot insert overwrite: a checkpointed frame no longer reads the path; refusing it is wrong."""
    job.session.range(3).write.parquet(job.path("orders"))
    job.given(
        component("read", "steps.cut", path=job.path("orders")),
        component("write", "WriteData", input_view="cut", path=job.path("orders")),
        code="""
        def cut(spark, path):
            spark.read.parquet(path).where("id > 0").localCheckpoint().createOrReplaceTempView("cut")
        """,
    )
    assert job.attempt().status is SUCCESS
    assert job.rows(job.path("orders")) == [(1,), (2,)]


def test_a_view_that_is_cached_in_part_survives_an_overwrite_of_its_path_or_that_is_refused(job: Job) -> None:
    """mejorcodigo.com 71247: cache() and show(1) keep one partition; after an overwrite the rest cannot be read."""
    job.session.range(0, 40, 1, 4).write.parquet(job.path("orders"))
    job.given(
        component("read", "steps.cached", path=job.path("orders")),
        component("write", "WriteData", input_view="kept", path=job.path("orders")),
        code="""
        def cached(spark, path):
            frame = spark.read.parquet(path)
            frame.cache()
            frame.show(1)
            frame.where("id >= 20").createOrReplaceTempView("kept")
        """,
    )
    result = job.attempt()
    expected = 20 if result.status is SUCCESS else 40
    assert len(job.rows(job.path("orders"))) == expected


def test_after_an_overwrite_a_cached_read_of_the_path_shows_the_new_rows(job: Job) -> None:
    """apache/spark 13419: a cached read of a path hid what was written to it later."""
    job.session.range(3).write.parquet(job.path("orders"))
    job.given(
        component("read", "ReadData", path=job.path("orders"), output_view="old"),
        sql("cache", "CACHE TABLE copy AS SELECT * FROM old"),
        sql("rows", "SELECT id FROM range(7)", "rows"),
        component("write", "WriteData", input_view="rows", path=job.path("orders")),
        component("again", "ReadData", path=job.path("orders"), output_view="new"),
        component("check", "CheckData", input_view="new", min_rows=7),
    )
    result = job.attempt()
    assert result.status is SUCCESS, result.summary()


def test_what_a_failed_attempt_wrote_does_not_keep_a_retry_from_writing(job: Job) -> None:
    """snowplow/snowplow 3443: a task that was retried failed for ever, for its output existed already."""
    job.given(
        # Its view fails, so it cannot be saved, and its code looks at a file: the author says that it may run again.
        {**component("rows", "steps.breaks", flag=job.path("flag")), "session_state": "replay"},
        component("write", "WriteData", input_view="rows", path=job.path("out"), mode="error"),
        code="""
        from pyspark.sql import functions as F

        def breaks(spark, flag):
            def number(value):
                if value == 3 and not pathlib.Path(flag).exists():
                    raise ValueError("not yet")
                return value
            spark.range(0, 4, 1, 4).select(F.udf(number, "long")("id").alias("id")).createOrReplaceTempView("rows")
        """,
    )
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert len(job.rows(job.path("out"))) == 4


def test_what_others_wrote_is_not_taken_for_the_rest_of_a_failed_attempt(job: Job) -> None:
    """The other side of it: ``mode: error`` still protects what this run did not write."""
    job.session.range(3).write.parquet(job.path("out"))
    job.given(
        sql("rows", "SELECT id FROM range(5)", "rows"),
        component("write", "WriteData", input_view="rows", path=job.path("out"), mode="error"),
    )
    for _ in range(2):
        assert job.attempt().status is not SUCCESS
    assert len(job.rows(job.path("out"))) == 3


def test_ids_that_a_view_counts_are_the_same_after_a_retry(job: Job) -> None:
    """AbsaOSS/enceladus 1332: record ids changed when a persisted frame was computed again."""
    job.session.range(0, 100, 1, 4).write.parquet(job.path("orders"))
    write = {"path": job.path("ids"), "input_view": "numbered"}
    job.given(
        component("number", "steps.number", path=job.path("orders"), note=job.path("note")),
        component("first", "WriteData", **write),
        job.gate,
        component("second", "WriteData", **{**write, "path": job.path("again")}),
        code="""
        from pyspark.sql import functions as F

        def number(spark, path, note):
            pathlib.Path(note).write_text("seen")
            frame = spark.read.parquet(path).withColumn("record", F.monotonically_increasing_id())
            frame.createOrReplaceTempView("numbered")
        """,
    )
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert job.rows(job.path("ids")) == job.rows(job.path("again"))


# Success that is none


@pytest.mark.parametrize("status", ["0", "None", "''"])
def test_a_script_that_ends_itself_is_no_success(job: Job, status: str) -> None:
    """apache/airflow 49717: a job that had failed was marked as a success; scripts end with sys.exit."""
    job.given(component("script", "steps.script"), code=f"import sys\n\ndef script(spark):\n    sys.exit({status})\n")
    result = job.attempt()
    assert result.status is not SUCCESS
    assert "script" in str(result.summary())


def test_two_statements_are_refused_with_the_way_out(job: Job) -> None:
    """SPARK-24260, SPARK-33419: spark.sql takes one statement, and says so in words of the parser."""
    job.given(sql("both", "SET spark.sql.ansi.enabled = false; SELECT 1 AS a", "v"))
    try:
        message = error_of(job.attempt())
    except PipelineConfigError as error:
        message = str(error)
    assert "contains 2 statements" in message
    assert "a component for each" in message


@pytest.mark.parametrize("end", [";", " ;\n", ";;", "; -- the end", "\n-- the end;", "\n/* done */ ;"])
def test_a_statement_may_end_as_people_end_it(job: Job, end: str) -> None:
    """databricks/dbt-databricks 989, OHDSI/SqlRender 336."""
    job.given(sql("query", f"SELECT 1 AS a{end}", "v"))
    assert job.attempt().status is SUCCESS
    assert job.rows("v") == [(1,)]


def test_a_set_that_expects_quotes_to_be_dropped_keeps_them(job: Job) -> None:
    """apache/spark 30332: SET takes all that follows, a semicolon and quotes, too; what is set is what Spark sets."""
    job.given(sql("set", "SET my.day = '2026-01-01'"), job.gate, sql("query", "SELECT 1 AS a", "v"))
    job.attempt()
    before = job.session.conf.get("my.day")
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert job.session.conf.get("my.day") == before


# Checks


def test_a_column_as_text_where_a_list_is_wanted_is_one_problem(job: Job) -> None:
    """great_expectations 1724: a list for a name, or a name for a list, gave a wrong count and a success."""
    job.given(sql("rows", "SELECT 1 AS id", "v"), component("check", "CheckData", input_view="v", not_null="id"))
    with pytest.raises(PipelineConfigError) as caught:
        job.attempt()
    assert len(caught.value.problems) == 1
    assert "list" in str(caught.value)


def test_a_check_of_no_rows_neither_breaks_nor_hides_it(job: Job) -> None:
    """Nike-Inc/spark-expectations 16: a check of zero rows ended with an internal error."""
    rules = {"not_null": ["id"], "unique": ["id"], "conditions": {"positive": "id > 0"}}
    job.given(
        sql("rows", "SELECT id FROM range(0)", "v"),
        component("check", "CheckData", input_view="v", **rules),
        component("count", "CheckData", input_view="v", min_rows=1),
    )
    result = job.attempt()
    assert [name for name, _ in result.failed_components] == ["count"]
    assert "0 rows" in error_of(result)


def test_a_check_counts_each_null_once_per_row(job: Job) -> None:
    """Nike-Inc/spark-expectations 101: counts of nulls did not match the table."""
    job.given(
        sql("rows", "SELECT IF(id % 3 = 0, NULL, id) AS id, id AS n FROM range(0, 9000, 1, 8)", "v"),
        component("check", "CheckData", input_view="v", not_null=["id"], unique=["n"]),
    )
    assert "null in 3000 of 9000 rows" in error_of(job.attempt())


def test_not_a_number_is_not_null(job: Job) -> None:
    """great_expectations 5996: NaN is neither null nor a value that anybody wants."""
    job.given(
        sql("rows", "SELECT CAST('NaN' AS DOUBLE) AS amount, 1 AS id", "v"),
        component("check", "CheckData", input_view="v", conditions={"a number": "NOT isnan(amount)"}),
    )
    assert "a number" in error_of(job.attempt())


def test_a_condition_that_is_null_for_a_row_does_not_hold(job: Job) -> None:
    """great_expectations 10917: rows with a null broke the expectation itself."""
    job.given(
        sql("rows", "SELECT * FROM VALUES ('abc'), (NULL) AS t(word)", "v"),
        component("check", "CheckData", input_view="v", conditions={"of three letters": "length(word) = 3"}),
    )
    assert "1 of 2 rows" in error_of(job.attempt())


def test_text_that_reads_like_null_is_text(job: Job) -> None:
    """great_expectations 820: the text NA was taken for a missing value by one reader and not by another."""
    (job.folder / "in.csv").write_text("id,region\n1,NA\n2,EU\n")
    job.given(
        component("read", "ReadData", path=job.path("in.csv"), format="csv", options={"header": True}, output_view="v"),
        component("check", "CheckData", input_view="v", not_null=["region"], min_rows=2),
    )
    assert job.attempt().status is SUCCESS


# Sessions and helpers


def test_the_session_builder_of_a_kedro_project_is_no_obstacle(job: Job) -> None:
    """kedro-org/kedro 1563: SparkConf().setAll(...), builder.appName(...).enableHiveSupport().config(conf=...)."""
    job.given(
        component("init", "steps.init"),
        component("load", "steps.load", path=job.path("loaded")),
        job.gate,
        component("check", "ReadData", path=job.path("loaded"), output_view="v"),
        code="""
        def init(spark):
            from pyspark import SparkConf
            from pyspark.sql import SparkSession

            conf = SparkConf().setAll({"spark.driver.maxResultSize": "3g", "spark.executor.memory": "2g"}.items())
            session = SparkSession.builder.appName("project").enableHiveSupport().config(conf=conf).getOrCreate()
            session.sparkContext.setLogLevel("ERROR")

        def load(spark, path):
            from pyspark.sql import SparkSession

            SparkSession.builder.appName("load").getOrCreate().range(3).write.mode("append").parquet(path)
        """,
    )
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert len(job.rows("v")) == 3


def test_the_time_zone_that_a_component_sets_holds_after_a_retry(job: Job) -> None:
    """A question that comes back: dates move by a day when the session's time zone is another one in the retry."""
    job.given(
        sql("zone", "SET TIME ZONE 'Pacific/Auckland'"),
        job.gate,
        sql("dates", "SELECT CAST(timestamp_seconds(1767225600) AS DATE) AS day", "v"),
        component("check", "CheckData", input_view="v", conditions={"local": "day = DATE'2026-01-01'"}),
    )
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    assert job.attempt().status is SUCCESS
    assert job.session.conf.get("spark.sql.session.timeZone") == "Pacific/Auckland"


def test_a_view_that_two_components_make_in_turn_is_the_later_one_after_a_retry(job: Job) -> None:
    """The commonest style of notebooks: each step replaces ``df``."""
    job.given(
        sql("load", "SELECT id FROM range(5)", "df"),
        sql("clean", "SELECT id FROM df WHERE id > 2", "df"),
        job.gate,
        component("check", "CheckData", input_view="df", min_rows=2, max_rows=2),
    )
    assert job.attempt().status is not SUCCESS
    job.open_gate()
    result = job.attempt()
    assert result.status is SUCCESS, result.summary()


def test_columns_of_one_name_are_named_before_they_are_written(job: Job) -> None:
    """A join keeps both keys, and the write fails with COLUMN_ALREADY_EXISTS; the error must name view and column."""
    job.given(
        sql("join", "SELECT * FROM range(2) AS a JOIN range(2) AS b ON a.id = b.id", "joined"),
        component("write", "WriteData", input_view="joined", path=job.path("out")),
    )
    message = error_of(job.attempt())
    assert "id" in message
    assert not Path(job.path("out")).exists()


def test_a_stream_is_refused_with_its_view(job: Job) -> None:
    """Structured streaming in a batch pipeline: writeStream is needed, and the view says nothing of that."""
    (job.folder / "in").mkdir()
    job.given(
        component("stream", "steps.stream", path=job.path("in")),
        component("write", "WriteData", input_view="s", path=job.path("out")),
        code="""
        def stream(spark, path):
            spark.readStream.schema("id INT").json(path).createOrReplaceTempView("s")
        """,
    )
    assert "stream" in error_of(job.attempt()).lower()
