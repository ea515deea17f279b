"""Reads a checkpoint from its files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from airflow_provider.errors import CheckpointCorruptError, CheckpointReadError
from airflow_provider.runner.checkpoint.damage import DamageHandler
from airflow_provider.runner.checkpoint.layout import FENCES, AttemptRank, RecordDocument, decode, is_absurd
from airflow_provider.runner.record.checkpoint_state import (
    CheckpointState,
    CheckpointUpdate,
    StoredUpdate,
    read_document,
)
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.file_storage import FileStorage, file_names

NEVER = -1
"""The number before the first document."""

_LOOKS = 20  # how often to look while attempts that begin keep deleting what is being read


def ranks(files: FileStorage, key: RunKey) -> list[AttemptRank]:
    """Return the attempts that have taken a checkpoint over, the newest last."""
    return _ranks(files, key.path)


def possible_ranks(files: FileStorage, key: RunKey, damage: DamageHandler) -> list[AttemptRank]:
    """Return what :func:`ranks` does, without fences that no attempt can have written, so that they block none."""
    found = ranks(files, key)
    absurd = [rank for rank in found if is_absurd(rank)]
    damage.fences(key.path, [f"{key.path}/{rank.fence_path}" for rank in absurd])
    return [rank for rank in found if rank not in absurd]


def documents(files: FileStorage, directory: str) -> list[RecordDocument]:
    """Return what an attempt has written into its directory, in the order of writing."""
    return sorted(found for found in map(RecordDocument.parse, file_names(files, directory)) if found is not None)


def read_newest(
    files: FileStorage, key: RunKey | None, directory: str, damage: DamageHandler
) -> CheckpointState | None:
    """Read a checkpoint; None if there is none, or if it is damaged.

    An attempt that begins deletes what it makes obsolete, and a reader may meanwhile find a part of that, or nothing.
    So one look is enough for a whole record, and only for that. Anything else counts when a second look finds the same
    fences, the same documents and the same damage: whoever deleted something had written a whole record before, under a
    fence that the second look sees, or a higher one in its place.

    :param key: which checkpoint it should be; None for any that is in its own place
    :param directory: its directory
    :raises CheckpointFormatError: written by a newer version
    :raises CheckpointReadError: it cannot be read
    """
    look = _settled(files, key, directory, damage.place)
    if look.state is None and look.error is None:
        damage.format_1(directory)
    if look.error is not None and look.torn is not None:
        damage.last_document(look.torn, look.error)
    elif look.error is not None:
        # Nothing of a higher rank: that had no document, and may have begun by now.
        damage.checkpoint(directory, look.fences[: look.fences.index(look.documents[-1][0]) + 1], look.error)
    return look.state


def refuse_newer_format(files: FileStorage, key: RunKey, found: list[AttemptRank]) -> None:
    """Raise CheckpointFormatError if a newer version of this package has written the checkpoint.

    :param found: the attempts that have taken it over
    """
    for rank in reversed(found):
        own = f"{key.path}/{rank.name}"
        whole = [document for document in documents(files, own) if document.kind == "checkpoint"]
        if whole:
            with suppress(CheckpointCorruptError, FileNotFoundError):
                CheckpointState.from_json(_text(files, f"{own}/{whole[-1].name}"))
            return


@dataclass(frozen=True)
class _FilesSnapshot:
    """What one look at a checkpoint finds.

    :param fences: the attempts that have taken it over, the newest last
    :param documents: those of each attempt that was read, the newest attempt first
    :param state: the record, None if there is none or it is damaged
    :param error: what is wrong with it
    :param torn: path of the newest document, if that alone is damaged
    """

    fences: list[AttemptRank]
    documents: list[tuple[AttemptRank, list[RecordDocument]]]
    state: CheckpointState | None = None
    error: CheckpointCorruptError | None = None
    torn: str | None = None

    def agrees_with(self, other: _FilesSnapshot) -> bool:
        """Return whether both looks found the same files and the same damage."""
        return (self.fences, self.documents, self.torn, _arguments(self.error)) == (
            other.fences,
            other.documents,
            other.torn,
            _arguments(other.error),
        )


def _arguments(error: Exception | None) -> tuple[object, ...]:
    return error.args if error is not None else ()


def _settled(files: FileStorage, key: RunKey | None, directory: str, place: str) -> _FilesSnapshot:
    """Look until the result counts."""
    before = None
    for _ in range(_LOOKS):
        try:
            look = _look(files, key, directory)
        except FileNotFoundError:  # it was deleted after it was listed
            before = None
            continue
        if look.state is not None and look.error is None:
            return look
        if before is not None and look.agrees_with(before):
            return look
        before = look
    raise CheckpointReadError(f"checkpoint {directory} in {place} changed {_LOOKS} times while it was read")


def _look(files: FileStorage, key: RunKey | None, directory: str) -> _FilesSnapshot:
    fences = _ranks(files, directory)
    seen: list[tuple[AttemptRank, list[RecordDocument]]] = []
    for rank in reversed(fences):
        seen.append((rank, documents(files, f"{directory}/{rank.name}")))
        if not seen[-1][1]:
            continue  # it has not begun
        try:
            whole, later = _parts(files, key, directory, *seen[-1])
            updates, error, torn = _updates(files, f"{directory}/{rank.name}", rank, later)
        except CheckpointCorruptError as damage:
            return _FilesSnapshot(fences, seen, error=damage)
        newest = {"fence": fences[-1].fence, "owner": fences[-1].owner} if rank != fences[-1] else {}
        return _FilesSnapshot(fences, seen, whole.updated(updates).model_copy(update=newest), error, torn)
    return _FilesSnapshot(fences, seen)


def _ranks(files: FileStorage, directory: str) -> list[AttemptRank]:
    names = [
        name for name in file_names(files, f"{directory}/{FENCES}") if name.endswith(".json")
    ]  # not what was set aside
    return sorted(rank for rank in map(AttemptRank.parse, names) if rank is not None)


def _parts(
    files: FileStorage, key: RunKey | None, directory: str, rank: AttemptRank, found: list[RecordDocument]
) -> tuple[CheckpointState, list[tuple[int, RecordDocument]]]:
    """Return an attempt's whole record, and the documents after it with the number that each should have.

    :raises CheckpointCorruptError: it is damaged, or of another run or attempt
    """
    own = f"{directory}/{rank.name}"
    first = max((index for index, document in enumerate(found) if document.kind == "checkpoint"), default=None)
    if first is None:
        raise CheckpointCorruptError(f"{own} has records of components but no record of the beginning")
    state = CheckpointState.from_json(_text(files, f"{own}/{found[first].name}"))
    if (state.key if key is None else key) != state.key or state.key.path != directory:
        raise CheckpointCorruptError(f"it is the record of {state.key}")
    written_by = AttemptRank.of(state.fence, state.attempt, state.owner)
    if not written_by.is_same_attempt(rank):
        raise CheckpointCorruptError(f"{own} holds the record of another attempt, {written_by.name}")
    return state, list(enumerate(found[first + 1 :], start=found[first].number + 1))


def _updates(
    files: FileStorage, own: str, rank: AttemptRank, later: list[tuple[int, RecordDocument]]
) -> tuple[list[CheckpointUpdate], CheckpointCorruptError | None, str | None]:
    """Return what happened since the whole record, and error and path of the last document if that is damaged.

    The last one may be torn where a file system loses what was not flushed.

    :raises CheckpointCorruptError: another document is damaged or missing
    """
    updates: list[CheckpointUpdate] = []
    for number, document in later:
        path = f"{own}/{document.name}"
        if document.number != number:
            raise CheckpointCorruptError(f"number {number} is missing from {own}")
        try:
            piece = read_document(StoredUpdate, _text(files, path))
            if (piece.owner, piece.number) != (rank.owner, number):
                raise CheckpointCorruptError(f"{path} was written as number {piece.number} of {piece.owner}")
        except CheckpointCorruptError as error:
            if document is not later[-1][1]:
                raise
            return updates, error, path
        updates.append(piece)
    return updates, None, None


def _text(files: FileStorage, path: str) -> str:
    try:
        return decode(files.read(path))
    except UnicodeDecodeError as error:
        raise CheckpointCorruptError(f"{path} is not text: {error}") from error
