"""Twelve components in Spark Connect sessions, while calls that are made only to look fail.

Arguments: the server's address and a folder. Prints as JSON: for each run the calls that failed, what is wrong, if
anything, and of which calls the log does not have its one warning.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.connect.left_behind_driver import NewSessions
from tests.integration.spark.session_state.twelve_components import (
    RUNS,
    inject,
    run_of,
    same_answer,
    steps,
    told,
    told_otherwise,
)
from tests.samples.components.basic import BEHAVIOUR
from tests.samples.harness.spark_attempts import SparkRun

QUIET_HERE = ("why_unstable", "mark_saved")
"""On Connect each view counts as one that may change, and no copy is marked: nothing is lost with these."""


class KeptRecords(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def in_plain_spark(sessions: NewSessions, folder: Path) -> list[Any]:
    session = sessions.newSession()
    session.sql("CREATE DATABASE plain_looking")
    session.range(3).write.parquet(str(folder / "in"))
    for step in steps("plain_looking", str(folder / "in")):
        step(session)
    return told(session)


def with_failures(sessions: Any, folder: Path, number: int, seams: list[str], plain: list[Any]) -> list[Any]:
    database, kept = f"looking{number}", KeptRecords()
    sessions.newSession().sql(f"CREATE DATABASE {database}")
    logging.getLogger("airflow_provider").addHandler(kept)
    run, ran = run_of(
        lambda *names: SparkRun(sessions, folder / f"state{number}", *names), database, folder / str(number)
    )
    with pytest.MonkeyPatch.context() as patch:
        raised = [
            inject(patch, seam.replace("classic_probe:Classic", "connect_probe:Connect"), ran, 4 + place)
            for place, seam in enumerate(seams)
        ]
        failed = run.attempt(keep_session_state=True).failed_components
        wrong = [repr(error) for _, error in failed]
        if not failed and not same_answer(found := told(run.session), plain):
            wrong.append(f"{found} instead of {plain}")
    logging.getLogger("airflow_provider").removeHandler(kept)
    BEHAVIOUR.clear()
    return [[seam for [seam] in filter(None, raised)], wrong, told_otherwise(kept.records, raised, QUIET_HERE, most=2)]


def main() -> None:
    folder = Path(sys.argv[2])
    sessions = NewSessions()
    plain = in_plain_spark(sessions, folder)
    print(json.dumps([with_failures(sessions, folder, number, seams, plain) for number, seams in enumerate(RUNS)]))


if __name__ == "__main__":
    main()
