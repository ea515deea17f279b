#!/bin/sh
# pyspark 4.2.0: a temp view of a table, made from a DataFrame, follows the first write to the table and no further one.
#
# Expected: it shows the rows of the moment when it was made, or always those that are there now.
# Seen: after two INSERTs in the same session the view shows the rows of the first and not those of the second: the first
# write refreshes the file index that the view shares with the catalog's cache, and then the cache forgets it. A view that
# is made by SQL text shows both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sql("CREATE TABLE t (id INT) USING parquet")
spark.sql("INSERT INTO t VALUES (0)")
spark.table("t").createOrReplaceTempView("of_a_frame")
spark.sql("CREATE TEMPORARY VIEW of_a_text AS SELECT * FROM t")
seen = {"of_a_frame": [], "of_a_text": []}
for number in (1, 2):
    spark.sql(f"INSERT INTO t VALUES ({number})")
    for view, rows in seen.items():
        rows.append(sorted(row.id for row in spark.table(view).collect()))
for view, rows in seen.items():
    print(f"{view}: after one INSERT {rows[0]}, after two {rows[1]}")
assert seen == {"of_a_frame": [[0, 1], [0, 1]], "of_a_text": [[0, 1], [0, 1, 2]]}, seen
PY
echo "as described"
