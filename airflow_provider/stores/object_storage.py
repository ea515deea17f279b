"""Checkpoints in object storage (S3, Google Cloud Storage, Azure) or in a directory that all workers share."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow_provider.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointReadError,
    describe,
)
from airflow_provider.runner.checkpoint.store import only_one, read_request, replaced
from airflow_provider.runner.record.file_names import file_name
from airflow_provider.runner.record.state import CheckpointState, RestartRequest, Scope
from airflow_provider.stores.object_files import ObjectFiles, address, files_at

logger = logging.getLogger(__name__)

_LISTINGS = 20  # how often a load looks again when saves keep replacing what it is about to read


class ObjectStorageCheckpointStore:
    """Keeps each checkpoint in a directory ``<base>/<scope…>/<run id>/<pipeline>/``, named as in LocalCheckpointStore.

    Object storage has neither locks nor a compare-and-swap that all of them share. So no object is ever changed:
    every save writes a new one, whose name tells its rank (fence, attempt, owner) and a number that counts that
    owner's saves, and the newest by name is the checkpoint. A save

    1. lists the directory, and raises StaleAttemptError if there is an object of a higher rank, or, when the owner
       saves for the first time, any other owner's object with its fence;
    2. writes its object;
    3. lists again. If there is now one of a higher rank it removes its own and raises StaleAttemptError; otherwise
       it removes the older ones, and has succeeded.

    Why that is enough, whatever the order of the steps of two attempts:

    - *Never forget.* An object is removed only after one of the same or a higher rank was seen in a listing, so at
      every instant the newest one there is the old state or the new one. A leftover is older, and so is never read.
    - *The newest attempt wins.* Once the object of the higher rank is there it stays, or a still higher one does,
      and every later listing shows it. So an attempt of a lower rank raises in step 1 or 3, at the latest with its
      next save, and what it wrote in between is never the newest.
    - *Two attempts with the same fence.* If one of them has saved before the other begins, the other raises in step
      1. If both passed step 1, whichever writes last sees the other one in step 3. Attempt and owner decide, and both
      judge alike: the lower rank raises there or with its next save, the higher never does, because having an object
      of its own there it only minds higher ranks.

    This needs listings that show every finished write, which S3, Google Cloud Storage, Azure and a file system of
    one host have. A save whose own object is missing from the listing fails, and the caller tries again.

    An object that is no checkpoint was never written in full. It is set aside (``….corrupt-<time>``) with a warning,
    and the one before it counts.

    :param url: address of ``ObjectStoragePath``: ``s3://CONNECTION@bucket/prefix``, ``gs://…``, ``abfss://…``,
        ``file:///shared/directory``. The user part names an Airflow connection
    :param conn_id: the Airflow connection; it wins over the one in the address
    :raises PipelineConfigError: the address holds a password
    """

    def __init__(self, url: str, conn_id: str | None = None) -> None:
        self._url = url
        self._conn_id = conn_id
        self._address = address(url, conn_id)

    def __repr__(self) -> str:
        return f"ObjectStorageCheckpointStore({self._address!r})"

    def __str__(self) -> str:
        return f"object storage {self._address}"

    def save(self, state: CheckpointState) -> None:
        files = self._files()
        directory = _directory(state.run_id, state.scope, state.pipeline_name)
        mine = _Saved(state.fence, state.attempt, file_name(state.owner), 1)
        found = _saved(files, directory)
        own = [saved for saved in found if (saved.fence, saved.owner) == (mine.fence, mine.owner)]
        if own:
            mine = replace(own[-1], number=own[-1].number + 1)
        else:
            rivals = [saved for saved in found if saved.fence >= mine.fence and saved.owner != mine.owner]
            if rivals:
                raise replaced(state, rivals[-1].attempt)
        if found and found[-1].rank > mine.rank:
            raise replaced(state, found[-1].attempt)
        if not own:
            self._newest(files, directory)  # what is torn must not be taken for an older state and removed below

        files.write(f"{directory}/{mine.name}", json.dumps(state.to_json()).encode())

        found = _saved(files, directory)
        if found and found[-1].rank > mine.rank:
            self._remove_if_possible(files, f"{directory}/{mine.name}")
            raise replaced(state, found[-1].attempt)
        if mine not in found:
            raise OSError(f"{directory}/{mine.name} was written to {self._address} but is not in the listing")
        for saved in found:
            if saved < mine:
                self._remove_if_possible(files, f"{directory}/{saved.name}")

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        with self._reading(f"the checkpoint of run {run_id!r}"):
            files = self._files()
            if pipeline_name is not None:
                return self._newest(files, _directory(run_id, scope, pipeline_name))
            run = _directory(run_id, scope)
            found = [self._newest(files, f"{run}/{name}") for name in sorted(files.directories(run))]
        return only_one([state for state in found if state is not None], run_id)

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        files = self._files()
        directory = _directory(run_id, scope, pipeline_name)
        found = _saved(files, directory)
        for saved in found:  # the newest last, so that no older state comes to light
            files.remove(f"{directory}/{saved.name}")
        files.remove(f"{directory}/{_REQUEST}")
        return bool(found)

    def list(self) -> Iterator[CheckpointState]:
        """Yield every readable checkpoint below the base address."""
        with self._reading("the checkpoints"):
            files = self._files()
            directories = set()
            for path in files.walk():
                directory, _, name = path.rpartition("/")
                # No name of a checkpoint starts with a dot; saved views may lie in such a directory.
                if _Saved.parse(name) and not any(part.startswith(".") for part in directory.split("/")):
                    directories.add(directory)
        for directory in sorted(directories):
            try:
                with self._reading("the checkpoints"):
                    state = self._newest(files, directory)
            except CheckpointFormatError:
                continue  # written by a newer version, and the log says so
            if state is not None:
                yield state

    def leave_request(self, request: RestartRequest, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        path = f"{_directory(run_id, scope, pipeline_name)}/{_REQUEST}"
        self._files().write(path, request.model_dump_json().encode("utf-8", "surrogatepass"))

    def find_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> RestartRequest | None:
        path = f"{_directory(run_id, scope, pipeline_name)}/{_REQUEST}"
        with self._reading(f"the request for run {run_id!r}"):
            try:
                content = self._files().read(path)
            except FileNotFoundError:
                return None
        return read_request(content, f"{path} in {self}")

    def drop_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        self._files().remove(f"{_directory(run_id, scope, pipeline_name)}/{_REQUEST}")

    def _files(self) -> ObjectFiles:
        # Looked up anew each time (Airflow keeps the client): a client must not be pickled or survive a fork.
        return files_at(self._url, self._conn_id)

    def _newest(self, files: ObjectFiles, directory: str) -> CheckpointState | None:
        for _ in range(_LISTINGS):
            try:
                for saved in reversed(_saved(files, directory)):
                    path = f"{directory}/{saved.name}"
                    try:
                        return CheckpointState.from_json(files.read(path))
                    except CheckpointCorruptError as error:
                        self._set_aside(files, path, error)
                    except CheckpointFormatError:
                        logger.error("checkpoint %s in %s was written by a newer version", path, self)
                        raise
            except FileNotFoundError:
                continue  # a save has just replaced it, or another process has set it aside
            return None
        raise CheckpointReadError(f"checkpoint {directory} in {self} changed {_LISTINGS} times while it was read")

    def _set_aside(self, files: ObjectFiles, path: str, error: Exception) -> None:
        aside = f"{path}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        try:
            files.move(path, aside)
        except FileNotFoundError:
            raise
        except Exception as failure:
            raise CheckpointReadError(
                f"checkpoint {path} in {self} is damaged ({error}) and cannot be set aside: {describe(failure)}; "
                "move it away"
            ) from failure
        logger.warning(
            "checkpoint %s in %s is damaged (%s), so it was not written in full; it was set aside as %s and the one "
            "saved before it counts, or the pipeline starts afresh",
            path,
            self,
            error,
            aside.rpartition("/")[2],
        )

    @staticmethod
    def _remove_if_possible(files: ObjectFiles, path: str) -> None:
        try:
            files.remove(path)
        except Exception as error:  # noqa: BLE001 - a leftover is older than the checkpoint and does no harm
            logger.warning("%s is no longer needed but cannot be removed: %s", path, describe(error))

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except CheckpointError:
            raise
        except Exception as error:
            raise CheckpointReadError(
                f"cannot read {what} from {self}: {describe(error)}; check the address, the connection and its "
                "permission to list and read"
            ) from error


# No file name of a run or pipeline starts with a dot, and none has three tildes: a directory that belongs to
# another checkpoint is never called like one of these.
_REQUEST = ".request.json"
_NAME = re.compile(r"(\d{10,})~(\d{6,})~(.*)~(\d{8,})\.json")


@dataclass(frozen=True, order=True)
class _Saved:
    """One saved state, by what its object's name says. Sorts from the oldest to the newest."""

    fence: int
    attempt: int
    owner: str
    number: int

    @classmethod
    def parse(cls, name: str) -> _Saved | None:
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), int(match[2]), match[3], int(match[4])) if match else None

    @property
    def rank(self) -> tuple[int, int, str]:
        return self.fence, self.attempt, self.owner

    @property
    def name(self) -> str:
        return f"{self.fence:010}~{self.attempt:06}~{self.owner}~{self.number:08}.json"


def _saved(files: ObjectFiles, directory: str) -> list[_Saved]:
    return sorted(saved for saved in map(_Saved.parse, files.files(directory)) if saved is not None)


def _directory(run_id: str, scope: Scope, *pipeline_name: str) -> str:
    return "/".join(map(file_name, (*scope, run_id, *pipeline_name)))
