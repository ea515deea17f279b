"""Files that may lie in a zip archive, beside a zipped DAG: the path continues behind the archive's."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path


def read_file_bytes(path: Path) -> bytes:
    """Return the content of a file, which may lie in a zip archive (``/dags/sales.zip/sales.yaml``).

    :raises OSError: it cannot be read; :class:`FileNotFoundError`, if there is no such file
    """
    try:
        return path.read_bytes()
    except NotADirectoryError:
        path = Path(os.path.normpath(path))
        archive = _archive_of(path)
        if archive is None:
            if path.is_file():  # ".." leads out of an archive
                return path.read_bytes()
            raise
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.read(path.relative_to(archive).as_posix())
    except KeyError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None


def file_exists(path: Path) -> bool:
    """Return whether a file exists, also one in a zip archive."""
    try:
        if path.is_file():
            return True
        path = Path(os.path.normpath(path))
        archive = _archive_of(path)
        if archive is None:
            return path.is_file()
        with zipfile.ZipFile(archive) as opened:
            return not opened.getinfo(path.relative_to(archive).as_posix()).is_dir()
    except (KeyError, OSError, ValueError):  # such as a statement that is too long for a name
        return False


def _archive_of(path: Path) -> Path | None:
    """Return the zip archive that a path leads into, None if it leads into none."""
    found = next((parent for parent in path.parents if parent.is_file()), None)
    return found if found is not None and zipfile.is_zipfile(found) else None
