#!/bin/sh
# Creates .venv with the pinned versions and makes sure of a Java for Spark. Called by `make setup`.
set -eu
PYTHON="${PYTHON:-python3}"

version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: '$PYTHON' is not Python 3.11 or newer; name another with: make PYTHON=python3.12 setup" >&2
    exit 1
}
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian splits venv off its Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null
    else
        echo "setup: '$PYTHON' has no venv module; on Debian: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
there="$(version .venv/bin/python)"
if [ "$there" != "$(version "$PYTHON")" ]; then
    [ -z "$there" ] || echo "setup: replacing .venv, which has Python $there, by one with Python $(version "$PYTHON")"
    "$PYTHON" -m venv --clear .venv
fi
echo "setup: installing the pinned packages into .venv, which takes a few minutes"
log=.venv/install.log
.venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,demo,docs,hocon]' >"$log" 2>&1 || {
    cat "$log" >&2
    echo "setup: the installation failed; $log has its log" >&2
    exit 1
}
.venv/bin/python scripts/find_java.py > .venv/java_home.new
mv .venv/java_home.new .venv/java_home
echo "setup: ready, $(.venv/bin/python --version), Java in $(cat .venv/java_home)"
