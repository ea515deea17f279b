#!/bin/sh
# pyspark 4.2.0, catalog in memory: a partitioned table that is renamed is empty, without an error.
#
# Expected: ALTER TABLE … RENAME TO keeps the rows, as it does for a table without partitions (and with Hive).
# Seen: Spark moves the directory of the managed table, and the listed partitions keep the place where they were. Reading
# the table gives no rows until MSCK REPAIR TABLE … SYNC PARTITIONS.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def rows(table):
    return spark.sql(f"SELECT count(*) AS n FROM {table}").first().n


spark.sql("CREATE TABLE whole USING parquet AS SELECT id, id % 2 AS part FROM range(10)")
spark.sql("CREATE TABLE parted USING parquet PARTITIONED BY (part) AS SELECT id, id % 2 AS part FROM range(10)")
for table in ("whole", "parted"):
    spark.sql(f"ALTER TABLE {table} RENAME TO {table}_renamed")
listed = spark.sql("SHOW PARTITIONS parted_renamed").count()
found = rows("whole_renamed"), rows("parted_renamed")
spark.sql("MSCK REPAIR TABLE parted_renamed SYNC PARTITIONS")
repaired = rows("parted_renamed")
print(f"whole: {found[0]} rows; parted: {found[1]} rows, {listed} partitions listed; after MSCK REPAIR: {repaired}")
assert (*found, listed, repaired) == (10, 0, 2, 10)
PY
echo "as described"
