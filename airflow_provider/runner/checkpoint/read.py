"""Reads a checkpoint from its files."""

from __future__ import annotations

from contextlib import suppress

from airflow_provider.errors import CheckpointCorruptError, CheckpointReadError
from airflow_provider.runner.checkpoint.damage import SetAside
from airflow_provider.runner.checkpoint.files import RecordFiles
from airflow_provider.runner.checkpoint.layout import FENCES, Document, Rank, decode
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.record.state import CheckpointState, CheckpointUpdate, Piece, read_document

NEVER = -1
"""The number before the first document."""

_LISTINGS = 20  # how often to look again when an attempt that begins keeps removing what is about to be read


def ranks(files: RecordFiles, key: RunKey) -> list[Rank]:
    """Return the attempts that have taken a checkpoint over, the newest last."""
    return _ranks(files, key.path)


def documents(files: RecordFiles, directory: str) -> list[Document]:
    """Return what an attempt has written into its directory, in that order."""
    return sorted(found for found in map(Document.parse, files.files(directory)) if found is not None)


def read_newest(files: RecordFiles, key: RunKey | None, directory: str, set_aside: SetAside) -> CheckpointState | None:
    """Read a checkpoint; None if there is none. What is damaged is set aside.

    :param files: where it is
    :param key: which checkpoint it should be; None to take what it says, if it is in the place that follows from it
    :param directory: its directory
    :param set_aside: what to do with damage
    :raises CheckpointFormatError: written by a newer version
    :raises CheckpointReadError: it cannot be read
    """
    damage = ""
    for _ in range(_LISTINGS):
        found = _ranks(files, directory)
        if not found:
            set_aside.format_1(directory)
        try:
            for rank in reversed(found):
                state = _state_of(files, key, directory, rank, set_aside)
                if state is not None:
                    newest = found[-1]
                    if newest != rank and not newest.is_same_attempt(rank):
                        state = state.model_copy(update={"fence": newest.fence, "owner": newest.owner})
                    return state
        except FileNotFoundError:
            continue  # an attempt has just begun and removed it, or another process has set it aside
        except CheckpointCorruptError as error:
            if str(error) != damage:
                # What an attempt that has just begun is removing looks damaged, too; a second look finds that attempt.
                damage = str(error)
                continue
            # A higher rank had nothing, and may have begun by now.
            set_aside.checkpoint(directory, found[: found.index(rank) + 1], error)
            return None
        if _ranks(files, directory) == found:
            return None
        # Otherwise an attempt has taken over since, begun, and removed what was about to be read.
    raise CheckpointReadError(
        f"checkpoint {directory} in {set_aside.place} changed {_LISTINGS} times while it was read"
    )


def refuse_newer_format(files: RecordFiles, key: RunKey, found: list[Rank]) -> None:
    """Raise if a newer version of this package has written the checkpoint.

    :param files: where it is
    :param key: which checkpoint
    :param found: the attempts that have taken it over
    :raises CheckpointFormatError: it has
    """
    for rank in reversed(found):
        own = f"{key.path}/{rank.name}"
        whole = [document for document in documents(files, own) if document.kind == "checkpoint"]
        if whole:
            with suppress(CheckpointCorruptError, FileNotFoundError):
                CheckpointState.from_json(_text(files, f"{own}/{whole[-1].name}"))
            return


def _ranks(files: RecordFiles, directory: str) -> list[Rank]:
    names = files.files(f"{directory}/{FENCES}")
    return sorted(rank for rank in map(Rank.parse, names) if rank is not None)


def _state_of(
    files: RecordFiles, key: RunKey | None, directory: str, rank: Rank, set_aside: SetAside
) -> CheckpointState | None:
    """Return what one attempt has recorded, None if it has not begun.

    :raises CheckpointCorruptError: that is damaged, or of another run
    """
    own = f"{directory}/{rank.name}"
    found = documents(files, own)
    if not found:
        return None
    first = max((index for index, document in enumerate(found) if document.kind == "checkpoint"), default=None)
    if first is None:
        raise CheckpointCorruptError(f"{own} has records of components but not the one that they belong to")
    whole, later = found[first], found[first + 1 :]
    state = CheckpointState.from_json(_text(files, f"{own}/{whole.name}"))
    if (state.key if key is None else key) != state.key or state.key.path != directory:
        raise CheckpointCorruptError(f"it is the record of {state.key}")
    updates: list[CheckpointUpdate] = []
    for number, document in enumerate(later, start=whole.number + 1):
        path = f"{own}/{document.name}"
        try:
            if document.number != number:
                raise CheckpointCorruptError(f"number {number} is missing from {own}")
            piece = read_document(Piece, _text(files, path))
            if piece.owner != rank.owner:
                raise CheckpointCorruptError(f"{path} was written by another attempt")
        except CheckpointCorruptError as error:
            if document is not later[-1] or document.number != number:
                raise
            # The last one may be torn where a file system lost what it had not been asked to keep.
            set_aside.last_document(path, error)
            break
        updates.append(piece)
    return state.updated(updates)


def _text(files: RecordFiles, path: str) -> str:
    try:
        return decode(files.read(path))
    except UnicodeDecodeError as error:
        raise CheckpointCorruptError(f"{path} is no text: {error}") from error
