#!/bin/sh
# Format, lint, types and layers, beside each other. Shows what each of them says, and fails if one of them does.
set -u
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

check() {
    name=$1
    shift
    "$@" >"$said/$name" 2>&1 || echo "check: $* FAILED" >>"$said/failed"
}

check format ruff format --check . &
check lint ruff check . &
check types mypy &
check layers lint-imports &
wait
for name in format lint types layers; do
    cat "$said/$name"
done
[ ! -e "$said/failed" ] || { cat "$said/failed"; exit 1; }
