"""Files that only the server of Spark Connect reaches."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow_provider.runner.storage.file_storage import Entries, StoredFile, below_hidden, joined
from airflow_provider.runner.storage.spark_urls import readable, writable

logger = logging.getLogger(__name__)


class ConnectStorage:
    """A directory that a session of Spark Connect reads and writes as data.

    It gives none of the numbered guarantees and cannot list directories, rename or delete, so it holds saved views and
    never checkpoints.

    :param spark: a session of Spark Connect
    :param base: address of the directory
    """

    can_delete = False

    def __init__(self, spark: Any, base: str) -> None:
        self._spark = spark
        self._base = base.rstrip("/")

    def list(self, directory: str) -> Entries:
        """Return nothing: Spark shows files with their content, and no directories."""
        return []

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        tail = self._url(directory).rpartition("/")[2] + "/"
        for row in self._files(directory) or ():
            inner = row["path"].rpartition(tail)[2]
            if not below_hidden(inner):
                yield StoredFile(joined(directory, inner), row["length"])

    def exists(self, path: str) -> bool:
        return self._files(path) is not None

    def read(self, path: str) -> bytes:
        rows = self._found(lambda: self._spark.read.option("wholetext", "true").text(readable(self._url(path))))
        if rows is None:
            raise FileNotFoundError(self._url(path))
        return "".join(row[0] for row in rows).encode()

    def write(self, path: str, content: bytes) -> None:
        """Write a directory of this name with the content in one part: Spark writes nothing else."""
        frame = self._spark.createDataFrame([(content.decode(),)], "value string")
        frame.coalesce(1).write.mode("overwrite").text(writable(self._url(path)))

    def move(self, path: str, target: str) -> None:
        raise OSError(f"Spark Connect cannot rename {self._url(path)}")

    def delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.write(path, b"")

    def delete_tree(self, directory: str) -> None:
        logger.info("Spark Connect cannot delete files; remove %s when you no longer need it", self._url(directory))

    def delete_empty(self, directories: Iterable[str]) -> None:
        """Do nothing, see :meth:`delete_tree`."""

    def _files(self, path: str) -> Sequence[Any] | None:
        reader = self._spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        return self._found(lambda: reader.load(readable(self._url(path))).select("path", "length"))

    def _found(self, frame: Any) -> Sequence[Any] | None:
        """Return the rows, None if the path is not there."""
        try:
            return list(frame().collect())
        except Exception as error:
            if "PATH_NOT_FOUND" in str(error):
                return None
            raise

    def _url(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base
