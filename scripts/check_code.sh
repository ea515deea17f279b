#!/bin/sh
# Format, lint, types, layers and documentation, beside each other. Shows what each of them says, and fails if one of them does.
set -u
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

check() {
    name=$1
    shift
    "$@" >"$output/$name" 2>&1 || echo "check: $* FAILED" >>"$output/failed"
}

check format ruff format --check . &
check lint ruff check . &
check types mypy &
check layers lint-imports &
check docs python -m sphinx -b html -W --keep-going -n -q docs docs/_build/html &
wait
for name in format lint types layers docs; do
    cat "$output/$name"
done
[ ! -e "$output/failed" ] || { cat "$output/failed"; exit 1; }
