"""All rows of what a component can leave, each in Spark Connect sessions of its own.

Arguments: the server's address and a folder. Prints for each row the verdict, what is wrong and what was said, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.integration.spark.left_behind.rows import ROWS
from tests.integration.spark.left_behind.scene import make_files, outcome
from tests.samples.harness.releases import SPARK


class NewSessions:
    """Makes sessions on a server, as a classic session does in its application."""

    def newSession(self) -> Any:
        from pyspark.sql import SparkSession

        return SparkSession.builder.remote(sys.argv[1]).create()


def main() -> None:
    folder = Path(sys.argv[2])
    names = {"db": "left_behind", **make_files(folder / "files")}
    sessions = NewSessions()
    sessions.newSession().sql("CREATE DATABASE IF NOT EXISTS left_behind")
    found = {}
    for number, row in enumerate(ROWS):
        if row.connect is None or (row.is_new and SPARK < (4, 2)):
            continue
        try:
            result = outcome(row, sessions, folder / f"state-{number}", names)
            found[str(row)] = (str(result.verdict), result.wrong, result.said)
        except Exception as error:
            found[str(row)] = ("error", [repr(error)], "")
        sessions.newSession().sql("DROP DATABASE IF EXISTS left_behind_more CASCADE")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
