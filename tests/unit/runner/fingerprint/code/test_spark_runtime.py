"""Another Spark, and what runs Python functions, count as code: with them the same code computes something else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner.fingerprint.code import spark_runtime
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.fingerprint.code.spark_runtime import ARROW_SETTING
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action
from tests.samples.components.shop import completed, process, write

if TYPE_CHECKING:
    from airflow_provider.runner import PipelineConfig

FILES = {
    "steps.py": """
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType


@F.udf(DoubleType())
def five(x):
    return 5


def functions(spark):
    spark.range(1).select(five("id")).createOrReplaceTempView("fives")


def registered(spark):
    spark.udf.register("five", lambda: 5, "double")


def plain(spark):
    spark.range(1).createOrReplaceTempView("numbers")
"""
}


def pipeline(**spark: Any) -> PipelineConfig:
    from airflow_provider.runner import PipelineConfig

    names = ("functions", "registered", "plain")
    components = [{"name": name, "class_path": f"steps.{name}"} for name in names]
    return PipelineConfig.model_validate({"name": "p", "components": components, "spark": {"spark_conf": spark}})


def runs_again(folder: Path, change: Any, **spark: Any) -> dict[str, str]:
    """Return which components run again after a change between two attempts, and why."""
    write(folder, FILES)
    with process(folder):
        checkpoint = completed(pipeline())
        change()
        config = pipeline(**spark)
        plan = decide(config, Facts(checkpoint, code=read_code_of_components(config, {})))
    return {d.component: str(d.reason) for d in plan.decisions if d.action is Action.RUN}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What is installed, to be changed."""
    found: dict[str, str | None] = {"pyspark": "4.2.0", "pandas": "2.3.3", "pyarrow": "22.0.0"}
    monkeypatch.setattr(spark_runtime, "_installed", found.get)
    return found


def test_nothing_changed_runs_nothing_again(tmp_path: Path, installed: dict[str, str | None]) -> None:
    assert runs_again(tmp_path, lambda: None) == {}


def test_another_feature_release_of_spark_counts_as_a_change_of_code(
    tmp_path: Path, installed: dict[str, str | None]
) -> None:
    """Each of them changes results somewhere; a release that only mends does not count."""
    assert runs_again(tmp_path, lambda: installed.update(pyspark="4.2.9")) == {}
    again = runs_again(tmp_path, lambda: installed.update(pyspark="4.3.0"))
    assert again.keys() == {"functions", "registered", "plain"}
    assert "Spark 4.2 -> 4.3" in again["plain"]


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [("pyarrow", None, "pyarrow 22.0.0 -> not installed"), ("pandas", "3.0.0", "pandas 2.3.3 -> 3.0.0")],
)
def test_what_runs_python_functions_counts_where_there_are_some(
    tmp_path: Path, installed: dict[str, str | None], name: str, version: str | None, told: str
) -> None:
    """With Arrow a function for doubles may return an integer; without it that is NULL."""
    again = runs_again(tmp_path, lambda: installed.update({name: version}))
    assert again.keys() == {"functions", "registered"}
    assert all(told in why for why in again.values())


def test_the_setting_for_arrow_counts_where_there_are_python_functions(
    tmp_path: Path, installed: dict[str, str | None]
) -> None:
    again = runs_again(tmp_path, lambda: None, **{ARROW_SETTING: "false"})
    assert again.keys() == {"functions", "registered"}
    assert f"{ARROW_SETTING} by Spark's default -> false" in again["functions"]
