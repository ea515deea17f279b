"""Why Spark's JVM did not start or has another version than pyspark, as far as the environment shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

_JAVA_SECONDS = 20.0
_JAVA_VERSION = re.compile(r'version "(?:1\.)?(?P<major>\d+)')
_OLDEST_JAVA = 17


def why_no_jvm(error: BaseException) -> tuple[str, str]:
    """Return why Spark's JVM did not start, empty if the environment does not show it, and what to do."""
    home = os.environ.get("SPARK_HOME")
    if home and not Path(home, "bin", "spark-submit").exists():
        why = f"the environment variable SPARK_HOME is {home!r}, where there is no bin/spark-submit"
        return why, "set SPARK_HOME to a Spark, or unset it: pyspark brings its own"
    if home and isinstance(error, OSError):
        return (
            f"cannot run spark-submit in SPARK_HOME ({home!r}): {error.strerror}",
            "unset SPARK_HOME: pyspark brings its own",
        )
    java_home = os.environ.get("JAVA_HOME")
    java = os.path.join(java_home, "bin", "java") if java_home else shutil.which("java")
    where = f"JAVA_HOME is {java_home!r}" if java_home else f"JAVA_HOME is not set, and PATH leads to {java!r}"
    if java is None:
        return "there is no Java", f"install version {_OLDEST_JAVA} or 21 and set JAVA_HOME"
    if not os.access(java, os.X_OK):
        why = f"the environment variable {where}, where there is no bin/java"
        return why, f"set JAVA_HOME to a Java of version {_OLDEST_JAVA} or 21"
    version = _java_version(java)
    if version is not None and version < _OLDEST_JAVA:
        return f"{where}, which is Java {version}", f"set JAVA_HOME to a Java of version {_OLDEST_JAVA} or 21"
    if version is None:
        return f"{where}, and {java} -version does not work", "set JAVA_HOME to a Java that runs"
    return "", f"check master and settings; Java is version {version} ({where})"


def version_mismatch(version: str) -> str | None:
    """Return how the version of the Spark that runs differs from pyspark's, None if it does not."""
    import pyspark

    if version.split(".")[:2] == pyspark.__version__.split(".")[:2]:
        return None
    home = os.environ.get("SPARK_HOME")
    because = f", because SPARK_HOME is {home!r}" if home else ""
    return (
        f"Spark is version {version} and pyspark {pyspark.__version__}{because}; calls may fail. Unset "
        "SPARK_HOME, or install the pyspark of that version"
    )


def version_on_disk() -> str | None:
    """Return the version of the Spark that ``SPARK_HOME`` names, None if it names none."""
    home = os.environ.get("SPARK_HOME")
    jars = Path(home, "jars").glob("spark-core_*.jar") if home else ()
    found = next((match for jar in jars if (match := re.match(r"spark-core_[\d.]+-(.+)\.jar", jar.name))), None)
    return found[1] if found else None


def _java_version(java: str) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603 - the Java that Spark would run
            [java, "-version"], capture_output=True, text=True, timeout=_JAVA_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _JAVA_VERSION.search(done.stderr + done.stdout)
    return int(found["major"]) if found else None
