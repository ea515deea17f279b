"""One attempt at the killed pipeline in a process of its own: ``python -m tests.reliability.kills.kill_driver``.

Engine, store and Spark are the real ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider.runner import LocalCheckpointStore, load_pipeline_config
from tests.reliability.kills.kill_attempt import Watch, run_watched
from tests.reliability.kills.kill_journal import Aim, Journal
from tests.reliability.kills.kill_steps import Observers, pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUICK = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def open_spark(directory: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    places = {"spark.sql.warehouse.dir": f"{directory}/warehouse", "spark.local.dir": f"{directory}/local"}
    return SparkSession.builder.master("local[1]").appName("killed").config(map=QUICK | places).getOrCreate()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("run_id")
    parser.add_argument("--station", help="where this process kills itself")
    parser.add_argument("--line", type=int, default=0)
    arguments = parser.parse_args()
    directory: Path = arguments.directory

    journal = Observers.journal = Journal(directory / "journal")
    aim = Observers.aim = Aim(journal, arguments.station, arguments.line)
    opened = []

    def announce(event: str) -> None:
        journal.note(event)
        print(event, flush=True)

    def open_session() -> SparkSession:
        opened.append(open_spark(directory))
        announce("session")
        return opened[-1]

    announce("begun")
    result = run_watched(
        load_pipeline_config(pipeline(directory, with_spark=True)),
        LocalCheckpointStore(directory / "checkpoints"),
        arguments.run_id,
        Watch(journal, aim),
        spark=open_session,
        session_state_url=str(directory / "state"),
    )
    journal.note("done" if not result.failed_components else "failed")
    failed = {name: str(error).partition("\n")[0] for name, error in result.failed_components}
    if failed:
        sys.exit(f"failed: {failed}")
    for spark in opened:
        spark.stop()  # its JVM may be there for more than this process


if __name__ == "__main__":
    main()
