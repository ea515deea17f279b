#!/bin/sh
# pyspark 4.2.0: SparkSession.builder.config(…).getOrCreate() on a running session goes round the check of SET.
#
# Expected: a property that a running Spark cannot change is refused or left out, as spark.conf.set and SET refuse it.
# Seen: it is copied into the session. spark.conf.get then shows a value that is not in effect, and spark.conf.unset
# refuses to take it back (CANNOT_MODIFY_CONFIG).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

KEY = "spark.executor.memory"
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def condition(work):
    try:
        work()
    except PySparkException as error:
        return error.getCondition()
    return None


refused = condition(lambda: spark.conf.set(KEY, "4g"))
SparkSession.builder.config(KEY, "4g").getOrCreate()
shown = spark.conf.get(KEY)
in_effect = spark.sparkContext.getConf().get(KEY, "the default")
unset = condition(lambda: spark.conf.unset(KEY))
print(f"conf.set: {refused}; after the builder conf.get: {shown}; in effect: {in_effect}; conf.unset: {unset}")
assert (shown, in_effect) == ("4g", "the default")
assert refused == unset
assert refused is not None and "MODIFY_CONFIG" in refused
PY
echo "as described"
