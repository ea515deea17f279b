"""Python functions that read Parquet files directly: in Spark 4.2.0 they wait forever, unless they are given rows."""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider.errors import describe

logger = logging.getLogger(__name__)

COLUMNAR_INPUT = "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled"
_WAITS_FOREVER = "4.2.0"  # SPARK-58241


def give_functions_rows(spark: Any) -> None:
    """Switch off what lets a Python function over the scan of a Parquet file wait forever, where Spark does that.

    The rows are the same. A view that was saved is such a scan after a resume, although the author read no file.

    :param spark: the session
    """
    try:
        if spark.version == _WAITS_FOREVER:
            spark.conf.set(COLUMNAR_INPUT, "false")
    except Exception as error:  # noqa: BLE001 - whatever a server raises; the component will say what matters to it
        logger.debug("cannot set %s: %s", COLUMNAR_INPUT, describe(error))
