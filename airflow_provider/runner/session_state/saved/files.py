"""Looks at and deletes the directories of saved views, on any storage that Spark reaches."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from airflow_provider.errors import describe

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
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


class Files(Protocol):
    """Storage as this package needs it.

    :ivar deletes: whether anything can be deleted there
    """

    deletes: bool

    def exists(self, url: str) -> bool: ...

    def listing(self, url: str) -> Listing | None:
        """Return what a directory holds, at any depth; None if there is no such directory."""

    def children(self, url: str) -> list[str]:
        """Return the urls of the directories inside."""

    def read(self, url: str) -> bytes | None:
        """Return a small file's content, None if there is none."""

    def write(self, url: str, content: bytes) -> None:
        """Write a small file, with the directories above it; an earlier one is replaced."""

    def clear(self, url: str) -> None:
        """Delete a small file; where nothing can be deleted, let it be empty. It need not exist."""

    def delete(self, url: str) -> None:
        """Delete a directory with all that is in it. It need not exist."""

    def delete_if_empty(self, url: str) -> None:
        """Delete a directory unless there is something in it. It need not exist."""


def local_path(url: str) -> Path | None:
    """Return the path of a local url, None if it is on other storage."""
    # Taken literally, as Hadoop does: '#', '?' and '%' are ordinary characters of a name.
    path = re.sub(r"^file:(//[^/]*)?(?=/)", "", url)
    return Path(path) if path.startswith("/") else None


def readable(url: str) -> str:
    """Return a url as Spark reads it: local ones are local on a cluster too, and no character is a wildcard."""
    path = local_path(url)
    literal = f"file://{path}" if path is not None else url
    return re.sub(r"([{}\[\]*?\\])", r"\\\1", literal)


def writable(url: str) -> str:
    """Return a url as Spark writes it: local ones are local on a cluster too."""
    path = local_path(url)
    return f"file://{path}" if path is not None else url


def files_for(url: str, spark: Any) -> Files:
    """Return access to the storage of a url.

    :param url: any directory of that storage
    :param spark: the session; not used for a local url
    """
    if local_path(url) is not None:
        return LocalFiles()
    return HadoopFiles(spark) if hasattr(spark, "_jsparkSession") else ReadableFiles(spark)


class LocalFiles:
    """Local directories, without Spark."""

    deletes = True

    def exists(self, url: str) -> bool:
        return _local(url).exists()

    def listing(self, url: str) -> Listing | None:
        root = _local(url)
        if not root.is_dir():
            return None
        found = ((str(path.relative_to(root)), path.stat().st_size) for path in root.rglob("*") if path.is_file())
        return _digest(found)

    def children(self, url: str) -> list[str]:
        root = _local(url)
        return [f"{url.rstrip('/')}/{path.name}" for path in root.iterdir() if path.is_dir()] if root.is_dir() else []

    def read(self, url: str) -> bytes | None:
        try:
            return _local(url).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, url: str, content: bytes) -> None:
        path = _local(url)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
        except FileNotFoundError:  # somebody else has just removed the directory, because it was empty
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
        temporary.replace(path)

    def clear(self, url: str) -> None:
        _local(url).unlink(missing_ok=True)

    def delete(self, url: str) -> None:
        shutil.rmtree(_local(url), ignore_errors=True)

    def delete_if_empty(self, url: str) -> None:
        with contextlib.suppress(OSError):
            _local(url).rmdir()


class HadoopFiles:
    """Any storage of a classic session, through Hadoop's file systems."""

    deletes = True

    def __init__(self, spark: Any) -> None:
        self._jvm = spark._jvm
        self._conf = spark._jsparkSession.sessionState().newHadoopConf()

    def _at(self, url: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(url)
        return path.getFileSystem(self._conf), path

    def exists(self, url: str) -> bool:
        system, path = self._at(url)
        return bool(system.exists(path))

    def listing(self, url: str) -> Listing | None:
        system, path = self._at(url)
        if not system.exists(path):
            return None
        root = str(system.makeQualified(path).toString()).rstrip("/") + "/"
        return _digest(
            (str(status.getPath().toString()).removeprefix(root), int(status.getLen()))
            for status in _iterate(system.listFiles(path, True))
        )

    def children(self, url: str) -> list[str]:
        system, path = self._at(url)
        if not system.exists(path):
            return []
        names = [status.getPath().getName() for status in system.listStatus(path) if status.isDirectory()]
        return [f"{url.rstrip('/')}/{name}" for name in names]

    def read(self, url: str) -> bytes | None:
        system, path = self._at(url)
        if not system.exists(path):
            return None
        if system.getFileStatus(path).isDirectory():  # as a session of Spark Connect wrote it
            parts = [status.getPath() for status in system.listStatus(path) if status.getLen()]
            return b"".join(self.read(str(part.toString())) or b"" for part in parts)
        stream = system.open(path)
        try:
            return bytes(stream.readAllBytes())
        finally:
            stream.close()

    def write(self, url: str, content: bytes) -> None:
        system, path = self._at(url)
        if system.exists(path) and system.getFileStatus(path).isDirectory():
            system.delete(path, True)
        stream = system.create(path, True)
        try:
            stream.write(content)
        finally:
            stream.close()

    def clear(self, url: str) -> None:
        self.delete(url)  # also what a session of Spark Connect wrote, which is a directory

    def delete(self, url: str) -> None:
        system, path = self._at(url)
        system.delete(path, True)

    def delete_if_empty(self, url: str) -> None:
        system, path = self._at(url)
        if system.exists(path) and not list(system.listStatus(path)):
            system.delete(path, False)


class ReadableFiles:
    """Storage behind Spark Connect: it can be read through Spark, but not be deleted."""

    deletes = False

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def exists(self, url: str) -> bool:
        return self.listing(url) is not None

    def listing(self, url: str) -> Listing | None:
        reader = self._spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        try:
            rows = reader.load(readable(url)).select("path", "length").collect()
        except Exception as error:
            if "PATH_NOT_FOUND" in str(error):
                return None
            raise
        tail = url.rstrip("/").rpartition("/")[2] + "/"
        return _digest((row["path"].rpartition(tail)[2], row["length"]) for row in rows)

    def children(self, url: str) -> list[str]:
        return []

    def read(self, url: str) -> bytes | None:
        try:
            rows = self._spark.read.option("wholetext", "true").text(readable(url)).collect()
        except Exception as error:
            if "PATH_NOT_FOUND" in str(error):
                return None
            raise
        return "".join(row[0] for row in rows).encode()

    def write(self, url: str, content: bytes) -> None:
        # Spark writes directories: one of this name, with the content in one part.
        frame = self._spark.createDataFrame([(content.decode(),)], "value string")
        frame.coalesce(1).write.mode("overwrite").text(writable(url))

    def clear(self, url: str) -> None:
        self.write(url, b"")

    def delete(self, url: str) -> None:
        logger.info("Spark Connect cannot delete files; remove %s when it is no longer needed", url)

    def delete_if_empty(self, url: str) -> None:
        """Nothing: see :meth:`delete`."""


def new_attempt_directory(url: str) -> str:
    """Return a directory of its own for what an attempt saves."""
    return f"{url.rstrip('/')}/attempt-{uuid.uuid4().hex[:12]}"


def remove_attempts(files: Files, url: str, wanted: Collection[str] = ()) -> None:
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


def delete_quietly(files: Files, url: str) -> None:
    """Delete a directory; if that fails, say so and go on, because nothing depends on it."""
    try:
        files.delete(url)
    except Exception as error:  # noqa: BLE001 - storage clients raise anything, and this is housekeeping
        logger.warning("cannot delete %s (%s); remove it when it is no longer needed", url, describe(error))


def _digest(found: Iterable[tuple[str, int]]) -> Listing:
    # Spark leaves hidden names out when it reads: success markers, checksums and half-written files.
    seen = sorted(
        (name, size) for name, size in found if not any(part[:1] in ("_", ".") for part in name.split(os.sep))
    )
    text = "\n".join(f"{size} {name}" for name, size in seen)
    return Listing(len(seen), sum(size for _, size in seen), hashlib.sha256(text.encode()).hexdigest()[:16])


def _iterate(remote: Any) -> Iterator[Any]:
    while remote.hasNext():
        yield remote.next()


def _local(url: str) -> Path:
    path = local_path(url)
    if path is None:
        raise ValueError(f"{url!r} is not a local directory")
    return path
