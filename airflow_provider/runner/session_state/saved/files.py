"""The files of saved views: written, listed and deleted on any storage that Spark reaches."""

from __future__ import annotations

import hashlib
import logging
import re
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.spark.kind import spark_kind
from airflow_provider.runner.storage.connect_storage import ConnectStorage
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage, directory_names, file_names, interrupted_writes
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.runner.storage.spark_urls import local_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DirectoryListing:
    """What a directory holds, hidden files left out.

    :param files: number of files
    :param bytes: their size
    :param digest: hash over their names and sizes
    """

    files: int
    bytes: int
    digest: str

    def __str__(self) -> str:
        return f"{self.files} files with {self.bytes:,} bytes"


def readable_size(size: int) -> str:
    """Return a number of bytes that reads well: ``12.4 MB``."""
    if size < 1_000:
        return f"{size} bytes"
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
        if size_in_unit < 1_000:
            return f"{size_in_unit:.1f} {unit}"
    return f"{size / 1e12:.1f} TB"


class SavedFiles:
    """The files of saved views by url, on any storage.

    :param open_storage: opens the directory of a url
    """

    def __init__(self, open_storage: Callable[[str], FileStorage]) -> None:
        self._open = lru_cache(maxsize=64)(open_storage)

    def can_delete(self, url: str) -> bool:
        """Return whether anything can be deleted there."""
        return self._at(url)[0].can_delete

    def exists(self, url: str) -> bool:
        """Return whether there is a file or a directory."""
        storage, path = self._at(url)
        return storage.exists(path)

    def listing(self, url: str) -> DirectoryListing | None:
        """Return what a directory holds, at any depth; None if there is no such directory."""
        storage, path = self._at(url)
        if not storage.exists(path):
            return None
        return _digest((file.path.removeprefix(f"{path}/"), file.size) for file in storage.walk(path))

    def children(self, url: str) -> list[str]:
        """Return the urls of the directories inside."""
        storage, path = self._at(url)
        return [f"{url.rstrip('/')}/{name}" for name in directory_names(storage, path)]

    def read(self, url: str) -> bytes | None:
        """Return the content of a small file, None if there is none."""
        storage, path = self._at(url)
        try:
            return storage.read(path)
        except NotADirectoryError:
            return None
        except (FileNotFoundError, IsADirectoryError):
            # A session of Spark Connect writes a directory of this name, with the content in parts.
            parts = [name for name in file_names(storage, path) if name.startswith("part-")]
            return b"".join(storage.read(f"{path}/{name}") for name in parts) if parts else None

    def write(self, url: str, content: bytes) -> None:
        """Write a small file, with the directories above it; replaces an earlier one."""
        storage, path = self._at(url)
        if storage.list(path):  # as a session of Spark Connect wrote it
            storage.delete_tree(path)
        storage.write(path, content)

    def clear(self, url: str) -> None:
        """Delete a small file, or empty it where nothing can be deleted. It need not exist."""
        storage, path = self._at(url)
        if storage.list(path):  # as a session of Spark Connect wrote it
            storage.delete_tree(path)
        else:
            storage.delete([path, *interrupted_writes(storage, path)])

    def delete(self, url: str) -> None:
        """Delete a directory with everything in it. It need not exist."""
        storage, path = self._at(url)
        storage.delete_tree(path)

    def delete_if_empty(self, url: str) -> None:
        """Delete a directory unless there is something in it. It need not exist."""
        storage, path = self._at(url)
        storage.delete_empty([path])

    def _at(self, url: str) -> tuple[FileStorage, str]:
        """Return the storage of the directory that a url lies in, and its path there."""
        path = local_path(url)
        if path is not None:
            return self._open(str(path.parent)), path.name
        base, _, name = url.rstrip("/").rpartition("/")
        return (self._open(url), "") if base.endswith("/") else (self._open(base), name)  # a whole bucket, or not


def files_for(url: str, spark: Any) -> SavedFiles:
    """Return access to the storage of a url.

    :param url: any directory of that storage
    :param spark: the session; not used for a local url
    """
    if local_path(url) is not None:
        return SavedFiles(lambda base: DirectoryStorage(Path(base)))
    kind = HadoopStorage if spark_kind(spark) == "classic" else ConnectStorage
    return SavedFiles(lambda base: kind(spark, base))


def new_attempt_directory(url: str) -> str:
    """Return a directory of its own for what an attempt saves."""
    return f"{url.rstrip('/')}/attempt-{uuid.uuid4().hex[:12]}"


def remove_attempts(files: SavedFiles, url: str, wanted: Collection[str] = ()) -> None:
    """Delete what attempts saved or began to save, and nothing that is not theirs.

    If that fails, the log says so and the run goes on, because nothing depends on it.

    :param files: storage of the url
    :param url: directory of the run
    :param wanted: urls of views that are still needed
    """
    try:
        for attempt in files.children(url):
            if not re.fullmatch(r"attempt-[0-9a-f]{12}", attempt.rpartition("/")[2]):
                continue
            for step in files.children(attempt):
                if not any(view.startswith(f"{step}/") for view in wanted):
                    files.delete(step)
            files.delete_if_empty(attempt)
        files.delete_if_empty(url)
    except Exception as error:  # noqa: BLE001 - storage clients raise anything, and this is housekeeping
        logger.warning("cannot clean up %s (%s); remove what is no longer needed there", url, describe(error))


def delete_quietly(files: SavedFiles, url: str) -> None:
    """Delete a directory; if that fails, say so and go on, because nothing depends on it."""
    try:
        files.delete(url)
    except Exception as error:  # noqa: BLE001 - storage clients raise anything, and this is housekeeping
        logger.warning("cannot delete %s (%s); remove it when it is no longer needed", url, describe(error))


def _digest(found: Iterable[tuple[str, int]]) -> DirectoryListing:
    # Spark leaves hidden names out when it reads: success markers, checksums and half-written files.
    seen = sorted((name, size) for name, size in found if not any(part[:1] in ("_", ".") for part in name.split("/")))
    text = "\n".join(f"{size} {name}" for name, size in seen)
    return DirectoryListing(len(seen), sum(size for _, size in seen), hashlib.sha256(text.encode()).hexdigest()[:16])
