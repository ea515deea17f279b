"""Local files that are whole and on the disk when the function returns, or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from airflow_provider.runner.storage.file_storage import temporary_name


def make_directories(directory: Path) -> None:
    """Create a directory and its parents, so that a power failure does not take them back."""
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _flush_directory(path.parent)


def write_durably(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file under a temporary name, flush it, rename it to its own name and flush the directory.

    The temporary name is new for each call, so that two processes may write the same file. A kill may leave such a
    file, see :func:`~airflow_provider.runner.storage.file_storage.interrupted_writes`.

    :param mode: the permissions of the file; None for those of any new file
    """
    temporary = path.with_name(temporary_name(path.name))
    try:
        with open(temporary, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
