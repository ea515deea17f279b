"""A second description of the databases and tables that lie where their component chose, in the run's own directory.

A checkpoint can be edited by people who may not write where saved views lie. What stands here word by word is what the
run itself has found, so it may be used although it leads out of the places that follow from today's config.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.storage.spark_urls import readable, writable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MANIFEST = "objects"
"""The directory in which a component's databases and tables are described."""

_OBJECTS = TypeAdapter(list[CatalogObject])


def write_manifest(spark: SparkSession, url: str, objects: Sequence[CatalogObject]) -> None:
    """Write descriptions.

    :param url: a directory that does not exist yet
    """
    from pyspark.sql import functions as F

    text = json.dumps([item.model_dump(mode="json") for item in objects])  # in one line
    frame = spark.range(0, 1, 1, 1).select(F.lit(text).alias("value"))
    frame.write.option("compression", "none").option("lineSep", "\n").text(writable(url))


def read_manifest(spark: SparkSession, url: str) -> list[CatalogObject]:
    """Return what was written.

    :raises Exception: what Spark raises when it cannot read it; ValidationError for what are no descriptions
    """
    lines = collected(spark.read.option("lineSep", "\n").text(readable(url)))
    return _OBJECTS.validate_json("".join(row[0] for row in lines))
