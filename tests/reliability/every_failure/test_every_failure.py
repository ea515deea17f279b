"""Invariants 1, 2 and 6, with a process for each attempt: wherever a run fails, it ends as if it had not.

The torture pipeline is in ``steps.py``. The attempts share a JVM, in which each of them has a Spark of its own. All the
pairs still take a quarter of an hour, so these tests run only on request: ``pytest -m torture``.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from tests.reliability.every_failure.attempts import Failures, python
from tests.reliability.every_failure.steps import WORK
from tests.reliability.every_failure.warm_jvm import WarmJvm

pytestmark = pytest.mark.torture

REPLAYED = ("read", "function", "clean")
"""Components that auto replays, so they can fail after they had completed."""


@pytest.mark.parametrize("component", WORK)
def test_a_failure_after_any_component_changes_nothing_in_the_end(
    failures: Failures, tmp_path: Path, component: str
) -> None:
    failures.check(tmp_path, component)


@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(WORK, 2)))
def test_any_two_failures_change_nothing_in_the_end(
    failures: Failures, tmp_path: Path, first: str, second: str
) -> None:
    failures.check(tmp_path, first, second)


@pytest.mark.parametrize("replayed", REPLAYED)
@pytest.mark.parametrize("first", ["write_clean", "zone"])
def test_a_component_that_fails_while_it_is_replayed_stays_complete(
    failures: Failures, tmp_path: Path, first: str, replayed: str
) -> None:
    failures.check(tmp_path, first, replayed)


LOOK = """
from pathlib import Path
from tests.reliability.every_failure.driver import open_spark

def look(spark):
    catalog = spark._jsparkSession.sessionState().catalog()
    passing = ("spark.app.", "spark.driver.port", "spark.sql.warehouse.dir")
    return [
        *spark.sql("SHOW DATABASES").collect(),
        *spark.sql("SHOW TABLES").collect(),
        *spark.sql("SHOW VIEWS IN global_temp").collect(),
        *spark.sql("SHOW USER FUNCTIONS").collect(),
        *spark.sql("SELECT current_catalog(), current_database(), current_timezone()").collect(),
        *sorted(row for row in spark.sql("SET").collect() if not row.key.startswith(passing)),
        spark._jsc.hadoopConfiguration().get("torture.left"),
        spark.sparkContext._jsc.sc().getPersistentRDDs().size(),
    ]

spark = open_spark(Path.cwd())
"""

LEAVE = """
before = look(spark)
spark.range(3).createOrReplaceTempView("left_view")
spark.range(3).createGlobalTempView("left_for_all")
spark.udf.register("left_function", lambda x: x, "long")
spark.sql("CREATE DATABASE left_behind")
spark.sql("USE left_behind")
spark.sql("CREATE TABLE left_table AS SELECT 1 AS a")
spark.sql("CACHE TABLE left_table")
spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
spark._jsc.hadoopConfiguration().set("torture.left", "behind")
assert look(spark) != before
spark.stop()
"""


def test_what_an_attempt_leaves_in_its_spark_is_not_in_that_of_the_next_one(jvm: WarmJvm, tmp_path: Path) -> None:
    """Otherwise the shared JVM would let attempts pass that could not resume in a new one."""
    show = "print(look(spark)); spark.stop()"
    fresh, left, after = (python("-c", LOOK + then, directory=tmp_path, jvm=jvm) for then in (show, LEAVE, show))
    assert left.returncode == 0, left.stderr[-5000:]
    assert fresh.returncode == 0, fresh.stderr[-5000:]
    assert after.stdout == fresh.stdout
    assert "left" not in after.stdout
