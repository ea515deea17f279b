"""One attempt at the pipeline that is killed, as a process of its own: ``python -m tests.reliability.kill_driver``.

Engine, hooks and store are the real ones. Without ``--spark`` the components get a plain object for a session, so the
engine has no session state to keep; with it Spark is real.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import load_pipeline_config
from airflow_provider.runner.running.attempt import run_attempt
from tests.reliability.kill_journal import Aim, Journal, WatchedStore
from tests.reliability.kill_steps import Observers, pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUICK = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
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
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--station", help="where this process kills itself")
    parser.add_argument("--line", type=int, default=0)
    arguments = parser.parse_args()
    directory: Path = arguments.directory

    journal = Observers.journal = Journal(directory / "journal")
    aim = Observers.aim = Aim(journal, arguments.station, arguments.line)

    def announce(event: str) -> None:
        journal.note(event)
        print(event, flush=True)

    def open_session() -> Any:
        session = open_spark(directory) if arguments.spark else object()
        announce("session")
        return session

    announce("begun")
    config = load_pipeline_config(pipeline(directory, with_spark=arguments.spark))
    store = WatchedStore(directory / "checkpoints", journal, aim)
    checkpoint = store.load(arguments.run_id, config.name)
    result = run_attempt(
        config,
        store,
        arguments.run_id,
        checkpoint,
        spark=open_session,
        session_state_url=str(directory / "state"),
    )
    journal.note("done")
    failed = {name: str(error).partition("\n")[0] for name, error in result.failed_components}
    sys.exit(f"failed: {failed}" if failed else 0)


if __name__ == "__main__":
    main()
