"""The components that random pipelines are made of: each a function of its own, as an author would write it.

All data has one schema. In ``v`` is what must come out equal in every run. What cannot, a time or a random number,
goes into ``tag`` behind a ``~``: wherever it turns up again it must be the same one. What each reader of a view draws
anew, as in plain Spark, stands behind a ``?``. Nothing here knows of failures, and what is harmless touches nothing but
Spark, so that the verdict on a component is that on its work.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import DataFlow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA = "id long, v long, tag string"

# Readers


def read_directory(spark: SparkSession, *, path: str, kind: str, view: str) -> None:
    spark.read.schema(SCHEMA).format(kind).load(path).createOrReplaceTempView(view)


def read_slowly(spark: SparkSession, *, path: str, view: str, loops: int) -> None:
    """Costs work and is harmless."""
    add = sum(number % 3 for number in range(loops)) % 5
    spark.read.schema(SCHEMA).parquet(path).selectExpr("id", f"v + {add} AS v", "tag").createOrReplaceTempView(view)


def read_directory_by_sql(spark: SparkSession, *, path: str, view: str) -> None:
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM parquet.`{path}`")


def read_table(spark: SparkSession, *, table: str, view: str) -> None:
    spark.table(table).createOrReplaceTempView(view)


# Views on views


def sql_view(spark: SparkSession, *, source: str, view: str, add: int) -> None:
    """Bound late: it shows what its source shows."""
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT id, v + {add} AS v, tag FROM {source}")


def frame_view(spark: SparkSession, *, source: str, view: str, add: int) -> None:
    """Bound when it is made. Also a view replaced under its own name."""
    frame = spark.table(source).where("id % 5 <> 3")
    frame.selectExpr("id", f"v * 2 + {add} AS v", "tag").createOrReplaceTempView(view)


def union_views(spark: SparkSession, *, first: str, second: str, view: str) -> None:
    spark.table(first).union(spark.table(second)).createOrReplaceTempView(view)


def totals(spark: SparkSession, *, source: str, view: str) -> None:
    steady = "tag NOT LIKE '~%' AND tag NOT LIKE '?%'"
    query = f"SELECT id % 3 AS id, sum(v) AS v, min(tag) AS tag FROM {source} WHERE {steady} GROUP BY 1"
    spark.sql(query).createOrReplaceTempView(view)


def cached_frame(spark: SparkSession, *, source: str, view: str) -> None:
    frame = spark.table(source).selectExpr("id", "v + 700 AS v", "tag").cache()
    frame.createOrReplaceTempView(view)


def cached_table(spark: SparkSession, *, source: str, view: str) -> None:
    spark.sql(f"CACHE TABLE {view} AS SELECT id, v + 900 AS v, tag FROM {source}")


def persisted_frame(spark: SparkSession, *, source: str, view: str) -> None:
    from pyspark import StorageLevel

    frame = spark.table(source).selectExpr("id", "v + 300 AS v", "tag").persist(StorageLevel.DISK_ONLY)
    frame.createOrReplaceTempView(view)


def drop_view(spark: SparkSession, *, view: str) -> None:
    spark.catalog.dropTempView(view)


# Actions whose result is baked into a view


def counted(spark: SparkSession, *, source: str, view: str) -> None:
    rows = spark.table(source).count()
    spark.range(2).selectExpr("id", f"{rows}L AS v", "'n' AS tag").createOrReplaceTempView(view)


def collected(spark: SparkSession, *, source: str, view: str) -> None:
    rows = [(row["id"], row["v"] + 1, row["tag"]) for row in spark.table(source).collect()]
    spark.createDataFrame(rows, SCHEMA).createOrReplaceTempView(view)


def checked(spark: SparkSession, *, source: str) -> None:
    if spark.table(source).where("id IS NULL").count():
        raise ValueError("rows without id")


# Functions, variables, settings, the current database


def python_function(spark: SparkSession, *, function: str, add: int) -> None:
    spark.udf.register(function, lambda x: x + add, "long")


def sql_function(spark: SparkSession, *, function: str, add: int) -> None:
    spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {function}(x BIGINT) RETURNS BIGINT RETURN x + {add}")


def use_function(spark: SparkSession, *, function: str, source: str, view: str) -> None:
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT id, {function}(v) AS v, tag FROM {source}")


def use_function_in_frame(spark: SparkSession, *, function: str, source: str, view: str) -> None:
    spark.sql(f"SELECT id, {function}(v) AS v, tag FROM {source}").createOrReplaceTempView(view)


def variable(spark: SparkSession, *, variable: str, value: int) -> None:
    spark.sql(f"DECLARE OR REPLACE VARIABLE {variable} BIGINT DEFAULT {value}")


def use_variable(spark: SparkSession, *, variable: str, source: str, view: str) -> None:
    spark.sql(f"SELECT id, v + {variable} AS v, tag FROM {source}").createOrReplaceTempView(view)


def setting(spark: SparkSession, *, key: str, value: str | None) -> None:
    if value is None:
        spark.conf.unset(key)
    else:
        spark.conf.set(key, value)


def hours(spark: SparkSession, *, source: str, view: str) -> None:
    """What it shows depends on the time zone of the session."""
    query = f"SELECT id, v * 100 + hour(timestamp_seconds(id * 3600)) AS v, tag FROM {source}"
    spark.sql(query).createOrReplaceTempView(view)


def use_database(spark: SparkSession, *, database: str) -> None:
    spark.sql(f"USE {database}")


# What comes out otherwise each time


def bake_time(spark: SparkSession, *, source: str, view: str) -> None:
    frame_tagged(spark, source, f"time {time.time_ns()}").createOrReplaceTempView(view)


def bake_uuid(spark: SparkSession, *, source: str, view: str) -> None:
    frame_tagged(spark, source, f"uuid {uuid.uuid4()}").createOrReplaceTempView(view)


def bake_random(spark: SparkSession, *, source: str, view: str) -> None:
    frame_tagged(spark, source, f"random {random.random()}").createOrReplaceTempView(view)


def bake_environment(spark: SparkSession, *, name: str, source: str, view: str) -> None:
    """Each attempt has another value of the variable."""
    frame_tagged(spark, source, f"env {name} {os.environ['RANDOM_ATTEMPT']}").createOrReplaceTempView(view)


def bake_length(spark: SparkSession, *, path: str, view: str) -> None:
    """The length of a file that the driver reads and to which others append."""
    length = len(Path(path).read_text(encoding="utf-8").splitlines())
    spark.range(2).selectExpr("id", f"{length}L AS v", "'length' AS tag").createOrReplaceTempView(view)


def random_rows(spark: SparkSession, *, source: str, view: str) -> None:
    spark.sql(f"SELECT id, v, concat('~', uuid()) AS tag FROM {source}").createOrReplaceTempView(view)


def random_sql_view(spark: SparkSession, *, source: str, view: str) -> None:
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT id, v, concat('?', rand()) AS tag FROM {source}")


def current_time(spark: SparkSession, *, source: str, view: str) -> None:
    query = f"SELECT id, v, concat('?', current_timestamp()) AS tag FROM {source}"
    spark.sql(query).createOrReplaceTempView(view)


# Side effects; each of them may leave a view, too


def append_directory(spark: SparkSession, *, path: str, kind: str, source: str, view: str | None = None) -> None:
    spark.table(source).coalesce(1).write.mode("append").format(kind).save(path)
    leave(spark, source, 1, view)


def overwrite_directory(spark: SparkSession, *, path: str, kind: str, source: str, view: str | None = None) -> None:
    spark.table(source).coalesce(1).write.mode("overwrite").format(kind).save(path)
    if view:
        spark.read.schema(SCHEMA).format(kind).load(path).createOrReplaceTempView(view)


def insert_by_sql(spark: SparkSession, *, table: str, source: str, view: str | None = None) -> None:
    spark.sql(f"INSERT INTO {table} SELECT id, v, tag FROM {source}")
    leave(spark, source, 2, view)


def insert_frame(spark: SparkSession, *, table: str, source: str, view: str | None = None) -> None:
    spark.table(source).write.insertInto(table)
    if view:
        spark.table(table).createOrReplaceTempView(view)


def append_table(spark: SparkSession, *, table: str, source: str, view: str | None = None) -> None:
    spark.table(source).write.mode("append").saveAsTable(table)
    leave(spark, source, 3, view)


def overwrite_table(spark: SparkSession, *, table: str, source: str, view: str | None = None) -> None:
    spark.sql(f"INSERT OVERWRITE {table} SELECT id, v, tag FROM {source}")
    leave(spark, source, 4, view)


def send_partitions(spark: SparkSession, *, path: str, source: str, view: str | None = None) -> None:
    def send(rows: Any) -> None:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps([row["id"], row["v"], row["tag"]]) + "\n" for row in rows)

    spark.table(source).foreachPartition(send)
    leave(spark, source, 5, view)


def send_rows(spark: SparkSession, *, path: str, source: str, view: str | None = None) -> None:
    def send(row: Any) -> None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([row["id"], row["v"], row["tag"]]) + "\n")

    spark.table(source).rdd.foreach(send)
    leave(spark, source, 6, view)


def post(spark: SparkSession, *, url: str, source: str, view: str | None = None) -> None:
    answer = deliver(url, rows_of(spark, source))
    leave(spark, source, answer, view)


def post_in_thread(spark: SparkSession, *, url: str, source: str, view: str | None = None) -> None:
    rows = rows_of(spark, source)
    thread = threading.Thread(target=deliver, args=(url, rows))
    thread.start()
    thread.join()
    leave(spark, source, 7, view)


class PostAndSet(DataFlow):
    """Acts, and leaves nothing but a setting."""

    def __init__(self, url: str, source: str, zone: str) -> None:
        self.url, self.source, self.zone = url, source, zone

    def run(self) -> None:
        deliver(self.url, rows_of(self.spark, self.source))
        self.spark.conf.set("spark.sql.session.timeZone", self.zone)


def post_and_register(spark: SparkSession, *, url: str, source: str, function: str) -> None:
    """Acts and leaves what cannot be saved: it can neither be restored nor run again."""
    add = deliver(url, rows_of(spark, source))
    spark.udf.register(function, lambda x: x + add, "long")


def append_line(spark: SparkSession, *, path: str, source: str, view: str | None = None) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(rows_of(spark, source)) + "\n")
    leave(spark, source, 8, view)


def run_process(spark: SparkSession, *, path: str, source: str, view: str | None = None) -> None:
    text = json.dumps(rows_of(spark, source))
    subprocess.run(["sh", "-c", 'echo "$1" >> "$2"', "sh", text, path], check=True)
    leave(spark, source, 9, view)


# What they share


def frame_tagged(spark: SparkSession, source: str, tag: str) -> DataFrame:
    return spark.table(source).selectExpr("id", "v", f"'~{tag}' AS tag")


def leave(spark: SparkSession, source: str, add: int, view: str | None) -> None:
    if view:
        spark.table(source).selectExpr("id", f"v + {add} AS v", "tag").createOrReplaceTempView(view)


def rows_of(spark: SparkSession, source: str) -> list[list[Any]]:
    return sorted(map(list, spark.table(source).select("id", "v", "tag").collect()))


def deliver(url: str, rows: list[list[Any]]) -> int:
    """POST the rows, and return which call at this address it was."""
    request = urllib.request.Request(url, json.dumps(rows).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.read())
