#!/bin/sh
# Creates .venv with the pinned versions and makes sure of a Java for Spark. Called by `make setup`.
set -eu
PYTHON="${PYTHON:-python3}"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: '$PYTHON' is not Python 3.11 or newer; name another with: make PYTHON=python3.12 setup" >&2
    exit 1
}
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian splits venv off its Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq python3-venv
    else
        echo "setup: '$PYTHON' has no venv module; on Debian: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
[ -x .venv/bin/python ] || "$PYTHON" -m venv --clear .venv
echo "setup: installing the pinned packages into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo,docs,hocon]'
.venv/bin/python scripts/find_java.py > .venv/java_home.new
mv .venv/java_home.new .venv/java_home
echo "setup: ready, $(.venv/bin/python --version), Java in $(cat .venv/java_home)"
