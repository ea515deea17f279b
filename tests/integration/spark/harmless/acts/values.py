"""Components that put a value into a view which another run would not put there, or leave more than views."""

from __future__ import annotations

import os
import platform
import random
import socket
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pyspark.sql import functions as F


def _view_of(spark: Any, value: object) -> None:
    spark.range(1).select(F.lit(str(value)).alias("value")).createOrReplaceTempView("v")


def random_view(spark: Any) -> None:
    spark.range(5).select(F.rand().alias("value")).createOrReplaceTempView("v")


def current_time_view(spark: Any) -> None:
    spark.range(5).select(F.current_timestamp().alias("at")).createOrReplaceTempView("v")


def time_ns(spark: Any) -> None:
    _view_of(spark, time.time_ns())


def now(spark: Any) -> None:
    spark.range(1).select(F.lit(datetime.now()).alias("at")).createOrReplaceTempView("v")


def uuid4(spark: Any) -> None:
    _view_of(spark, uuid.uuid4())


def random_number(spark: Any) -> None:
    _view_of(spark, random.random())


def random_number_of_numpy(spark: Any) -> None:
    _view_of(spark, np.random.default_rng().random())


DICE = random.Random(42)
"""Whoever asks it changes what the next one gets."""


def shared_dice(spark: Any) -> None:
    _view_of(spark, DICE.random())


def random_bytes(spark: Any) -> None:
    _view_of(spark, os.urandom(8).hex())


def file_length(spark: Any, *, source: str) -> None:
    _view_of(spark, os.path.getsize(source))


def file_time(spark: Any, *, source: str) -> None:
    _view_of(spark, Path(source).stat().st_mtime_ns)


def file_exists(spark: Any, *, source: str) -> None:
    _view_of(spark, Path(source).exists())


def environment(spark: Any) -> None:
    _view_of(spark, os.environ.get("SHOP_DAY"))


def environment_by_getenv(spark: Any) -> None:
    _view_of(spark, os.getenv("SHOP_DAY", "none"))


def host_name(spark: Any) -> None:
    _view_of(spark, socket.gethostname())


def node_name(spark: Any) -> None:
    _view_of(spark, platform.node())


def process_id(spark: Any) -> None:
    _view_of(spark, os.getpid())


def application_id(spark: Any) -> None:
    _view_of(spark, spark.sparkContext.applicationId)


CALLS: list[int] = []


def module_state(spark: Any) -> None:
    """What it leaves depends on how often it ran in this process."""
    CALLS.append(1)
    _view_of(spark, len(CALLS))


def stable_values(spark: Any) -> None:
    _view_of(spark, datetime(2026, 11, 25).isoformat())


def variable(spark: Any) -> None:
    spark.sql("DECLARE OR REPLACE VARIABLE rate INT DEFAULT 5")
    spark.range(5).createOrReplaceTempView("v")


def secret_setting(spark: Any) -> None:
    spark.conf.set("spark.shop.password", "hunter2")
    spark.range(5).createOrReplaceTempView("v")


def setting(spark: Any) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    spark.range(1).selectExpr("timestamp'2026-01-01 00:00:00' AS at").createOrReplaceTempView("v")


def variable_and_post(spark: Any, *, url: str) -> None:
    requests.post(url, data=b"order 1", timeout=10).raise_for_status()
    variable(spark)


def secret_setting_and_post(spark: Any, *, url: str) -> None:
    requests.post(url, data=b"order 1", timeout=10).raise_for_status()
    secret_setting(spark)


def setting_and_post(spark: Any, *, url: str) -> None:
    """Without the setting, ``${my.country}`` in SQL would stay as it is, and nobody would notice."""
    requests.post(url, data=b"order 1", timeout=10).raise_for_status()
    spark.conf.set("my.country", "DE")
    spark.range(5).createOrReplaceTempView("v")


COLORS = frozenset({"red", "green", "blue", "black", "white"})


def order_of_a_set(spark: Any) -> None:
    """Which of them is the first differs from process to process."""
    first = [color.upper() for color in COLORS][0]  # noqa: RUF015 - as people write it
    spark.createDataFrame([(first,)], "color string").createOrReplaceTempView("v")


def sorted_set(spark: Any) -> None:
    rows = [(color,) for color in sorted(COLORS) if color in {"red", "blue"}]
    spark.createDataFrame(rows, "color string").createOrReplaceTempView("v")
