"""The pool of Spark's FAIR scheduler in which a component's jobs run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider.runner.config.interrupted_call import clean_up
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)

_POOL = "spark.scheduler.pool"


def is_fair(spark: Any) -> bool:
    """Whether a session's Spark shares its cores among pools, as the FAIR scheduler does."""
    if spark_kind(spark) != "classic":
        return False
    return str(spark.sparkContext.getConf().get("spark.scheduler.mode", "FIFO")).upper() == "FAIR"


@contextmanager
def in_pool(spark: Any, pool: str | None) -> Iterator[None]:
    """Run the jobs of this thread in a pool. If the code in here chooses another one, that stays.

    :param pool: its name; None to change nothing
    """
    if pool is None:
        yield
        return
    if spark_kind(spark) != "classic":
        logger.warning("spark_pool %r has no effect: on Spark Connect no component chooses its pool", pool)
        yield
        return
    context = spark.sparkContext
    before = context.getLocalProperty(_POOL)
    context.setLocalProperty(_POOL, pool)

    def put_back() -> None:
        if context.getLocalProperty(_POOL) == pool:
            context.setLocalProperty(_POOL, before)

    try:
        yield
    finally:
        clean_up(put_back)
