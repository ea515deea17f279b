#!/bin/sh
# pyspark 4.2.0: after a signal handler has raised in the middle of a call, the thread gets answers of other calls.
#
# Expected: a call that was interrupted fails, and the next call of the thread gets its own answer, or an error.
# Seen: while the exception is handled, each call returns what the call before it should have returned. An exception of
# the class Exception is handled well by py4j, and so is KeyboardInterrupt; any other BaseException is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import signal

from pyspark.sql import SparkSession


class OutOfTime(BaseException):
    pass


def over(*_):
    raise OutOfTime


spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
parse, sleep = spark._jvm.java.lang.Integer.parseInt, spark._jvm.java.lang.Thread.sleep
signal.signal(signal.SIGALRM, over)
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    sleep(1500)
except OutOfTime:
    answers = [parse("1"), parse("2"), parse("3")]
print(f"asked for 1, 2, 3; got {answers}")
assert answers == [None, 1, 2]
PY
echo "as described"
