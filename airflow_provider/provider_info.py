"""What Airflow discovers about this provider (entry point ``apache_airflow_provider``)."""

from __future__ import annotations

from typing import Any

from airflow_provider import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the form of Airflow's ``provider_info`` schema."""
    return {
        "package-name": "airflow-provider-pyspark-pipeline",
        "name": "PySpark Pipeline",
        "description": "Pipelines of PySpark components in one task that resume after the last success.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "PySpark Pipeline",
                "external-doc-url": "https://spark.apache.org/docs/latest/api/python/",
                "tags": ["software"],
            }
        ],
        "config": {
            "pyspark_pipeline": {
                "description": "Defaults of PySparkPipelineOperator.",
                "options": {
                    "session_state_url": {
                        "description": (
                            "Directory in which temp views are saved for the next attempt: any that Spark can write, "
                            "such as s3a://bucket/prefix. Empty: a directory under AIRFLOW_HOME if Spark runs on the "
                            "worker itself, otherwise nothing is saved."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3a://my-bucket/pyspark-pipeline",
                        "default": "",
                    }
                },
            }
        },
        "operators": [
            {
                "integration-name": "PySpark Pipeline",
                "python-modules": ["airflow_provider.operators.pyspark_pipeline"],
            }
        ],
    }
