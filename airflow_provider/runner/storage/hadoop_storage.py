"""Files of a Hadoop file system: whatever a classic Spark session reaches, with the cluster's credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.runner.config.interrupted_call import clean_up
from airflow_provider.runner.storage.file_storage import (
    Entries,
    StorageEntry,
    StoredFile,
    below_hidden,
    joined,
    temporary_name,
)

_CAN_ABORT = "fs.capability.outputstream.abortable"


class HadoopStorage:
    """A directory of a Hadoop file system.

    Not every file system shows a file only when it is whole, so a file is written under a name of its own and then
    renamed; one that replaces another is missing for a moment. On S3 and Google Cloud Storage, which show whole files
    only, a rename would be a copy, so files are written in place.

    :param spark: a classic session
    :param base: address of the directory
    """

    can_delete = True

    def __init__(self, spark: Any, base: str) -> None:
        self._jvm = spark._jvm
        self._base = base.rstrip("/")
        self._in_place = urlsplit(base).scheme in ("s3", "s3a", "gs")
        conf = spark._jsparkSession.sessionState().newHadoopConf()
        self._system = self._path("").getFileSystem(conf)

    def list(self, directory: str) -> Entries:
        return sorted(map(_entry, self._list(directory)), key=lambda entry: entry.name)

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        folder = self._path(directory)
        root = str(self._system.makeQualified(folder).toString()).rstrip("/") + "/"
        try:
            with _translated():
                found = self._system.listFiles(folder, True)
        except FileNotFoundError:
            return
        while found.hasNext():
            status = found.next()
            inner = str(status.getPath().toString()).removeprefix(root)
            if not below_hidden(inner):
                yield StoredFile(joined(directory, inner), int(status.getLen()))

    def exists(self, path: str) -> bool:
        return bool(self._system.exists(self._path(path)))

    def read(self, path: str) -> bytes:
        with _translated():
            stream = self._system.open(self._path(path))
            try:
                return bytes(stream.readAllBytes())
            finally:
                clean_up(stream.close)

    def write(self, path: str, content: bytes) -> None:
        if self._in_place:
            self._write(path, content)
            return
        directory, _, name = path.rpartition("/")
        temporary = joined(directory, temporary_name(name))
        try:
            self._write(temporary, content)
            self.delete([path])  # a rename does not replace
            self.move(temporary, path)
        except BaseException:
            clean_up(lambda: self.delete([temporary]))
            raise

    def move(self, path: str, target: str) -> None:
        with _translated():
            if not self._system.rename(self._path(path), self._path(target)):
                if not self._system.exists(self._path(path)):
                    raise FileNotFoundError(f"{self._base}/{path}")
                raise OSError(f"cannot rename {self._base}/{path} to {target}")

    def delete(self, paths: Iterable[str]) -> None:
        folders: dict[str, None] = {}
        with _translated():
            for path in paths:
                self._system.delete(self._path(path), False)
                folders[path.rpartition("/")[0]] = None
            for folder in folders:
                self._delete_empty(folder)

    def delete_tree(self, directory: str) -> None:
        self._system.delete(self._path(directory), True)

    def delete_empty(self, directories: Iterable[str]) -> None:
        with _translated():
            for directory in directories:
                self._delete_empty(directory)

    def _delete_empty(self, folder: str) -> None:
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
            except BaseException:
                clean_up(lambda: self._abandon(stream))
                raise
            stream.close()

    def _abandon(self, stream: Any) -> None:
        if not self._in_place:
            stream.close()
        elif stream.hasCapability(_CAN_ABORT):  # closing would publish half an object
            stream.abort()

    def _list(self, directory: str) -> Sequence[Any]:
        folder = self._path(directory)
        try:
            with _translated():
                found = list(self._system.listStatus(folder))
        except FileNotFoundError:
            return []
        # Asked for a file, Hadoop answers with that file.
        is_file = (
            len(found) == 1 and found[0].isFile() and found[0].getPath().equals(self._system.makeQualified(folder))
        )
        return [] if is_file else found

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._base}/{path}" if path else self._base)


def _entry(status: Any) -> StorageEntry:
    name = str(status.getPath().getName())
    if status.isSymlink():
        return StorageEntry(name, "other", is_link=True)
    return StorageEntry(name, "directory") if status.isDirectory() else StorageEntry(name, "file", int(status.getLen()))


@contextmanager
def _translated() -> Iterator[None]:
    """Raise Python's FileNotFoundError where Java raises its own."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except Py4JJavaError as error:
        if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
            raise FileNotFoundError(str(error.java_exception.getMessage())) from error
        raise
