"""The "Spark pipeline" tab of task instances and DAG runs in Airflow's UI (Airflow 3.1 and later).

Airflow's UI imports one ES module, which asks Airflow's public REST API as the person who looks. This plugin serves the
module's files and has no endpoint of its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from airflow.providers.common.compat.sdk import AirflowPlugin, conf

from airflow_provider import __version__
from airflow_provider.plugins.tab_files import TabFiles

NAME = "Spark pipeline"
"""Label of the tab, and the global name under which the module leaves its React component."""

OPERATORS = ("PySparkPipelineOperator", "PySparkPipelineSubmitOperator", "@task.pyspark_pipeline")
"""Tasks that have the tab, as Airflow names their operators."""

_PREFIX = f"/pyspark-pipeline-tab/{__version__}"  # a new version has new addresses, so no cache mixes two


def _bundle_url() -> str:
    """Return the module's address: a path from the root, which every Airflow resolves to the same file."""
    base = urlparse(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{base}{_PREFIX}/tab.js"


def _tab(destination: str, **more: Any) -> dict[str, Any]:
    return {
        "name": NAME,
        "bundle_url": _bundle_url(),
        "destination": destination,
        "url_route": "spark-pipeline" if destination == "task_instance" else "spark-pipelines",
        **more,
    }


class SparkPipelinePlugin(AirflowPlugin):  # type: ignore[misc]
    """Registers the tab. Airflow 3.0 knows no such tabs and ignores it; before 3.4 every task has it."""

    name = "pyspark_pipeline"
    fastapi_apps = [{"app": TabFiles(), "url_prefix": _PREFIX, "name": NAME}]  # noqa: RUF012
    react_apps = [  # noqa: RUF012
        _tab("task_instance", applies_to={"operator_name": list(OPERATORS)}),
        _tab("dag_run"),
    ]
