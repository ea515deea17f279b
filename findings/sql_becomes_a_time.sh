#!/bin/sh
# pyhocon 0.3.63: text without quotes that holds a number and a letter becomes a time, and += loses a list.
#
# Expected: HOCON has no times. A value without quotes is a text, so `SELECT 5 s FROM t` is that text, and `+=` appends.
# Seen: `SELECT relativedelta(seconds=+5)FROM t`, a relativedelta for `5 months`, and only the last item of the list.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyhocon==0.3.63' 'python-dateutil==2.9.0.post0'
cd "$work"
"$work/venv/bin/python" - <<'PY'
from pyhocon import ConfigFactory


def value(text):
    return ConfigFactory.parse_string(text)["value"]


sql, period = value("value = SELECT 5 s FROM t"), value("value = 5 months")
appended = value("value = [1]\nvalue += 2")
print(f"sql: {sql!r}; period: {period!r}; appended: {appended!r}")
assert sql == "SELECT relativedelta(seconds=+5)FROM t"
assert not isinstance(period, str)
assert appended == 2
PY
echo "as described"
