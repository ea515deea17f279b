"""Components that use a database or an object store. Their clients are C code, of which no audit event tells."""

from __future__ import annotations

from typing import Any

import boto3
import psycopg2
import pyarrow.fs


def insert_with_psycopg(spark: Any, *, dsn: str, table: str) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES (1)")
    connection.close()
    spark.range(5).createOrReplaceTempView("v")


def select_with_psycopg(spark: Any, *, dsn: str, table: str) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table}")
        rows = cursor.fetchall()
    connection.close()
    spark.createDataFrame(rows, "id long").createOrReplaceTempView("v")


def choose_the_client_by_name(spark: Any, *, dsn: str, table: str, kind: str) -> None:
    """What ``kind`` names cannot be followed."""
    connection = getattr(psycopg2, kind)(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES (1)")
    connection.close()
    spark.range(5).createOrReplaceTempView("v")


def insert_partitions_with_psycopg(spark: Any, *, dsn: str, table: str) -> None:
    """One of the measured cases: 5 rows, inserted by the executors."""

    def insert(rows: Any) -> None:
        connection = psycopg2.connect(dsn)
        with connection, connection.cursor() as cursor:
            for row in rows:
                cursor.execute(f"INSERT INTO {table} VALUES ({row.id})")
        connection.close()

    frame = spark.range(5)
    frame.foreachPartition(insert)
    frame.createOrReplaceTempView("v")


def read_with_jdbc(spark: Any, *, url: str, table: str) -> None:
    spark.read.jdbc(url, table, properties={"driver": "org.postgresql.Driver"}).createOrReplaceTempView("v")


def append_with_jdbc(spark: Any, *, url: str, table: str) -> None:
    rows = spark.range(5)
    rows.write.jdbc(url, table, mode="append", properties={"driver": "org.postgresql.Driver"})
    rows.createOrReplaceTempView("v")


def append_with_write_to(spark: Any, *, url: str, table: str) -> None:
    """Spark's catalog over JDBC is the one of version 2 that its own jars bring."""
    catalog = "spark.sql.catalog.shop"
    spark.conf.set(catalog, "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog")
    spark.conf.set(f"{catalog}.url", url)
    spark.conf.set(f"{catalog}.driver", "org.postgresql.Driver")
    rows = spark.range(5)
    rows.writeTo(f"shop.public.{table}").append()
    rows.createOrReplaceTempView("v")


def put_with_boto(spark: Any, *, endpoint: str, bucket: str, key: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="tests",
        aws_secret_access_key="secret-of-the-tests",
    )
    client.put_object(Bucket=bucket, Key=key, Body=b"order 1")
    spark.range(5).createOrReplaceTempView("v")


def put_with_arrow(spark: Any, *, endpoint: str, bucket: str, key: str) -> None:
    system = pyarrow.fs.S3FileSystem(
        access_key="tests", secret_key="secret-of-the-tests", endpoint_override=endpoint, region="us-east-1"
    )
    with system.open_output_stream(f"{bucket}/{key}") as stream:
        stream.write(b"order 1")
    spark.range(5).createOrReplaceTempView("v")
