"""Components that a scene directs through files in its folder.

``hold-b-1`` makes the first execution of component b wait until the file is gone, ``fail-b-1`` makes it fail,
``exit-b-1`` makes it end the process as if all were well. Every execution appends a line to ``journal`` when it starts
and one when it is done.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LONGEST_HOLD = 300.0
ROWS, GROUPS = 1000, 7


def act(spark: SparkSession, name: str, folder: str, after: str = "") -> None:
    """Write a file with the text of the component before and the own name."""
    scene = Path(folder)
    begin(scene, name)
    text = (scene / after).read_text() if after else ""
    partial = scene / f"{name}.{os.getpid()}"
    partial.write_text(text + name)
    partial.rename(scene / name)
    note(scene, "done", name)


def part(spark: SparkSession, name: str, folder: str) -> None:
    """Leave a view and a file, under a name that the other parts use for something else meanwhile."""
    spark.createDataFrame([(name,)], "name STRING").createOrReplaceTempView("staging")
    begin(Path(folder), name)
    spark.sql("SELECT name FROM staging").createOrReplaceTempView(f"part_{name}")
    spark.catalog.dropTempView("staging")
    (Path(folder) / name).write_text(name)
    note(Path(folder), "done", name)


def join(spark: SparkSession, name: str, folder: str, parts: list[str]) -> None:
    """Write what the parts left."""
    begin(Path(folder), name)
    rows = [spark.table(f"part_{part}").first() for part in parts]
    (Path(folder) / name).write_text("".join(row.name for row in rows if row is not None))
    note(Path(folder), "done", name)


def numbers(spark: SparkSession, name: str, folder: str) -> None:
    """Leave the view ``numbers``."""
    begin(Path(folder), name)
    busy(spark)
    spark.range(ROWS).selectExpr("id", f"id % {GROUPS} AS shop").createOrReplaceTempView("numbers")
    note(Path(folder), "done", name)


def totals(spark: SparkSession, name: str, folder: str) -> None:
    """Leave the view ``totals``."""
    begin(Path(folder), name)
    busy(spark)
    spark.sql("SELECT shop, sum(id) AS total FROM numbers GROUP BY shop").createOrReplaceTempView("totals")
    note(Path(folder), "done", name)


def publish(spark: SparkSession, name: str, folder: str) -> None:
    """Write the view ``totals`` as Parquet."""
    begin(Path(folder), name)
    spark.table("totals").coalesce(1).write.mode("overwrite").parquet(f"{folder}/published")
    note(Path(folder), "done", name)


def busy(spark: SparkSession) -> None:
    """Be at work for about two seconds, in Spark and between its jobs."""
    for _ in range(4):
        spark.range(ROWS).selectExpr("sum(hash(id))").collect()
        time.sleep(0.3)


def begin(scene: Path, name: str) -> None:
    """Note the start, then do what the scene directs for this execution."""
    scene.mkdir(parents=True, exist_ok=True)
    note(scene, "start", name)
    starts = (json.loads(line) for line in (scene / "journal").read_text().splitlines())
    execution = sum(entry["event"] == "start" and entry["component"] == name for entry in starts)
    hold = scene / f"hold-{name}-{execution}"
    deadline = time.monotonic() + LONGEST_HOLD
    while hold.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{hold} is still there")
        time.sleep(0.1)
    if (scene / f"fail-{name}-{execution}").exists():
        raise ConnectionError("the service is not up yet")
    if (scene / f"exit-{name}-{execution}").exists():
        os._exit(0)


def note(scene: Path, event: str, name: str) -> None:
    """Append a line to the journal."""
    entry = {
        "event": event,
        "component": name,
        "process": os.getpid(),
        "born": Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19],
        "supervisor": os.getppid(),
    }
    with (scene / "journal").open("a") as journal:
        journal.write(json.dumps(entry) + "\n")
