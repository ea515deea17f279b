"""One attempt at a run of components side by side, in a process that may be killed: ``parallel_attempt.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

NAMES = ["a", "b", "c", "d", "ab", "cd", "all", "e", "f", "end"]
DEPENDS_ON = {"ab": ["a", "b"], "cd": ["c", "d"], "all": ["ab", "cd"], "f": ["e"], "end": ["all", "f"]}
ROWS = {"a": 1, "b": 2, "c": 3, "d": 4, "ab": 3, "cd": 7, "all": 10, "e": 5, "f": 5, "end": 15}
"""Component to the rows of the view that it leaves: those of what it depends on together."""


def step(spark: Any, *, name: str, folder: str) -> None:
    """Leave a view of the rows of those before it, and then a line in a file: that must happen once."""
    above = DEPENDS_ON.get(name)
    if above is None:
        frame = spark.range(ROWS[name], numPartitions=1)
    else:
        frame = spark.sql(" UNION ALL ".join(f"SELECT id FROM view_{other}" for other in above))
    frame.createOrReplaceTempView(f"view_{name}")
    rows = spark.table(f"view_{name}").count()
    time.sleep(0.15)
    with (Path(folder) / "effects" / name).open("a", encoding="utf-8") as file:
        file.write(f"{rows}\n")


def main(folder: Path) -> int:
    from pyspark.sql import SparkSession

    from airflow_provider.runner import LocalCheckpointStore, PipelineConfig, PipelineResultStatus
    from airflow_provider.runner.record.run_key import RunKey
    from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt

    components = [
        {
            "name": name,
            "class_path": "tests.reliability.kills.parallel_attempt.step",
            "depends_on": DEPENDS_ON.get(name, []),
            "config": {"name": name, "folder": str(folder)},
        }
        for name in NAMES
    ]
    spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    (folder / "started").touch()
    config = PipelineConfig(name="kills", components=components, max_parallel_components=4)
    result = run_attempt(
        AttemptSpec(
            config,
            LocalCheckpointStore(folder / "checkpoints"),
            RunKey((), "run", "kills"),
            spark=spark,
            session_state_url=str(folder / "state"),
        )
    )
    spark.stop()
    return 0 if result.status is PipelineResultStatus.SUCCESS else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
