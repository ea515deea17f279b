"""What decides beside a component's code what it computes: Spark's feature release, and what runs Python functions.

Since Spark 4.2 Python functions go through Arrow where PyArrow is installed, and then convert values by other rules: a
function for doubles that returns 5 gives NULL without Arrow and 5.0 with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from airflow_provider.runner.fingerprint.code.code_reading import CodeReading

ARROW_SETTING = "spark.sql.execution.pythonUDF.arrow.enabled"
_BY_DEFAULT, _MISSING = "by Spark's default", "not installed"
_PYTHON_FUNCTIONS = frozenset(
    (
        *("udf", "udtf", "pandas_udf", "arrow_udf", "arrow_udtf"),
        *("mapInPandas", "mapInArrow", "applyInPandas", "applyInArrow", "applyInPandasWithState"),
    )
)
"""Names with which Python functions get to Spark."""


def with_runtime(reading: CodeReading, settings: Mapping[str, str]) -> CodeReading:
    """Return a reading with what decides beside the code what it computes, as distributions that it uses.

    :param reading: of a component's code
    :param settings: the Spark properties that the pipeline sets
    """
    runtime = {"Spark": _feature_release()}
    if _uses_python_functions(reading):
        runtime |= {name: _installed(name) or _MISSING for name in ("pandas", "pyarrow")}
        setting = settings.get(ARROW_SETTING)
        runtime[ARROW_SETTING] = _BY_DEFAULT if setting is None else setting.lower()
    return replace(reading, distributions={**reading.distributions, **runtime})


def _uses_python_functions(reading: CodeReading) -> bool:
    of_pyspark = [item.name for item in reading.foreign if item.name.startswith("pyspark.")]
    parts = [part for name in of_pyspark for part in name.split(".")]
    return not _PYTHON_FUNCTIONS.isdisjoint([*parts, *(item.name for item in reading.attributes)])


def _feature_release() -> str:
    found = _installed("pyspark") or _installed("pyspark-client") or _MISSING
    return ".".join(found.split(".")[:2])


@cache
def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
