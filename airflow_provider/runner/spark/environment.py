"""Environment variables and files that change which Spark runs, and where."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from airflow_provider.errors import SparkConfigError
from airflow_provider.masking import mask
from airflow_provider.runner.spark.property_differences import same_value

logger = logging.getLogger(__name__)


def refuse_other_spark(conf: Mapping[str, str]) -> None:
    """Raise if an environment variable or a property would make this process a client of Spark Connect.

    :raises SparkConfigError: names it
    """
    master = conf.get("spark.master", "local[*]")
    remedy = "to use that server, set conn_id to a connection of type 'spark_connect'"
    for key in ("spark.remote", "spark.master"):
        if conf.get(key, "").startswith("sc://"):
            raise SparkConfigError(f"{key} is {_address(conf[key])!r}, the address of a Spark Connect server; {remedy}")
    if "spark.remote" in conf:
        raise SparkConfigError("spark.remote makes pyspark a client of Spark Connect; remove it, or name spark.master")
    if remote := os.environ.get("SPARK_REMOTE"):
        raise SparkConfigError(
            f"the environment variable SPARK_REMOTE is {_address(remote)!r}, which makes pyspark a client of that "
            f"Spark Connect server, but the pipeline asks for master {master!r}; unset SPARK_REMOTE where the task "
            f"runs, or, {remedy}"
        )
    if "SPARK_CONNECT_MODE_ENABLED" in os.environ:
        raise SparkConfigError(
            "the environment variable SPARK_CONNECT_MODE_ENABLED is set, as pyspark does in a process that is a client "
            f"of Spark Connect, but the pipeline asks for master {master!r}; unset it, or stop the Spark Connect "
            "session of this process"
        )
    if conf.get("spark.api.mode", "").lower() == "connect":
        raise SparkConfigError(
            "spark.api.mode 'connect' makes pyspark start a Spark Connect server of its own, where components have no "
            "SparkContext; remove it, or use a connection of type 'spark_connect'"
        )
    if _api_mode() == "connect":
        logger.warning(
            "%s would make pyspark start a Spark Connect server of its own, but the pipeline asks for classic Spark, "
            "so SPARK_API_MODE is 'classic' in this process from now on",
            _source_of_connect_mode(),
        )
        os.environ["SPARK_API_MODE"] = "classic"


def refuse_master_variable() -> None:
    """Raise SparkConfigError if pyspark would refuse to be a client of Spark Connect."""
    if "MASTER" in os.environ:
        raise SparkConfigError(
            f"the environment variable MASTER is {os.environ['MASTER']!r}, and with it pyspark refuses to connect to a "
            "Spark Connect server; unset MASTER where the task runs"
        )


def log_defaults(asked: Mapping[str, str]) -> None:
    """Log which properties ``spark-defaults.conf`` adds, and which of its values do not count."""
    file = _defaults_file()
    found = defaults(file) if file is not None else {}
    added = sorted(found.keys() - asked.keys())
    if added:
        logger.info("%s adds Spark properties: %s", file, ", ".join(added))
    others = sorted(key for key in found.keys() & asked.keys() if not same_value(key, asked[key], found[key]))
    if others:
        logger.info("%s has other values for %s; the task's own values count", file, ", ".join(others))
    master = os.environ.get("MASTER")
    if master and not same_value("spark.master", asked.get("spark.master", "local[*]"), master):
        logger.info("the environment variable MASTER (%s) has no effect here", master)


def defaults(file: Path | None = None) -> dict[str, str]:
    """Return the properties of ``spark-defaults.conf``, empty if there is none.

    :param file: the file; default: the one that Spark would read
    """
    file = file or _defaults_file()
    if file is None:
        return {}
    found = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        words = re.split(r"[\s=:]+", line.strip(), maxsplit=1)
        if words[0] and words[0][0] not in "#!":
            found[words[0]] = words[1] if len(words) > 1 else ""
    return found


def check_worker_python(conf: Mapping[str, str]) -> None:
    """Warn if Python functions would run with a Python that does not exist; Spark would fail at the first of them."""
    if "spark.pyspark.python" in conf or not (python := os.environ.get("PYSPARK_PYTHON")):
        return
    found = shutil.which(python)
    if found is None:
        logger.warning(
            "the environment variable PYSPARK_PYTHON is %r, which is not a program on this host, so Python functions "
            "will fail; unset it, or set it to %r",
            python,
            sys.executable,
        )
    elif not os.path.samefile(found, sys.executable):
        logger.info("Python functions run with %s, because the environment variable PYSPARK_PYTHON says so", python)


def _defaults_file() -> Path | None:
    folder = os.environ.get("SPARK_CONF_DIR")
    home = os.environ.get("SPARK_HOME")
    file = Path(folder or os.path.join(home or _own_spark(), "conf"), "spark-defaults.conf")
    return file if file.is_file() else None


def _own_spark() -> str:
    import pyspark

    return str(Path(pyspark.__file__).parent)


def _api_mode() -> str:
    mode = os.environ.get("SPARK_API_MODE", "").lower()
    if mode in ("classic", "connect"):
        return mode
    try:
        from pyspark.util import default_api_mode
    except ImportError:  # before 4.0
        return "classic"
    return str(default_api_mode())


def _source_of_connect_mode() -> str:
    for name in ("SPARK_API_MODE", "SPARK_CONNECT_MODE"):
        if os.environ.get(name):
            return f"the environment variable {name} ({os.environ[name]!r})"
    return "the installed package pyspark-connect"


def _address(url: str) -> str:
    """Return an address without a token."""
    return mask(url.partition(";")[0])
