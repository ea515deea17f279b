"""Writes what one attempt records into files, unless a newer attempt has replaced it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider.errors import describe
from airflow_provider.runner.checkpoint.damage import is_set_aside
from airflow_provider.runner.checkpoint.layout import FENCES, AttemptRank, RecordDocument, encode
from airflow_provider.runner.checkpoint.read import NEVER, documents, ranks
from airflow_provider.runner.checkpoint.store import FENCED_OFF, fenced_off_error, replaced_error
from airflow_provider.runner.record.checkpoint_state import FORMAT_VERSION, CheckpointState, CheckpointUpdate
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.file_storage import FileStorage, directory_names, file_names

logger = logging.getLogger(__name__)


@dataclass
class FilesWriter:
    """Writes what one attempt records.

    :param place: says where this is, for messages
    """

    place: str
    files: FileStorage
    key: RunKey
    rank: AttemptRank
    _number: int = NEVER
    _begun: bool = False
    _unconfirmed: str | None = None

    def begin(self, state: CheckpointState) -> None:
        files, directory = self.files, f"{self.key.path}/{self.rank.name}"
        earlier = documents(files, directory)
        if not refuse_replaced(files, self.key, self.rank):
            files.write(f"{self.key.path}/{self.rank.fence_path}", encode(fence_document(self.key, self.rank)))
        number = max([self._number, *(document.number for document in earlier)]) + 1
        whole = RecordDocument.of_checkpoint(number)
        files.write(f"{directory}/{whole.name}", encode(state.to_json()))
        if not refuse_replaced(files, self.key, self.rank):
            raise OSError(f"this attempt wrote its fence to {self.place}, but the listing does not show it")
        self._number, self._begun, self._unconfirmed = number, True, None
        self._tidy(earlier)

    def append(self, update: CheckpointUpdate, whole: Callable[[], CheckpointState]) -> None:
        document = RecordDocument.of_update(self._number + 1, update)
        if self._unconfirmed not in (None, document.name):
            # A document with this number may or may not have been written.
            self._begun = False
        if self._begun:
            self._unconfirmed = document.name
            self._write(document, update)
            if refuse_replaced(self.files, self.key, self.rank):
                self._number, self._unconfirmed = document.number, None
                return
            logger.warning("the checkpoint of %s disappeared from %s; writing it again", self.key, self.place)
            self._begun = False  # until the whole is there: nothing added to a part of it would count
        self.begin(whole())

    def _write(self, document: RecordDocument, update: CheckpointUpdate) -> None:
        about = {"format_version": FORMAT_VERSION, "owner": self.rank.owner, "number": document.number}
        path = f"{self.key.path}/{self.rank.name}/{document.name}"
        self.files.write(path, encode({**about, **update.to_json()}))

    def _tidy(self, earlier: list[RecordDocument]) -> None:
        """Delete what no longer counts; if that fails, it stays and still does not count."""
        directory = f"{self.key.path}/{self.rank.name}"
        try:
            lower = [rank for rank in all_ranks(self.files, self.key) if rank < self.rank]
            left = [path for rank in lower for path in attempt_files(self.files, self.key, rank)]
            # First, so that a reader of such a record finds nothing rather than a part of it.
            whole = [path for path in left if RecordDocument.is_whole(path)]
            gone = [path for path in left if not RecordDocument.is_whole(path)]
            gone += [f"{directory}/{document.name}" for document in earlier]
            gone += [f"{self.key.path}/{rank.fence_path}" for rank in lower]
            fences = f"{self.key.path}/{FENCES}"
            gone += [
                f"{fences}/{name}" for name in file_names(self.files, fences) if AttemptRank.of_leftover(name) in lower
            ]
            for paths in filter(None, (whole, gone)):
                self.files.delete(paths)
        except Exception as error:  # noqa: BLE001 - storage clients raise anything
            logger.warning("cannot delete old files of %s in %s: %s", self.key, self.place, describe(error))


def fence_document(key: RunKey, rank: AttemptRank) -> dict[str, object]:
    """Return the content of a fence."""
    return {
        "format_version": FORMAT_VERSION,
        "scope": key.scope,
        "run_id": key.run_id,
        "pipeline_name": key.pipeline_name,
        "fence": rank.fence,
        "attempt": rank.attempt,
        "owner": rank.owner,
    }


def attempt_files(files: FileStorage, key: RunKey, rank: AttemptRank) -> list[str]:
    """Return the files of an attempt in the order of writing, without those that were set aside."""
    directory = f"{key.path}/{rank.name}"
    return [f"{directory}/{name}" for name in file_names(files, directory) if not is_set_aside(name)]


def all_ranks(files: FileStorage, key: RunKey) -> list[AttemptRank]:
    """Return the attempts that have left anything, even without a fence."""
    found = {*ranks(files, key), *map(AttemptRank.parse, directory_names(files, key.path))}
    return sorted(rank for rank in found if rank is not None)


def refuse_replaced(files: FileStorage, key: RunKey, mine: AttemptRank) -> bool:
    """Return whether the fence of an attempt is there.

    :raises StaleAttemptError: there is a higher one
    """
    found = ranks(files, key)
    if found and found[-1] > mine and not found[-1].is_same_attempt(mine):
        if found[-1].owner == FENCED_OFF:
            raise fenced_off_error(key, mine.attempt)
        raise replaced_error(key, mine.attempt, found[-1].attempt)
    return mine in found
