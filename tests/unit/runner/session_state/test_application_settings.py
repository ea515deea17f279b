"""Settings of the application are not what a component left in the session."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.probes.application import SessionSettings

FIRST = {"spark.app.name": "airflow", "spark.master": "local[1]", "spark.sql.ansi.enabled": "true"}


def look(now: dict[str, str], registered: set[str] | None = None, modifiable: set[str] | None = None) -> dict[str, str]:
    """Return what a second look tells."""
    known = modifiable or {"spark.sql.ansi.enabled", "spark.sql.shuffle.partitions"}
    settings = SessionSettings(FIRST, known.__contains__, (registered or set()).__contains__)
    return settings.of({**FIRST, **now})


@pytest.mark.parametrize(
    "key",
    [
        "spark.app.name",
        "spark.master",
        "spark.executor.memory",
        "spark.executorEnv.HOME",
        "spark.driver.extraJavaOptions",
        "spark.submit.deployMode",
        "spark.jars",
        "spark.jars.packages",
        "spark.yarn.queue",
        "spark.kubernetes.namespace",
        "spark.dynamicAllocation.enabled",
        "spark.serializer",
        "spark.remote",
    ],
)
def test_a_setting_of_the_application_is_as_it_was(key: str) -> None:
    """Also for a client of Spark Connect, which cannot ask which settings Spark knows."""
    assert look({key: "x"}) == FIRST


def test_a_setting_that_spark_knows_and_no_session_can_change_is_as_it_was() -> None:
    key = "spark.sql.warehouse.dir"
    assert look({key: "/x"}, registered={key}) == FIRST
    assert look({key: "/x"}) == {**FIRST, key: "/x"}


@pytest.mark.parametrize(
    "key", ["spark.sql.shuffle.partitions", "spark.my.thing", "my.day", "spark.applications", "spark.hadoop.fs.x"]
)
def test_every_other_setting_is_what_it_is_now(key: str) -> None:
    assert look({key: "7"}) == {**FIRST, key: "7"}


def test_a_setting_that_a_session_can_change_counts_whatever_its_area() -> None:
    key = "spark.python.sql.dataFrameDebugging.enabled"
    assert look({key: "false"}, registered={key}, modifiable={key}) == {**FIRST, key: "false"}


def test_a_setting_of_the_application_that_was_unset_is_there() -> None:
    settings = SessionSettings(FIRST, lambda key: False, lambda key: False)
    assert settings.of({"spark.master": "local[1]"}) == {"spark.app.name": "airflow", "spark.master": "local[1]"}
