"""Files of a Hadoop file system: whatever a Spark driver reaches, with the cluster's credentials."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.runner.storage.file_storage import StorageEntry


class HadoopStorage:
    """A directory of a Hadoop file system, as a backend of the object storage store.

    A file is written under a name of its own and then renamed, because not every file system shows a file only when
    it is whole. S3 and Google Cloud Storage do, and a rename there would be a copy, so there it is written in place.

    :param spark: a classic session
    :param base: address of the directory
    """

    def __init__(self, spark: Any, base: str) -> None:
        self._jvm = spark._jvm
        self._base = base.rstrip("/")
        self._in_place = urlsplit(base).scheme in ("s3", "s3a", "gs")
        conf = spark._jsparkSession.sessionState().newHadoopConf()
        self._system = self._path("").getFileSystem(conf)

    def files(self, directory: str) -> list[str]:
        return [str(status.getPath().getName()) for status in self._list(directory) if status.isFile()]

    def directories(self, directory: str) -> list[str]:
        return [str(status.getPath().getName()) for status in self._list(directory) if status.isDirectory()]

    def entries(self, directory: str) -> list[StorageEntry]:
        return sorted(map(_entry, self._list(directory)), key=lambda entry: entry.name)

    def walk(self) -> Iterator[str]:
        root = f"{self._system.makeQualified(self._path('')).toString()}".rstrip("/") + "/"
        try:
            with _translated():
                found = self._system.listFiles(self._path(""), True)
        except FileNotFoundError:
            return
        while found.hasNext():
            inner = str(found.next().getPath().toString()).removeprefix(root)
            if not any(part.startswith(".") for part in inner.split("/")[:-1]):
                yield inner

    def read(self, path: str) -> bytes:
        with _translated():
            stream = self._system.open(self._path(path))
            try:
                return bytes(stream.readAllBytes())
            finally:
                stream.close()

    def write(self, path: str, content: bytes) -> None:
        if self._in_place:
            self._write(path, content)
            return
        directory, _, name = path.rpartition("/")
        temporary = f"{directory}/.{name}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            self._write(temporary, content)
            self.remove([path])  # a rename does not replace
            self.move(temporary, path)
        except BaseException:
            self.remove([temporary])
            raise

    def move(self, path: str, target: str) -> None:
        with _translated():
            if not self._system.rename(self._path(path), self._path(target)):
                if not self._system.exists(self._path(path)):
                    raise FileNotFoundError(f"{self._base}/{path}")
                raise OSError(f"{self._base}/{path} cannot be renamed to {target}")

    def remove(self, paths: Iterable[str]) -> None:
        folders: dict[str, None] = {}
        with _translated():
            for path in paths:
                self._system.delete(self._path(path), False)
                folders[path.rpartition("/")[0]] = None
            for folder in folders:
                self._remove_empty(folder)

    def remove_empty(self, directories: Iterable[str]) -> None:
        with _translated():
            for directory in directories:
                self._remove_empty(directory)

    def _remove_empty(self, folder: str) -> None:
        while folder and not self._list(folder):
            self._system.delete(self._path(folder), False)
            folder = folder.rpartition("/")[0]

    def _write(self, path: str, content: bytes) -> None:
        with _translated():
            stream = self._system.create(self._path(path), True)
            try:
                stream.write(content)
                if not self._in_place:
                    stream.hsync()
            finally:
                stream.close()

    def _list(self, directory: str) -> list[Any]:
        try:
            with _translated():
                return list(self._system.listStatus(self._path(directory)))
        except FileNotFoundError:
            return []

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._base}/{path}" if path else self._base)


def _entry(status: Any) -> StorageEntry:
    name = str(status.getPath().getName())
    if status.isSymlink():
        return StorageEntry(name, "other")
    return StorageEntry(name, "directory") if status.isDirectory() else StorageEntry(name, "file", int(status.getLen()))


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what Python calls it where Java says that there is no such file."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except Py4JJavaError as error:
        if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
            raise FileNotFoundError(str(error.java_exception.getMessage())) from error
        raise
