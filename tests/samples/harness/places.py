"""One place for every kind of store: where the stores of several attempts, and of who looks on, find the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner import CheckpointStore, InMemoryCheckpointStore, LocalCheckpointStore
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import StoredFile
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.stores.object_store import DriverCheckpointStore, ObjectStorageCheckpointStore
from airflow_provider.stores.task_state import TaskStateCheckpointStore
from tests.samples.harness.stores import FakeTaskState, PlainStore
from tests.samples.harness.watched import Watched
from tests.samples.services.s3 import ServedObjects, new_prefix

Before = Callable[..., object]


class Place:
    """Where stores of one kind keep their checkpoints."""

    serves_many_runs = True
    """Whether a store finds checkpoints of several runs and scopes, and one whose pipeline's name is left out."""

    def store(self) -> CheckpointStore:
        """Return a store that shares nothing with the others but the place; for one who looks on."""
        raise NotImplementedError

    def attempt(self, before: Before | None = None) -> CheckpointStore:
        """Return a store for a new attempt, in a new process.

        :param before: called before each step of the store's backend
        """
        store = self.store()
        return store if before is None else self._watch(store, before)

    def _watch(self, store: Any, before: Before) -> CheckpointStore:
        raise NotImplementedError

    def documents(self) -> dict[str, str]:
        """Return what lies there: name to text."""
        raise NotImplementedError

    def put(self, name: str, text: str) -> None:
        """Write a document, as somebody does who is no store."""
        raise NotImplementedError

    def take_away(self, name: str) -> None:
        """Remove a document."""
        raise NotImplementedError


class Files(Place):
    """A place of files.

    :param store: opens a store
    :param beneath: the same files by a shorter way than the store's, for what the test itself reads and writes
    """

    def __init__(self, store: Callable[[], FileCheckpointStore], beneath: Any = None) -> None:
        self._store = store
        self._beneath = beneath

    def store(self) -> CheckpointStore:
        return self._store()

    def _watch(self, store: Any, before: Before) -> CheckpointStore:
        files = Watched(store.storage(), before)
        store.storage = lambda: files
        return store  # type: ignore[no-any-return]

    def documents(self) -> dict[str, str]:
        files = self._files()
        return {path: files.read(path).decode("utf-8", "replace") for path, _ in files.walk()}

    def put(self, name: str, text: str) -> None:
        self._files().write(name, text.encode())

    def take_away(self, name: str) -> None:
        self._files().delete([name])

    def _files(self) -> Any:
        return self._store().storage() if self._beneath is None else self._beneath


class WithChecksums(DirectoryStorage):
    """A directory in which Hadoop keeps a checksum beside each file, and believes it."""

    def walk(self, directory: str = "") -> Iterator[StoredFile]:
        return (file for file in super().walk(directory) if not file.path.endswith(".crc"))

    def write(self, path: str, content: bytes) -> None:
        super().delete([self._checksum(path)])
        super().write(path, content)

    def delete(self, paths: Iterable[str]) -> None:
        super().delete([each for path in paths for each in (path, self._checksum(path))])

    @staticmethod
    def _checksum(path: str) -> str:
        directory, slash, name = path.rpartition("/")
        return f"{directory}{slash}.{name}.crc"


class TaskState(Place):
    """The rows of one task instance. Airflow refuses an attempt as soon as the next one starts."""

    serves_many_runs = False

    def __init__(self) -> None:
        self._airflow = FakeTaskState()

    def store(self) -> CheckpointStore:
        return TaskStateCheckpointStore(FakeTaskState(self._airflow.rows, self._airflow.retention))

    def attempt(self, before: Before | None = None) -> CheckpointStore:
        self._airflow = self._airflow.successor()
        accessor = self._airflow if before is None else Watched(self._airflow, before)
        return TaskStateCheckpointStore(accessor)

    def documents(self) -> dict[str, str]:
        return dict(self._airflow.rows)

    def put(self, name: str, text: str) -> None:
        self._airflow.rows[name] = text

    def take_away(self, name: str) -> None:
        del self._airflow.rows[name]


class Plain(Place):
    """What a store of an author's own keeps."""

    def __init__(self) -> None:
        self._kept = PlainStore()

    def store(self) -> CheckpointStore:
        return self._kept

    def _watch(self, store: Any, before: Before) -> CheckpointStore:
        return Watched(store, before)  # type: ignore[return-value]

    def documents(self) -> dict[str, str]:
        return {str(key): text for key, text in self._kept.documents.items()}


def _memory(directory: Path) -> Place:
    memory = InMemoryCheckpointStore()
    return Files(lambda: copy.copy(memory))


def _s3(directory: Path) -> Place:
    prefix = new_prefix()
    return Files(lambda: ObjectStorageCheckpointStore(prefix), ServedObjects(prefix))


def _hadoop(directory: Path) -> Place:
    """What the store of a Spark driver sees: a directory, but through Hadoop's file system."""
    from pyspark.sql import SparkSession

    url = f"file://{directory}/checkpoints"
    files = HadoopStorage(SparkSession.active(), url)
    return Files(lambda: DriverCheckpointStore(url, files), WithChecksums(directory / "checkpoints"))


PLACES: dict[str, Callable[[Path], Place]] = {
    "memory": _memory,
    "local": lambda directory: Files(lambda: LocalCheckpointStore(directory / "checkpoints")),
    "file://": lambda directory: Files(lambda: ObjectStorageCheckpointStore(f"file://{directory}/checkpoints")),
    "s3://": _s3,
    "hadoop": _hadoop,
    "task state": lambda directory: TaskState(),
    "plain": lambda directory: Plain(),
}
"""Kind of store to a function that makes an empty place in a directory. A new store is one more line."""


def asked_for(request: pytest.FixtureRequest, directory: Path) -> Place:
    """Return the place that a fixture with kinds as parameters is asked for; Spark is started if it needs that."""
    if request.param == "hadoop":
        request.getfixturevalue("spark")
    return PLACES[request.param](directory)
