"""Whose code a file is: the author's own, the standard library's, an installed distribution's, or this package's.

A file is the author's own if it lies neither in the standard library nor where installers put distributions. So the DAG
bundle, the pipeline's folder, ``py_files``, the working directory and an editable install need no configuration.
"""

from __future__ import annotations

import os
import re
import site
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from airflow_provider.runner.config.absolute_paths import real_path, working_directory

_THIS_PACKAGE = str(Path(__file__).parents[3])
_STANDARD = tuple(
    {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib") if sysconfig.get_path(name)}
)
_INSTALLED = re.compile(r"^(.*?[/\\](?:site-packages|dist-packages))(?=[/\\]|$)")


class CodeOwner(StrEnum):
    """Whose code it is."""

    OWN = "own"
    STANDARD = "standard library"
    INSTALLED = "installed"
    PROVIDER = "this package"


@dataclass(frozen=True)
class FileOrigin:
    """Where a file belongs.

    :param owner: whose code it is
    :param site: the directory that it was installed into
    """

    owner: CodeOwner
    site: str | None = None


def file_origin(file: str, roots: Sequence[str] = ()) -> FileOrigin:
    """Find out whose code a file is.

    :param file: its path; inside a zip archive the path continues behind the archive's
    :param roots: real paths of directories with the author's own code, although it may be installed
    """
    for path in dict.fromkeys((os.path.normpath(os.path.join(working_directory(), file)), _real(file))):
        if _below(path, _THIS_PACKAGE):
            return FileOrigin(CodeOwner.PROVIDER)
        installed = _site_of(path)
        root = max((root for root in roots if _below(path, root)), key=len, default="")
        if root and len(root) > len(installed or ""):
            return FileOrigin(CodeOwner.OWN)
        if installed:
            return FileOrigin(CodeOwner.INSTALLED, installed)
        if any(_below(path, directory) for directory in _STANDARD):
            return FileOrigin(CodeOwner.STANDARD)
    target = _target_directory(file)
    return FileOrigin(CodeOwner.INSTALLED, target) if target else FileOrigin(CodeOwner.OWN)


@lru_cache(maxsize=4096)
def _real(path: str) -> str:
    return real_path(path)


def _below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + os.sep)


def _site_of(path: str) -> str | None:
    found = _INSTALLED.match(path)
    if found is not None:
        return found.group(1)
    return next((directory for directory in _other_sites() if _below(path, directory)), None)


@lru_cache(maxsize=1)
def _other_sites() -> tuple[str, ...]:
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    return tuple({os.path.realpath(path) for path in named if path and path not in _STANDARD})


def _target_directory(file: str) -> str | None:
    """Return the ``pip install --target`` directory that contains a file: it has the metadata of what is installed
    there."""
    path = Path(file)
    for directory, child in zip(path.parents, (path, *path.parents), strict=False):
        if _records(str(directory), time_of_change(str(directory))):
            name = child.stem if child.suffix == ".py" else child.name
            return str(directory) if find_distribution(name, file, str(directory)) else None
        if not (directory / "__init__.py").is_file():
            return None
    return None


@dataclass(frozen=True)
class InstalledDistribution:
    """An installed distribution.

    :param version: its version
    """

    name: str
    version: str


def find_distribution(module: str, file: str | None, directory: str) -> InstalledDistribution | None:
    """Find the distribution that a module belongs to.

    ``importlib.metadata`` needs a second to list all of them in an environment with Airflow. So this compares names,
    and reads a distribution's list of files only where its name does not decide.

    :param module: dotted name of the module
    :param file: its file, if it is known
    :param directory: where it is installed
    """
    return _found(module, file, directory, time_of_change(directory))


@lru_cache(maxsize=4096)
def _found(module: str, file: str | None, directory: str, modified: int) -> InstalledDistribution | None:
    records = _records(directory, modified)
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        known = records.get(_plain("-".join(parts[:length])))
        if known is not None and (length == len(parts) or length == 1 or file is not None):
            return known[0]
    relative = os.path.relpath(file, directory).replace(os.sep, "/") if file else None
    wanted = [f"\n{relative}," if relative else f"\n{parts[0]}/", f"\n{parts[0]}.py,"]
    for distribution, metadata in records.values():
        if any(text in _installed_files(metadata) for text in wanted):
            return distribution
    return None


@lru_cache(maxsize=64)
def _records(directory: str, modified: int) -> dict[str, tuple[InstalledDistribution, str]]:
    found = {}
    for entry in _entries(directory):
        stem, extension = os.path.splitext(entry)
        name, _, version = stem.partition("-")
        if extension == ".dist-info" and version:
            distribution = InstalledDistribution(name.replace("_", "-").lower(), version)
            found[_plain(name)] = (distribution, os.path.join(directory, entry))
        elif extension == ".egg-info" and version:
            distribution = InstalledDistribution(name.replace("_", "-").lower(), version.partition("-")[0])
            found[_plain(name)] = (distribution, os.path.join(directory, entry))
    return found


def _entries(directory: str) -> Iterable[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return ()


@lru_cache(maxsize=1024)
def _installed_files(metadata: str) -> str:
    try:
        with open(os.path.join(metadata, "RECORD"), encoding="utf-8", errors="replace") as file:
            return "\n" + file.read()
    except OSError:
        return ""


def time_of_change(directory: str) -> int:
    """Return when a directory last changed, in nanoseconds; 0 if that is unknown."""
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
