"""What travels to a driver that spark-submit starts: the engine, this attempt's request, and the program itself."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

import airflow_provider
from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.model import PipelineConfig

_PACKAGE = Path(airflow_provider.__file__).parent

_ENGINE = (
    "__init__.py",
    "errors.py",
    "masking.py",
    "components/**/*.py",
    "runner/**/*.py",
    "runner/**/*.java",
    "stores/*.py",
)
"""The part of this package that runs a pipeline and works without Airflow."""

_STAYS = (
    "{path!r} of {file} cannot be imported where the driver runs, because it is part of the DAG file or of a function; "
    "define it at the top level of a module of its own, and give that in 'py_files'"
)


def pipeline_text(config: PipelineConfig) -> str:
    """Return a pipeline as YAML, which keeps dates and bytes where JSON does not.

    :raises PipelineConfigError: it holds anything but plain data, or a class or function of the DAG file
    """
    problems = [
        ConfigProblem(_STAYS.format(path=c.class_path, file=c.component_object.file), c.name, "class_path")
        for c in config.ordered
        if c.component_object is not None and not c.component_object.importable
    ]
    if problems:
        raise PipelineConfigError(problems, config.source)
    try:
        return str(yaml.safe_dump(config.model_dump(exclude_unset=True), sort_keys=False))
    except yaml.representer.RepresenterError as error:
        kind = type(error.args[1]).__name__ if len(error.args) > 1 else "value"
        problem = f"a {kind} in the config cannot travel to the driver; write it as a string, number, date, list or map"
        raise PipelineConfigError([ConfigProblem(problem)], config.source) from None


def write_engine(target: Path) -> None:
    """Write the engine as a zip file that Python imports from. The same engine always gives the same bytes."""
    found = sorted({path for pattern in _ENGINE for path in _PACKAGE.glob(pattern)})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in found:
            entry = zipfile.ZipInfo(f"{_PACKAGE.name}/{path.relative_to(_PACKAGE).as_posix()}")  # of 1980, always
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


class Shipment:
    """The files for one call of spark-submit, in a directory that only this user can read. Removed at the end.

    :param request: the JSON data that the driver gets
    :param remote: whether the driver runs on another host
    """

    def __init__(self, request: Mapping[str, Any], *, remote: bool) -> None:
        self._request = request
        self._remote = remote

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="pyspark-pipeline-"))  # mode 0700
        self._alive = open(self._folder / "alive", "wb")  # its lock lasts as long as the shipment
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        self.application = self._folder / "pyspark_pipeline_driver.py"
        self.engine = self._folder / "airflow_provider.zip"
        self.request = self._folder / "pyspark_pipeline_request.json"
        self._outcome = self._folder / "outcome.json"
        here = {} if self._remote else {"alive": str(self._folder / "alive"), "outcome": str(self._outcome)}
        shutil.copyfile(_PACKAGE / "launch" / "driver.py", self.application)
        write_engine(self.engine)
        with open(os.open(self.request, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({**self._request, **here}, file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alive.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def arguments(self) -> list[str]:
        """The arguments of the application: where it finds the request."""
        return [self.request.name if self._remote else str(self.request)]

    @property
    def files(self) -> list[str]:
        """What Spark has to carry to the driver. It gives these files to every executor as well, so a driver on this
        host reads the request where it is."""
        return [str(self.request)] if self._remote else []

    def outcome(self) -> dict[str, Any] | None:
        """Return what the driver reported, None if it reported nothing or runs on another host."""
        try:
            found: dict[str, Any] = json.loads(self._outcome.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found


def file_list(given: str | None, ours: Iterator[str] | list[str]) -> str | None:
    """Return a list of files as spark-submit takes it.

    :param given: the author's files, separated by commas
    :param ours: what comes first
    """
    return ",".join([*ours, *([given] if given else [])]) or None
