"""The operator that runs a pipeline's driver through spark-submit, and resumes it.

What only the run of the task needs is imported there: Airflow parses DAG files all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider.launch.driver_addresses import refusal
from airflow_provider.launch.spark_properties import properties
from airflow_provider.operators.airflow_config import resolve_checkpoint_url
from airflow_provider.operators.pipeline_operator import PipelineOperator
from airflow_provider.operators.submit.options import SubmitOptions

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider.operators.submit.submitted_attempt import SubmittedAttempt
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec

_NOT_THE_AUTHORS = ("application", "application_args", "java_class")


class PySparkPipelineSubmitOperator(PipelineOperator, SubmitOptions):
    """Run a pipeline's driver with spark-submit, and resume it after the last component that succeeded.

    As :class:`~airflow_provider.operators.pyspark_pipeline.PySparkPipelineOperator`, but Spark and the components run
    in a driver of their own: on the worker in deploy mode ``client``, on the cluster in deploy mode ``cluster``. The
    engine travels along. The driver does not need Airflow; it needs Python 3.11, pyspark, pydantic, tenacity, pyyaml
    and rich, and says so if one is missing.

    The driver reads and writes the checkpoint itself, so that has to be where the driver reaches it, and it decides
    whether the attempt resumes. If the job of an earlier attempt is still alive (``durable``, on YARN and Kubernetes
    in deploy mode ``cluster``), the task attaches to it again instead of starting another one.

    The return value (XCom) is a JSON summary: status, and for each component action, status, reason and duration. It
    is also under the key ``pyspark_pipeline_summary``, there after a failure, too. In deploy mode ``cluster`` it is
    made from the checkpoint, if the worker can read that, and reasons are only in the driver's log.

    The parameters of every pipeline (``pipeline``, ``checkpoint_url``, ``session_state_url``, the policies such as
    ``on_config_change``, ``restart_from`` and more) are documented with
    :class:`~airflow_provider.operators.pipeline_operator.PipelineOperator`. With a driver of its own:

    - ``pipeline``: components must be importable where the driver runs. Give their modules in ``py_files``, not the DAG
      file, which needs Airflow. SQL files are rendered if they are on the worker.
    - ``checkpoint_url``: the driver reaches it with the cluster's credentials: ``s3a://bucket/prefix``, ``hdfs://``,
      ``gs://``, ``abfss://``; in deploy mode ``client`` also a directory. An Airflow connection in an address for S3 or
      Google Cloud Storage is used by the worker only. Airflow's task state store cannot serve.
    - ``checkpoint_store`` is refused: an object cannot travel to the driver.

    Further parameters are those of Airflow's ``SparkSubmitOperator``, without ``application``, ``application_args`` and
    ``java_class``. Of these, three are worth a word:

    :param conf: Spark properties; they win over the ``spark.…`` extras of the connection, which win over the ``spark``
        section of the pipeline. Master and deploy mode are the connection's (templated)
    :param deploy_mode: ``client`` or ``cluster``; default: the connection's
    :param name: name of the Spark application. Default: the pipeline's ``app_name``, or DAG and task (templated)
    """

    template_fields: Sequence[str] = (*SubmitOptions.template_fields, *PipelineOperator.template_fields)
    template_fields_renderers = {"pipeline": "yaml", "conf": "json"}  # noqa: RUF012 - as in BaseOperator
    _runs_here = False

    def __init__(self, **kwargs: Any) -> None:
        refused = [key for key in _NOT_THE_AUTHORS if key in kwargs]
        if refused:
            raise ValueError(
                f"task {kwargs.get('task_id')!r}: {', '.join(refused)} cannot be given, because the application is the "
                "pipeline's driver; use SparkSubmitOperator for another application"
            )
        super().__init__(**kwargs)
        if self.checkpoint_store is not None:
            raise ValueError(
                f"task {self.task_id!r}: a checkpoint_store object cannot travel to the driver that spark-submit "
                "starts; set checkpoint_url to an address that the driver reaches, such as s3a://bucket/prefix"
            )
        if "{{" not in str(self.checkpoint_url) and "{%" not in str(self.checkpoint_url):
            problem = refusal(resolve_checkpoint_url(self.checkpoint_url), remote=self.deploy_mode == "cluster")
            if problem:
                raise ValueError(f"task {self.task_id!r}: {problem}")

    def _new_attempt(self, run: AirflowAttemptSpec, context: Context, began: float) -> SubmittedAttempt:
        from airflow_provider.operators.submit.submitted_attempt import SubmitRequest, SubmittedAttempt

        conf = properties(self.conf, f"task {self.task_id!r}, conf")
        options = {**self.submit_options(), "conf": conf}
        return SubmittedAttempt(SubmitRequest(run, context, self._attempt_settings(began), options))
