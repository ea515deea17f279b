#!/bin/sh
# pyspark 4.2.0: an exception of a signal handler that falls into the start of `collect` comes out as UnboundLocalError.
#
# Expected: whatever the handler raises, such as the time limit of a scheduler, comes out of `collect`.
# Seen: between the end of the job and the connection to its result, the `finally` of `_load_from_socket` closes a socket
# that is not there yet. The UnboundLocalError of that takes the place of the BaseException, so `except Exception` around
# a call to Spark swallows a time limit that must end the process.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark==4.2.0'
cd "$work"
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import signal
import sys

from pyspark.sql import SparkSession


class OutOfTime(BaseException):
    pass


def over(*_):
    raise OutOfTime


def at_the_wrong_moment(frame, event, _):
    if event == "call" and frame.f_code.co_name == "_create_local_socket":
        sys.setprofile(None)
        signal.raise_signal(signal.SIGALRM)


spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
frame = spark.range(3)
signal.signal(signal.SIGALRM, over)
sys.setprofile(at_the_wrong_moment)
try:
    frame.collect()
except Exception as error:
    print(f"raised OutOfTime; got {type(error).__name__}, and the other one as its context: {error.__context__!r}")
    assert isinstance(error, UnboundLocalError) and isinstance(error.__context__, OutOfTime)
else:
    raise SystemExit("no longer so")
PY
echo "as described"
