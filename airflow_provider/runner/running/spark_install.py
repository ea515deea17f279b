"""Looks whether pyspark and pyspark-client, which share a directory, have been installed over each other."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from importlib.util import find_spec
from pathlib import Path

from airflow_provider.errors import SparkInstallError


def refuse_mixed_install() -> None:
    """Raise if what is in pyspark's directory is not one version.

    If they are of different versions, it depends on which of the two was unpacked last, file by file, whether Spark
    works; what fails may be the first Python function that Spark has to run. The files tell, not the versions: pyspark
    may have been unpacked over everything. A Spark that is no distribution, such as a cluster's own, is not looked at.

    :raises SparkInstallError: two versions are mixed, or files are missing; the message has the command that mends it
    """
    spark, client = _find("pyspark"), _find("pyspark-client")
    if spark is None or not _is_imported(spark):
        return
    if client is None:
        missing = next((file for file in _modules(spark) if not Path(str(file.locate())).exists()), None)
        if missing is None:
            return
        problem = f"files of pyspark {spark.version} are missing, such as {missing}"
        mend = f"pyspark=={spark.version}"
    else:
        if spark.version == client.version:
            return
        other = next((file for file in _modules(spark) if not _is_as_listed(file)), None)
        if other is None:
            return
        both = f"pyspark {spark.version} and pyspark-client {client.version} are installed over each other"
        problem = f"{both}, and {other} is not pyspark's"
        # The older one: there is a pyspark for each pyspark-client, but not always the other way round.
        version = min(spark.version, client.version, key=_number)
        mend = f"pyspark=={version} pyspark-client=={version}"
    command = f"{sys.executable} -m pip install --force-reinstall --no-deps {mend}"
    raise SparkInstallError(f"{problem}; mend it with: {command}")


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


def _modules(spark: Distribution) -> Iterator[PackagePath]:
    return (file for file in spark.files or () if file.parts[0] == "pyspark" and file.suffix == ".py")


def _is_as_listed(file: PackagePath) -> bool:
    if file.hash is None:
        return True
    try:
        content = Path(str(file.locate())).read_bytes()
    except OSError:
        return False
    digest = hashlib.new(file.hash.mode, content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def _number(version: str) -> tuple[int, ...]:
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))
