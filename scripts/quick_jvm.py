"""Starts JVMs of the tests quickly: few compilations, a small collector, and Spark's classes from an archive.

A JVM that starts Spark spends most of its time on finding, checking and linking 10,000 classes. ``make test`` lets one
of them write what came of it to a file in ``.venv``, and every later one maps that file. A JVM with another Java or
another Spark than that one does without.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).parents[1] / ".venv"
PATIENCE = 900.0

# Compiling less takes a third of the time of a JVM that lives for seconds. The first compiler alone would get 48 MB for
# what it compiles, too little for a whole run of the tests: it would throw code away and compile it again.
_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=256m")
# Hadoop starts a process for each file whose permissions it sets; this is the shortest way to start one.
_PROCESSES = ("-Djdk.lang.Process.launchMechanism=VFORK",)
# A JVM with another class path, such as the one that builds Spark's command, would say on stdout that it does without.
_QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")


def java_options() -> str:
    """Return the value for ``JDK_JAVA_OPTIONS``."""
    archive = _archive()
    shared = () if archive is None or not archive.exists() else (f"-XX:SharedArchiveFile={archive}", *_QUIET)
    return " ".join((*_OPTIONS, *_PROCESSES, *shared))


def _archive() -> Path | None:
    """Where the archive for this Java and this Spark is, or will be."""
    home = os.environ.get("JAVA_HOME")
    spark = importlib.util.find_spec("pyspark")
    if not home or spark is None or spark.origin is None or not ENVIRONMENT.is_dir() or " " in str(ENVIRONMENT):
        return None
    library = Path(home) / "lib" / "server" / "libjvm.so"
    jars = Path(spark.origin).parent / "jars"
    if not library.exists() or not jars.is_dir():
        return None
    about = [(str(path.resolve()), path.stat().st_mtime_ns) for path in (library, jars)]
    return ENVIRONMENT / f"spark-classes-{hashlib.sha256(repr(about).encode()).hexdigest()[:12]}.jsa"


def main() -> None:
    """Make the archive if there is none. Failing to is no error: every JVM takes longer to start then."""
    archive = _archive()
    if archive is None or archive.exists():
        return
    print("java: making an archive of Spark's classes, once", flush=True)
    for old in ENVIRONMENT.glob("spark-classes-*"):
        old.unlink()
    made = archive.with_suffix(".new")
    try:
        subprocess.run(
            [sys.executable, __file__, str(made)],
            check=True,
            env={**os.environ, "JDK_JAVA_OPTIONS": " ".join(_OPTIONS)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
        made.rename(archive)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"java: no archive could be made: {error}", file=sys.stderr)
        made.unlink(missing_ok=True)


def _train(path: str) -> None:
    """Let a JVM do some of what tests do, and write its classes to a file when it ends."""
    import tempfile

    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory() as folder:
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.extraJavaOptions", f"-XX:ArchiveClassesAtExit={path} -Xlog:disable")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
            .getOrCreate()
        )
        rows = session.createDataFrame([(1, "a"), (2, "b")], "id INT, name STRING")
        for form in ("parquet", "csv", "json"):
            rows.write.format(form).save(f"{folder}/{form}")
            session.read.format(form).load(f"{folder}/{form}").collect()
        rows.createOrReplaceTempView("v")
        session.sql("CREATE TABLE t USING parquet AS SELECT name, count(*) AS n FROM v GROUP BY name").collect()
        session.sql("SELECT * FROM v JOIN t USING (name) ORDER BY n").collect()
        session.sql("CACHE TABLE v").collect()
        process = session.sparkContext._gateway.proc
        session.stop()
        process.stdin.close()
        process.wait(PATIENCE)


if __name__ == "__main__":
    _train(sys.argv[1]) if len(sys.argv) > 1 else main()
