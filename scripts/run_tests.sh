#!/bin/sh
# The code is checked while the tests run: `make test` fails if either fails, and what the checks say comes last.
set -u
output=$(mktemp)
trap 'rm -f "$output"' EXIT
sh scripts/check_code.sh >"$output" 2>&1 &
checks=$!
trap 'kill "$checks" 2>/dev/null; exit 130' INT TERM

python scripts/local_postgres.py && python scripts/quick_jvm.py && pytest -n 2 --dist loadgroup --durations 10 "$@"
tests=$?
wait "$checks"
code=$?
cat "$output"
[ "$tests" -eq 0 ] && [ "$code" -eq 0 ]
