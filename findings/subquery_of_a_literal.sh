#!/bin/sh
# pyspark 4.2.0: IN (SELECT 'a') is refused by the parser as a literal of the type SELECT.
#
# Expected: a subquery of one text, as in (SELECT 'a' AS a), and as the same text works in EXISTS and as a scalar.
# Seen: [UNSUPPORTED_TYPED_LITERAL] Literals of the type "SELECT" are not supported.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sql("SELECT 'a' AS shop").createOrReplaceTempView("t")


def outcome(condition):
    try:
        return f"{spark.sql(f'SELECT * FROM t WHERE {condition}').count()} row"
    except PySparkException as error:
        return error.getCondition()


found = {
    condition: outcome(condition)
    for condition in (
        "shop IN (SELECT 'a')",
        "shop IN (SELECT 'a' AS a)",
        "shop IN (SELECT 1)",
        "shop = (SELECT 'a')",
        "EXISTS (SELECT 'a')",
    )
}
for condition, what in found.items():
    print(f"{condition}: {what}")
assert found.pop("shop IN (SELECT 'a')") == "UNSUPPORTED_TYPED_LITERAL"
found.pop("shop IN (SELECT 1)")
assert set(found.values()) == {"1 row"}, found
PY
echo "as described"
