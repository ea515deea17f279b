#!/bin/sh
# pyspark 4.2.0: CACHE TABLE on a temp view with rand() computes and stores rows, and no later query reads them.
#
# Expected: after CACHE TABLE both reads give the same rows, as df.cache() does.
# Seen: each reference to the view draws a new seed, so no plan equals the cached one; two reads differ, no plan has an
# InMemoryRelation, and the stored rows stay in memory. A seed (rand(1)) or a cached DataFrame is read from the cache.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def total(view):
    return spark.sql(f"SELECT sum(x) AS total FROM {view}").first().total


def reads_the_cache(view):
    plan = spark.table(view)._jdf.queryExecution().withCachedData().toString()
    return "InMemoryRelation" in plan


spark.sql("CREATE TEMPORARY VIEW drawn AS SELECT id, rand() AS x FROM range(100)")
spark.sql("CACHE TABLE drawn")
spark.sql("CREATE TEMPORARY VIEW seeded AS SELECT id, rand(1) AS x FROM range(100)")
spark.sql("CACHE TABLE seeded")
spark.sql("SELECT id, rand() AS x FROM range(100)").cache().createOrReplaceTempView("frame")

found = {view: (reads_the_cache(view), total(view) == total(view)) for view in ("drawn", "seeded", "frame")}
for view, (cached, same) in found.items():
    print(f"{view}: reads the cache: {cached}, two reads agree: {same}")
assert spark.catalog.isCached("seeded")
assert found == {"drawn": (False, False), "seeded": (True, True), "frame": (True, True)}, found
PY
echo "as described"
