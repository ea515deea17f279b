#!/bin/sh
# pyspark 4.2.0: a Python data source cannot be registered in a session while the *active* session has one of that name.
#
# Expected: `session.dataSource.register` looks into `session`. Sessions keep their data sources apart, and registering
# one again in the same session replaces it (with a warning).
# Seen: whether the name is taken is asked of the active session, and `createDataFrame` makes its session the active one.
# So a second session is refused with DATA_SOURCE_ALREADY_EXISTS, although it cannot read from that source.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0' pyarrow pandas
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import re

from pyspark.sql import SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader


class Numbers(DataSource):
    @classmethod
    def name(cls):
        return "numbers"

    def schema(self):
        return "n int"

    def reader(self, schema):
        return ReadsNumbers()


class ReadsNumbers(DataSourceReader):
    def read(self, partition):
        yield (1,)


def condition(work):
    try:
        work()
    except Exception as error:
        return re.search(r"DATA_SOURCE_[A-Z_]+", str(error)).group()
    return "no error"


spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
first, second = spark.newSession(), spark.newSession()
first.dataSource.register(Numbers)
first.createDataFrame([(1,)], "n int").count()
found = [
    condition(lambda: second.dataSource.register(Numbers)),
    condition(lambda: second.read.format("numbers").load().collect()),
]
second.createDataFrame([(1,)], "n int").count()
found.append(condition(lambda: second.dataSource.register(Numbers)))
print("second session registers, reads, registers once it is active:", *found, sep="\n  ")
assert found == ["DATA_SOURCE_ALREADY_EXISTS", "DATA_SOURCE_NOT_FOUND", "no error"], "no longer so"
PY
echo "as described"
