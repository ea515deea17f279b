"""``PYSPARK_SUBMIT_ARGS``: options that add to the wanted properties count, those that contradict them do not."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from airflow_provider.errors import SparkConfigError
from airflow_provider.masking import looks_secret, mask
from airflow_provider.runner.spark.property_differences import same_value

logger = logging.getLogger(__name__)

_ARGS = "PYSPARK_SUBMIT_ARGS"

_OPTIONS = {
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--name": "spark.app.name",
    "--driver-memory": "spark.driver.memory",
    "--driver-cores": "spark.driver.cores",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-library-path": "spark.driver.extraLibraryPath",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
    "--total-executor-cores": "spark.cores.max",
    "--queue": "spark.yarn.queue",
    "--principal": "spark.kerberos.principal",
    "--keytab": "spark.kerberos.keytab",
    "--packages": "spark.jars.packages",
    "--exclude-packages": "spark.jars.excludes",
    "--repositories": "spark.jars.repositories",
    "--jars": "spark.jars",
    "--py-files": "spark.submit.pyFiles",
    "--files": "spark.files",
    "--archives": "spark.archives",
}
"""Options of spark-submit, and the property that each one sets."""


@contextmanager
def submit_arguments(asked: Mapping[str, str]) -> Iterator[None]:
    """Let the wanted properties win over ``PYSPARK_SUBMIT_ARGS``, with which the JVM starts.

    :raises SparkConfigError: the variable cannot be parsed
    """
    before = os.environ.get(_ARGS)
    if before is None:
        yield
        return
    kept, dropped = _without(_words(before), asked)
    if "pyspark-shell" not in kept:
        kept.append("pyspark-shell")  # without it spark-submit ends at once without a reason
    rest = " ".join(_hidden(kept[:-1])) if kept[-1] == "pyspark-shell" else " ".join(_hidden(kept))
    if rest:
        logger.info("the environment variable %s starts Spark with: %s", _ARGS, rest)
    if dropped:
        logger.warning(
            "the environment variable %s also says %s; the task's own values count",
            _ARGS,
            ", ".join(_hidden(dropped)),
        )
    os.environ[_ARGS] = shlex.join(kept)
    try:
        yield
    finally:
        os.environ[_ARGS] = before


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SparkConfigError(f"cannot parse the environment variable {_ARGS}: {error}; fix it or unset it") from None


def _without(words: list[str], asked: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the words without the options that contradict the wanted properties, and those options."""
    kept: list[str] = []
    dropped: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, mark, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in _OPTIONS and name not in ("--conf", "-c"):
            kept.append(word)
            continue
        if not mark:
            value = rest.pop(0) if rest else ""
        key, setting = (_OPTIONS[name], value) if name in _OPTIONS else value.partition("=")[::2]
        contradicts = key in asked and not same_value(key, asked[key], setting)
        (dropped if contradicts else kept).extend([name, value])
    return kept, dropped


def _hidden(words: list[str]) -> list[str]:
    return [mask("***" if looks_secret(*word.partition("=")[::2], {}) and "=" in word else word) for word in words]
