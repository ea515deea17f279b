"""What spark-submit runs: one attempt at a pipeline, where Airflow need not be installed.

``PySparkPipelineSubmitOperator`` ships this file, the engine and a request. Until it is clear that the requirements are
there, this uses the standard library only. The exit status is 0 if every component is complete, 1 if not, and 2 if a
retry cannot help.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import logging
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__ if __name__ != "__main__" else "airflow_provider.launch.driver")

COMPLETE, FAILED, NO_RETRY = 0, 1, 2

NEEDED_PYTHON = (3, 11)
NEEDED = {"pydantic": ("pydantic", 2), "pyspark": ("pyspark", 4), "rich": ("rich", 0), "tenacity": ("tenacity", 0)} | {
    "yaml": ("pyyaml", 0)
}
"""Module to the package that has it, and the lowest major version."""

_POLL_SECONDS = 2.0


class EachLine(logging.Formatter):
    """Puts the level in front of each line, because readers of the output take lines one by one."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "\n".join(f"{record.levelname} - {line}" for line in text.splitlines() or [""])


def main(arguments: Sequence[str]) -> int:
    """Run the attempt that a request describes.

    :param arguments: the path of the request
    :return: the exit status
    """
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(EachLine("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[output])
    logging.getLogger("py4j").setLevel(logging.WARNING)
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    _watch(request.get("alive"))
    missing = missing_requirements()
    if missing:
        message = f"the driver cannot run here: {missing}"
        logger.error("%s", message)
        _report(request, {"error_type": "DriverSetupError", "message": message})
        return NO_RETRY
    return run_request(request)


def missing_requirements(
    version: Sequence[int] = tuple(sys.version_info[:2]), modules: Mapping[str, Any] = NEEDED
) -> str:
    """Return what this Python lacks and what to do about it, empty if nothing.

    :param version: major and minor version of this Python
    :param modules: as in :data:`NEEDED`
    """
    problems = []
    if tuple(version) < NEEDED_PYTHON:
        problems.append(f"Python is {version[0]}.{version[1]} and must be {'.'.join(map(str, NEEDED_PYTHON))} or newer")
    for name, (package, major) in sorted(modules.items()):
        wanted = f"{package}>={major}" if major else package
        try:
            found = str(getattr(importlib.import_module(name), "__version__", ""))
        except ImportError as error:
            problems.append(f"{wanted} is missing ({error})")
            continue
        if major and found and int(found.split(".")[0]) < major:
            problems.append(f"{wanted} is required, {found} is installed")
    if not problems:
        return ""
    return (
        f"{'; '.join(problems)} (this is {sys.executable}). Install it where the driver runs, or set the Spark "
        "property spark.pyspark.driver.python (client mode) or spark.pyspark.python to a Python that has it; "
        "'archives' can bring one along"
    )


def run_request(request: Mapping[str, Any]) -> int:
    """Run the attempt; the requirements are there.

    :param request: what the operator wrote
    :return: the exit status
    """
    from airflow_provider.errors import NotRetriableError, PySparkPipelineError, SparkLostError, describe
    from airflow_provider.masking import mask
    from airflow_provider.runner.observing.attempt_error import attempt_error

    try:
        result = _attempt(request)
    except PySparkPipelineError as error:
        logger.error("%s: %s", type(error).__name__, mask(str(error)))
        _report(request, {"error_type": type(error).__name__, "message": mask(str(error))})
        return NO_RETRY if isinstance(error, NotRetriableError) else FAILED
    except Exception as error:  # noqa: BLE001 - logged and reported, whatever it is
        logger.error("the driver failed:\n%s", mask(_trace(error)))
        _report(request, {"error_type": "DriverError", "message": describe(error)})
        return FAILED
    failed = attempt_error(result, "a retry or a clear of this task")
    if isinstance(failed, SparkLostError):
        _report(request, {"error_type": "SparkLostError", "message": str(failed)})
    else:
        _report(request, {"summary": result.summary(), "details": str(failed or "").splitlines()[1:]})
    return FAILED if failed else COMPLETE


def _attempt(request: Mapping[str, Any]) -> Any:
    from pyspark.sql import SparkSession

    from airflow_provider.runner.checkpoint.progress_file import ProgressFile
    from airflow_provider.runner.checkpoint.saving import SavePolicy
    from airflow_provider.runner.config import yaml_text
    from airflow_provider.runner.config.config_loader import load_pipeline_config
    from airflow_provider.runner.config.interrupted_call import clean_up
    from airflow_provider.runner.observing.progress_recorder import ProgressRecorder, ProgressStart
    from airflow_provider.runner.observing.usual_costs import read_usual
    from airflow_provider.runner.planning.start_mode import AirflowTry
    from airflow_provider.runner.record.requests import RestartRequest
    from airflow_provider.runner.record.run_key import RunKey
    from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
    from airflow_provider.runner.session_state.saved.directory_marker import Retention
    from airflow_provider.runner.spark.install import refuse_mixed_install
    from airflow_provider.stores.location import driver_store

    origin = request["origin"]
    if origin and not Path(origin).exists():
        origin = Path(origin).name  # on another host: relative paths start where Spark puts the shipped files
    refuse_mixed_install()
    # Also if nothing is left to run: in cluster mode an application without a session counts as failed. And before any
    # module of the author's is imported: one that asks for a session of its own then gets this one.
    spark = SparkSession.builder.getOrCreate()
    try:
        content = yaml_text.parse_yaml(request["pipeline"])
        config = load_pipeline_config(content, origin=origin, look_at_files=False)
        config = config.with_texts(request["texts"])
        run = AirflowAttemptSpec(
            config,
            RunKey(tuple(request["scope"]), request["run_id"], config.name),
            AirflowTry(**request["attempt"]),
            tuple((component, field) for component, field in request["templated"]),
            requests=tuple(map(RestartRequest.model_validate, request["requests"])),
        )
        store = driver_store(request["checkpoint_url"], spark)
        start = ProgressStart(
            run.key, run.attempt.try_number, request["asked_by"], read_usual(request["usual"], config.name)
        )
        file = ProgressFile(store.storage, run.key, run.attempt.try_number)
        with ProgressRecorder(start, config, file) as progress:
            progress.reached_spark(spark.sparkContext.uiWebUrl or "", "")
            return run_airflow_attempt(
                run,
                store,
                progress=progress,
                spark=spark,
                session_state_url=request["session_state_url"],
                keep_session_state=request["keep_session_state"],
                retention=Retention(**request["keeping"]),
                saving=SavePolicy(request["save_patience_seconds"]),
            )
    finally:
        clean_up(spark.stop)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _report(request: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
    """Write the outcome where the operator reads it, if the operator is on this host."""
    if request.get("outcome"):
        path = Path(request["outcome"])
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(outcome), encoding="utf-8")
        temporary.replace(path)


def _watch(alive: str | None) -> None:
    """End this process when the JVM that started it dies, or the operator if it runs on this host.

    A component that is busy with something other than Spark would go on.

    :param alive: a file that the operator's process holds a lock on; None if it runs on another host
    """
    parent = os.getppid()

    def watch() -> None:
        while True:
            time.sleep(_POLL_SECONDS)
            if os.getppid() != parent:
                os._exit(FAILED)
            if alive and not _is_locked(alive):
                logger.error(
                    "the Airflow task that started this driver is gone: ending; completed components stay recorded"
                )
                shutil.rmtree(os.path.dirname(alive), ignore_errors=True)  # the task can no longer do that
                os._exit(FAILED)

    threading.Thread(target=watch, name="pyspark-pipeline-watch", daemon=True).start()


def _is_locked(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
