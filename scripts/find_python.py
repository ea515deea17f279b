"""Finds the Pythons on this machine that the package supports.

Python 3.13, for instance, may be named by the variable ``PYTHON3_13``, be on ``PATH`` as ``python3.13``, or lie where
pyenv keeps its versions. ``find_python.py python3.13`` prints the path of one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")


def find_python(version: str) -> Path | None:
    """Return a Python of a version such as ``3.13`` that can start, None if there is none.

    :raises SystemExit: the variable that names it names something else
    """
    for variable, candidate in _candidates(version):
        if version_of(candidate) == version:
            return candidate
        if variable is not None:
            raise SystemExit(f"{variable} names {candidate}, which is not Python {version}")
    return None


def version_of(python: Path) -> str | None:
    """Return the version of a Python, such as ``3.13``, None if it does not start."""
    code = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _candidates(version: str) -> Iterator[tuple[str | None, Path]]:
    """Yield where a Python may be, with the variable that says so, None if none does."""
    variable = f"PYTHON{version.replace('.', '_')}"
    if os.environ.get(variable):
        yield variable, Path(os.environ[variable])
    if (on_path := shutil.which(f"python{version}")) is not None:  # pyenv's may be for another version and not start
        yield None, Path(on_path)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in sorted(versions.glob(f"{version}.*/bin/python"), reverse=True):
        yield None, python


if __name__ == "__main__":
    found = find_python(sys.argv[1].removeprefix("python"))
    sys.exit(1 if found is None else print(found))
