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
                "description": "Defaults for the parameters of the PySpark pipeline operators.",
                "options": {
                    "checkpoint_url": {
                        "description": (
                            "Where to keep checkpoints: a directory that every worker sees, or an address of "
                            "ObjectStoragePath with an Airflow connection as its user part. Empty: Airflow's task "
                            "state store (Airflow 3.3 and later)."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://my_aws@my-bucket/checkpoints",
                        "default": "",
                    },
                    "session_state_url": {
                        "description": (
                            "Directory in which temp views are saved for the next attempt: any that Spark can write, "
                            "such as s3a://bucket/prefix. Empty: a directory under AIRFLOW_HOME if Spark runs on the "
                            "worker itself. On a cluster nothing can be saved then: an attempt that needs the views of "
                            "a completed component replays it if that is known to be harmless, and otherwise fails."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3a://my-bucket/pyspark-pipeline",
                        "default": "",
                    },
                    "retention_days": {
                        "description": (
                            "How many days to keep a checkpoint after it was last saved, in Airflow's task state store "
                            "or elsewhere, where `airflow pyspark-pipeline prune` deletes it then. 0: for ever."
                        ),
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": None,
                        "default": "90",
                    },
                    "session_state_retention_days": {
                        "description": (
                            "How many days to keep the saved views of a run that has not succeeded after their last "
                            "use; then `airflow pyspark-pipeline prune` deletes them. 0: for ever. Empty: as long as "
                            "the checkpoint, see retention_days."
                        ),
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "14",
                        "default": "",
                    },
                    "keep_session_state_hours": {
                        "description": (
                            "How many hours to keep the saved views of a run that has succeeded, so that it can be "
                            "restarted from a component in the middle; then `airflow pyspark-pipeline prune` deletes "
                            "them. 0: they are deleted at once."
                        ),
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "48",
                        "default": "0",
                    },
                    "save_patience_seconds": {
                        "description": ("How many seconds to keep trying to save a record before the attempt fails."),
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": None,
                        "default": "300",
                    },
                    "harmless_modules": {
                        "description": (
                            "Modules (or names in them) whose code has no side effects, separated by commas. They add "
                            "to a pipeline's own harmless_modules. A component that uses no other modules may run "
                            "again on a retry."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "our_company.text, geopy.distance",
                        "default": "",
                    },
                    "spark_ui_url": {
                        "description": (
                            "Address of the running application's Spark UI as people reach it, such as a proxy's, with "
                            "{host}, {port} and {application_id}. Empty: the History Server's address, or if there is "
                            "none the address that Spark's driver reports, which perhaps only the worker can reach. "
                            "When the application has ended, the link leads to the History Server or is gone."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "https://spark.example.com/{host}/{port}/",
                        "default": "",
                    },
                    "history_server_url": {
                        "description": (
                            "Address of a Spark History Server. The link 'Spark UI' beside a task leads there when "
                            "the application has ended, and without spark_ui_url also while it runs."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "http://history-server:18080",
                        "default": "",
                    },
                },
            }
        },
        "operators": [
            {
                "integration-name": "PySpark Pipeline",
                "python-modules": [
                    "airflow_provider.operators.pyspark_pipeline",
                    "airflow_provider.operators.pyspark_pipeline_submit",
                ],
            }
        ],
        "extra-links": ["airflow_provider.operators.links.SparkUILink"],
        "task-decorators": [
            {
                "class-name": "airflow_provider.decorators.task_decorator.pyspark_pipeline_task",
                "name": "pyspark_pipeline",
            }
        ],
        "cli": ["airflow_provider.commands.airflow.subcommands.get_cli_commands"],
    }
