"""The options of Airflow's ``SparkSubmitOperator``, without importing it."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider.launch.spark_properties import DEFAULT_CONNECTION

if TYPE_CHECKING:
    from requests.auth import AuthBase


class SubmitOptions(BaseOperator):
    """Takes the options of ``SparkSubmitOperator``, with the same names and defaults.

    A subclass of ``SparkSubmitOperator`` would inherit them. But Airflow parses DAG files all the time, and importing
    that class loads OpenLineage's listener and Airflow's models: half a second and 23 MB that only the run of the task
    needs. So this class lists the options, and a test compares the list with the installed Spark provider. Options
    that the author does not give are not passed on, so the defaults of ``SparkSubmitOperator`` hold.
    """

    template_fields: Sequence[str] = (
        "conf",
        "files",
        "py_files",
        "jars",
        "driver_class_path",
        "packages",
        "exclude_packages",
        "keytab",
        "principal",
        "proxy_user",
        "name",
        "env_vars",
        "post_submit_commands",
        "properties_file",
    )

    def __init__(
        self,
        *,
        conf: dict[Any, Any] | None = None,
        conn_id: str = DEFAULT_CONNECTION,
        files: str | None = None,
        py_files: str | None = None,
        archives: str | None = None,
        driver_class_path: str | None = None,
        jars: str | None = None,
        packages: str | None = None,
        exclude_packages: str | None = None,
        repositories: str | None = None,
        total_executor_cores: int | None = None,
        executor_cores: int | None = None,
        executor_memory: str | None = None,
        driver_memory: str | None = None,
        keytab: str | None = None,
        principal: str | None = None,
        proxy_user: str | None = None,
        name: str | None = None,
        num_executors: int | None = None,
        status_poll_interval: int = 1,
        env_vars: dict[str, Any] | None = None,
        verbose: bool = False,
        spark_binary: str | None = None,
        properties_file: str | None = None,
        yarn_queue: str | None = None,
        deploy_mode: str | None = None,
        use_krb5ccache: bool = False,
        post_submit_commands: list[str] | None = None,
        track_driver_via_k8s_api: bool = False,
        yarn_track_via_rm_api: bool = False,
        yarn_rm_auth: AuthBase | None = None,
        openlineage_inject_parent_job_info: bool | None = None,
        openlineage_inject_transport_info: bool | None = None,
        reconnect_on_retry: bool | None = None,
        durable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conf = conf
        self.conn_id = conn_id
        self.files = files
        self.py_files = py_files
        self.archives = archives
        self.driver_class_path = driver_class_path
        self.jars = jars
        self.packages = packages
        self.exclude_packages = exclude_packages
        self.repositories = repositories
        self.total_executor_cores = total_executor_cores
        self.executor_cores = executor_cores
        self.executor_memory = executor_memory
        self.driver_memory = driver_memory
        self.keytab = keytab
        self.principal = principal
        self.proxy_user = proxy_user
        self.name = name
        self.num_executors = num_executors
        self.status_poll_interval = status_poll_interval
        self.env_vars = env_vars
        self.verbose = verbose
        self.spark_binary = spark_binary
        self.properties_file = properties_file
        self.yarn_queue = yarn_queue
        self.deploy_mode = deploy_mode
        self.use_krb5ccache = use_krb5ccache
        self.post_submit_commands = post_submit_commands
        self.track_driver_via_k8s_api = track_driver_via_k8s_api
        self.yarn_track_via_rm_api = yarn_track_via_rm_api
        self.yarn_rm_auth = yarn_rm_auth
        self.openlineage_inject_parent_job_info = openlineage_inject_parent_job_info
        self.openlineage_inject_transport_info = openlineage_inject_transport_info
        self.reconnect_on_retry = reconnect_on_retry
        self.durable = durable

    def submit_options(self) -> dict[str, Any]:
        """Return the options that were given, as arguments of ``SparkSubmitOperator``."""
        found = {name: getattr(self, name) for name in SUBMIT_OPTIONS}
        return {name: value for name, value in found.items() if value is not None}


SUBMIT_OPTIONS = tuple(
    option.name
    for option in signature(SubmitOptions.__init__).parameters.values()
    if option.kind is option.KEYWORD_ONLY
)
