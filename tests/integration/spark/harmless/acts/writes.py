"""Components that write with Spark."""

from __future__ import annotations

from typing import Any


def write_parquet(spark: Any, *, target: str) -> None:
    rows = spark.range(5)
    rows.write.mode("append").parquet(target)
    rows.createOrReplaceTempView("v")


def write_and_read_back(spark: Any, *, target: str) -> None:
    spark.range(5).write.mode("append").parquet(target)
    spark.read.parquet(target).createOrReplaceTempView("v")


def insert_into(spark: Any, *, table: str) -> None:
    rows = spark.range(5)
    rows.write.insertInto(table)
    rows.createOrReplaceTempView("v")


def save_as_table(spark: Any, *, table: str) -> None:
    rows = spark.range(5)
    rows.write.mode("append").saveAsTable(table)
    rows.createOrReplaceTempView("v")


def insert(spark: Any, *, table: str) -> None:
    spark.sql(f"INSERT INTO {table} SELECT * FROM range(5)")
    spark.range(5).createOrReplaceTempView("v")


def insert_with_lazy_sql(spark: Any, *, table: str) -> None:
    """A command runs at once, although nobody asks for its rows."""
    command = "INSERT INTO " + table + " VALUES (1), (2), (3), (4), (5)"
    _ = spark.sql(command)
    spark.range(5).createOrReplaceTempView("v")


def create_table_as(spark: Any, *, table: str) -> None:
    spark.sql(f"CREATE TABLE {table} USING parquet AS SELECT * FROM range(5)")
    spark.range(5).createOrReplaceTempView("v")


def drop_a_table(spark: Any, *, table: str) -> None:
    spark.sql(f"DROP TABLE {table}")
    spark.range(5).createOrReplaceTempView("v")


def truncate(spark: Any, *, table: str) -> None:
    spark.sql(f"TRUNCATE TABLE {table}")
    spark.range(5).createOrReplaceTempView("v")


def add_a_column(spark: Any, *, table: str) -> None:
    spark.sql(f"ALTER TABLE {table} ADD COLUMNS (more STRING)")
    spark.range(5).createOrReplaceTempView("v")


def rename_a_table(spark: Any, *, table: str) -> None:
    spark.sql(f"ALTER TABLE {table} RENAME TO {table}_done")
    spark.range(5).createOrReplaceTempView("v")


def overwrite_a_directory(spark: Any, *, target: str) -> None:
    spark.sql(f"INSERT OVERWRITE DIRECTORY '{target}' USING parquet SELECT * FROM range(5)")
    spark.range(5).createOrReplaceTempView("v")


def merge(spark: Any, *, table: str) -> None:
    spark.sql(
        f"MERGE INTO {table} t USING (SELECT * FROM range(5)) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) "
        "VALUES (s.id)"
    )
    spark.range(5).createOrReplaceTempView("v")


def save_as_text_file(spark: Any, *, target: str) -> None:
    spark.sparkContext.parallelize(["a", "b"]).saveAsTextFile(target)
    spark.range(5).createOrReplaceTempView("v")


def stream(spark: Any, *, source: str, target: str, checkpoints: str) -> None:
    """Each query starts from the beginning of the source, with a checkpoint of its own."""

    def append(batch: Any, number: int) -> None:
        batch.write.mode("append").parquet(target)

    rows = spark.readStream.schema("id long").parquet(source)
    writer = rows.writeStream.foreachBatch(append).trigger(availableNow=True)
    started = len(list(spark.sparkContext._jvm.java.io.File(checkpoints).list() or []))
    writer.option("checkpointLocation", f"{checkpoints}/{started}").start().awaitTermination()
    spark.range(5).createOrReplaceTempView("v")
