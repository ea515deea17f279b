"""Detects whether pyspark and pyspark-client, which share a directory, were installed over each other."""

from __future__ import annotations

import base64
import csv
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from airflow_provider.errors import SparkInstallError


@dataclass(frozen=True)
class _InstalledFile:
    """A Python file of a distribution, as its list of files describes it.

    :param name: relative to where it is installed
    :param place: where it should be
    :param digest: such as ``sha256=…``, empty if the list has none
    """

    name: str
    place: Path
    digest: str

    def __str__(self) -> str:
        return self.name

    def is_as_listed(self) -> bool:
        mode, _, value = self.digest.partition("=")
        if not value:
            return True
        try:
            content = self.place.read_bytes()
        except OSError:
            return False
        return base64.urlsafe_b64encode(hashlib.new(mode, content).digest()).rstrip(b"=").decode() == value


def refuse_mixed_install() -> None:
    """Raise if pyspark's directory holds more than one version.

    If their versions differ, it depends on which one was unpacked last, file by file, whether Spark works; the first
    Python function may fail. The versions alone do not tell: pyspark may have been unpacked over everything. Ignores a
    Spark that is not a distribution, such as a cluster's own.

    :raises SparkInstallError: two versions are mixed, or files are missing; the message has the command that fixes it
    """
    spark, client = _find("pyspark"), _find("pyspark-client")
    if spark is None or not _is_imported(spark):
        return
    if client is None:
        missing = next((file for file in _modules(spark) if not file.place.exists()), None)
        if missing is None:
            return
        problem = f"files of pyspark {spark.version} are missing, such as {missing}"
        fix = f"pyspark=={spark.version}"
    else:
        if spark.version == client.version:
            return
        other = next((file for file in _modules(spark) if not file.is_as_listed()), None)
        if other is None:
            return
        both = f"pyspark {spark.version} and pyspark-client {client.version} are installed over each other"
        problem = f"{both}, and {other} does not belong to pyspark"
        # The older one: there is a pyspark for each pyspark-client, but not always the other way round.
        version = min(spark.version, client.version, key=_number)
        fix = f"pyspark=={version} pyspark-client=={version}"
    command = f"{sys.executable} -m pip install --force-reinstall --no-deps {fix}"
    raise SparkInstallError(f"{problem}; fix it with: {command}")


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _is_imported(spark: Distribution) -> bool:
    """Return whether ``import pyspark`` takes the files of this distribution."""
    spec = find_spec("pyspark")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    own = Path(str(spark.locate_file("pyspark"))).resolve()
    return not folders or any(Path(folder).resolve() == own for folder in folders)


def _modules(spark: Distribution) -> Iterator[_InstalledFile]:
    """Yield its Python files, even missing ones, which ``Distribution.files`` leaves out since Python 3.12."""
    for row in csv.reader((spark.read_text("RECORD") or "").splitlines()):
        if len(row) > 1 and row[0].startswith("pyspark/") and row[0].endswith(".py"):
            yield _InstalledFile(row[0], Path(str(spark.locate_file(row[0]))), row[1])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))
