"""Environment variables of the process, as ``os.environ`` shows them. No value is recorded, and a record sets none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider.masking import looks_secret
from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.state_uses import ANY
from airflow_provider.runner.fingerprint.code.value_hash import value_hash
from airflow_provider.runner.session_state.kinds.process_state_kind import (
    LeftInProcess,
    Need,
    ProcessStateKind,
    hides_names,
    uses_any,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.probes.session_look import SessionLook

_READS_MORE = frozenset(
    {
        *("decouple", "dotenv", "dynaconf", "environ", "environs", "pydantic.BaseSettings", "pydantic_settings"),
        *("multiprocessing", "os.popen", "os.system", "os.execv", "os.execve", "os.posix_spawn", "pty", "subprocess"),
        *("os.path.expanduser", "os.path.expandvars", "pathlib.Path.home", "concurrent.futures.ProcessPoolExecutor"),
    }
)
"""What reads variables without naming them, or hands all of them to another program."""

_KNOWN = (
    *("AIRFLOW_", "AWS_", "AZURE_", "BOTO_", "CLOUDSDK_", "CURL_", "DATABRICKS_", "DBT_", "FSSPEC_", "GCLOUD_", "GCP_"),
    *("GIT_", "GOOGLE_", "GRPC_", "HADOOP_", "HF_", "JAVA_", "JDK_", "KAFKA_", "KRB5", "LC_", "LD_", "MKL_", "MLFLOW_"),
    *("MONGO", "MYSQL_", "NUMBA_", "NUMEXPR_", "OMP_", "OPENBLAS_", "OPENLINEAGE_", "OTEL_", "PANDAS_", "PG", "PIP_"),
    *("POLARS_", "PYARROW_", "ARROW_", "PYSPARK_", "PYTHON", "REQUESTS_", "S3_", "SNOWFLAKE_", "SPARK_", "SSL_", "UV_"),
)
_KNOWN_NAMES = frozenset(
    {
        *("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HOME", "LANG", "LANGUAGE", "LOGNAME"),
        *("PATH", "SHELL", "TEMP", "TMP", "TMPDIR", "TZ", "TZDIR", "PYTHONPATH", "USER", "USERNAME"),
    }
)
"""Variables that libraries and the system are known to read."""


class EnvironmentVariables(ProcessStateKind):
    """What ``os.environ[…] = …`` leaves."""

    name = "environment variables"

    def look(self, look: SessionLook) -> Mapping[str, Any]:
        return dict(os.environ)

    def digest(self, name: str) -> str:
        value = os.environ.get(name)
        return "" if value is None or looks_secret(name, value, os.environ) else value_hash(value)

    def is_left_by_imports(self, changes: SessionChanges, name: str) -> bool:
        return name in changes.set_by_imports

    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        reads = {(use.area, use.name) for use in reading.state_reads} if reading is not None else set()
        if ("environment", left.name) in reads or ("text", left.name) in reads:
            return Need.YES
        if any(left.name in text for text in _texts([component.config, dict(component.texts)])):
            return Need.YES
        if hides_names(reading) or ("environment", ANY) in reads or uses_any(reading, _READS_MORE):
            return Need.MAYBE
        upper = left.name.upper()
        return Need.MAYBE if upper in _KNOWN_NAMES or upper.startswith(_KNOWN) else Need.NO

    def words(self, left: LeftInProcess) -> str:
        return f"environment variable {left.name!r}"

    def is_missed(self, name: str, error: str) -> bool:
        return any(error == f"KeyError: {quoted}" for quoted in re.findall("'.*'", name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


ENVIRONMENT_VARIABLES = EnvironmentVariables()
