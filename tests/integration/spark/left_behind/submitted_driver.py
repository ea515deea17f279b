"""All rows of what a component can leave, in a driver of ``spark-submit``: ``submitted_driver.py <folder>``.

Writes for each row, alone and where the component also writes, the verdict, what is wrong and what was said, as JSON
into a file ``found`` of the folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.spark.left_behind.rows import ROWS, LeftThing
from tests.integration.spark.left_behind.scene import make_files, outcome
from tests.samples.components import basic as samples
from tests.samples.harness.application_state import ApplicationState
from tests.samples.harness.releases import SPARK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DATABASE = "left_behind"
TABLE = f"{DATABASE}.written"


def result(row: LeftThing, spark: SparkSession, folder: Path, *, writes: bool) -> tuple[str, list[str], str]:
    """Run a row in a catalog and an application that know nothing of others."""
    as_new = ApplicationState(spark)
    spark.sql(f"CREATE DATABASE {DATABASE}")
    spark.sql(f"CREATE TABLE {TABLE} (x INT) USING parquet")
    try:
        found = outcome(
            row,
            spark,
            folder / "state",
            {"db": DATABASE, **make_files(folder / "files")},
            TABLE if writes else "",
        )
        spark.catalog.refreshTable(TABLE)
        ran = spark.table(TABLE).count()
        wrong = found.wrong if ran == writes else [*found.wrong, f"it wrote {ran} times"]
        return str(found.verdict), wrong, found.said
    except Exception as error:
        return "error", [repr(error)], ""
    finally:
        as_new.put_back()
        samples.CALLS.clear()
        samples.BEHAVIOUR.clear()
        spark.catalog.clearCache()
        spark.sql("DROP VIEW IF EXISTS global_temp.left_global")
        for name in (DATABASE, f"{DATABASE}_more"):
            spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


def main() -> None:
    from pyspark.sql import SparkSession

    folder = Path(sys.argv[1])
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    found = {
        f"{row} {writes}": result(row, spark, folder / f"{number}-{writes}", writes=writes)
        for number, row in enumerate(ROWS)
        for writes in (False, True)
        if not row.is_new or SPARK >= (4, 2)
    }
    (folder / "found").write_text(json.dumps(found))
    spark.stop()


if __name__ == "__main__":
    main()
