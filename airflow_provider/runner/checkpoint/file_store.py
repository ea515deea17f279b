"""A checkpoint as a few files that are never changed: one per takeover, one per attempt's beginning, one per event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider.errors import CheckpointError, CheckpointFormatError, CheckpointReadError, describe
from airflow_provider.runner.checkpoint.damage import DamageHandler
from airflow_provider.runner.checkpoint.files_writer import (
    FilesWriter,
    all_ranks,
    attempt_files,
    fence_document,
    refuse_replaced,
)
from airflow_provider.runner.checkpoint.layout import FENCES, PROGRESS, REQUEST, AttemptRank, encode
from airflow_provider.runner.checkpoint.read import (
    possible_ranks,
    ranks,
    read_newest,
    refuse_newer_format,
)
from airflow_provider.runner.checkpoint.store import (
    FENCED_OFF,
    Takeover,
    TakeoverClaim,
    only_one,
    read_request,
    replaced_error,
)
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.file_names import file_name
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.runner.storage.file_storage import FileStorage, directory_names, file_names, interrupted_writes

logger = logging.getLogger(__name__)


class FileCheckpointStore:
    """Keeps checkpoints on any storage, laid out as in :mod:`airflow_provider.runner.checkpoint.layout`.

    It needs neither locks nor a compare-and-swap. An attempt's **fence** is a file whose name is the attempt's rank
    (fence, attempt, owner). Everything else that the attempt writes lies in a directory of that name, where no other
    attempt writes. The checkpoint is what the highest rank that has begun has written: its newest whole record and the
    updates after it. An attempt

    - *takes over*: writes a fence one above the highest, lists the fences, gives up if there is now a higher one, and
      reads the checkpoint, of which it sets aside what is damaged;
    - *begins*: writes the whole record, lists the fences, gives up if there is a higher one, and deletes what lower
      ranks have left;
    - *records an event*: writes one small file, lists the fences, and gives up if there is a higher one.

    Why that is enough, for a kill at any point and for two attempts in any order of their steps. The numbers are the
    guarantees of :class:`~airflow_provider.runner.storage.file_storage.FileStorage`.

    - *Never forget.* The record of an event counts as saved only if the listing after it showed no higher fence. Calls
      take effect in order (4) and listings are consistent (3), so a successor wrote its fence after the event was
      durable (2), and the successor, which reads after it has written its fence, sees the event. A takeover deletes
      nothing, so a kill between takeover and beginning leaves the old record as it was. What lower ranks have left is
      deleted only after the whole record of a higher rank is there (2, 4); a kill in the middle leaves files that no
      longer count, because a higher rank has begun.
    - *Never invent.* A file of an event is written after the event, and is whole or not there (1). One that was written
      but never acknowledged tells the truth, too: it counts if a successor sees it, and is deleted with its rank
      otherwise.
    - *The newest attempt wins.* The fence of a higher rank stays, or a still higher one does, so every later listing of
      a replaced attempt shows it (3). Of two that write the same fence, attempt and owner decide, and both decide
      alike; their names differ, so neither overwrites the other. Only a request to restart has one name for everybody,
      and there the last write wins (5).

    :meth:`save` alone, without :meth:`take_over`, does not read after it has written its fence. So of two attempts that
    first save under the same fence at the same instant, the higher one does not know what the lower one recorded in
    between. The runner always takes over first.

    :param place: says where this is, for messages
    :param address: identifies the place, see :func:`~airflow_provider.runner.checkpoint.address.store_address`
    """

    def __init__(self, place: str, address: str) -> None:
        self._place = place
        self._address = address

    def __str__(self) -> str:
        return self._place

    @property
    def address(self) -> str:
        """Identifies the place: the same for every store that leads there."""
        return self._address

    def storage(self) -> FileStorage:
        """Return the storage."""
        raise NotImplementedError

    def save(self, state: CheckpointState) -> None:
        files, key = self.storage(), state.key
        mine = AttemptRank.of(state.fence, state.attempt, state.owner)
        found = ranks(files, key)
        own = [rank for rank in found if rank.is_same_attempt(mine)]
        rivals = [rank for rank in found if not rank.is_same_attempt(mine) and (rank > mine or not own)]
        if rivals and rivals[-1].fence >= mine.fence:
            raise replaced_error(key, state.attempt, rivals[-1].attempt)
        if not own:
            self._take(files, key)
        FilesWriter(str(self), files, key, own[-1] if own else mine).begin(state)

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        with self._reading(f"the checkpoint of run {run_id!r}"):
            files = self.storage()
            if pipeline_name is not None:
                return self._read(files, RunKey(scope, run_id, pipeline_name))
            run = "/".join(map(file_name, (*scope, run_id)))
            names = [name for name in directory_names(files, run) if file_names(files, f"{run}/{name}/{FENCES}")]
            found = [self._read(files, None, f"{run}/{name}") for name in names]
        return only_one([state for state in found if state is not None], run_id)

    def exists(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        """Return whether there is a checkpoint that can be loaded. Errors are those of :meth:`load`."""
        return self.load(run_id, pipeline_name, scope=scope) is not None

    def take_over(self, claim: TakeoverClaim) -> Takeover:
        files, key = self.storage(), claim.key
        with self._reading(f"the checkpoint of {key}"):
            before = possible_ranks(files, key, DamageHandler(files, str(self), taken_over=True))
            refuse_newer_format(files, key, before)  # before anything is written
        highest = before[-1].fence if before else 0
        earlier = [rank.attempt for rank in before if rank.owner != AttemptRank.of(0, 0, claim.owner).owner]
        number = claim.attempt or max(earlier, default=0) + 1
        mine = AttemptRank.of(highest + 1, number, claim.owner)
        files.write(f"{key.path}/{mine.fence_path}", encode(fence_document(key, mine)))
        refuse_replaced(files, key, mine)
        return Takeover(self._take(files, key), mine.fence, number, FilesWriter(str(self), files, key, mine))

    def fence_off(self, key: RunKey) -> None:
        files = self.storage()
        highest = max(
            (rank.fence for rank in possible_ranks(files, key, DamageHandler(files, str(self), taken_over=True))),
            default=0,
        )
        rank = AttemptRank(highest + 1, 0, FENCED_OFF)
        files.write(f"{key.path}/{rank.fence_path}", encode(fence_document(key, rank)))

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        files, key = self.storage(), RunKey(scope, run_id, pipeline_name)
        found = ranks(files, key)
        gone = [name for rank in all_ranks(files, key) for name in reversed(attempt_files(files, key, rank))]
        # Last, so that a kill leaves a checkpoint as it once was, or none. Whoever was fenced off stays so.
        fences = [f"{key.path}/{rank.fence_path}" for rank in found if rank.owner != FENCED_OFF]
        # Two calls: within one the order is open.
        request = f"{key.path}/{REQUEST}"
        for paths in filter(None, (gone, [*fences, request, *interrupted_writes(files, request)])):
            files.delete(paths)
        files.delete_tree(f"{key.path}/{PROGRESS}")
        return bool(gone)

    def list(self) -> Iterator[CheckpointState]:
        """Yield every readable checkpoint."""
        with self._reading("the checkpoints"):
            files = self.storage()
            parts = (path.rsplit("/", 2) for path, _ in files.walk())
            directories = sorted({p[0] for p in parts if len(p) == 3 and p[1] == FENCES and AttemptRank.parse(p[2])})
        for directory in directories:
            try:
                with self._reading("the checkpoints"):
                    state = self._read(files, None, directory)
            except CheckpointFormatError as error:
                logger.warning("%s in %s: %s", directory, self, error)
                continue
            if state is not None:
                yield state

    def leave_request(self, request: RestartRequest, key: RunKey) -> None:
        self.storage().write(f"{key.path}/{REQUEST}", request.model_dump_json().encode("utf-8", "surrogatepass"))

    def find_request(self, key: RunKey) -> RestartRequest | None:
        path = f"{key.path}/{REQUEST}"
        with self._reading(f"the request for {key}"):
            try:
                content = self.storage().read(path)
            except FileNotFoundError:
                return None
        return read_request(content, f"{path} in {self}")

    def drop_request(self, key: RunKey) -> None:
        self.storage().delete([f"{key.path}/{REQUEST}"])

    def _read(self, files: FileStorage, key: RunKey | None, directory: str | None = None) -> CheckpointState | None:
        damage = DamageHandler(files, str(self), taken_over=False)
        return read_newest(files, key, directory or (key.path if key else ""), damage)

    def _take(self, files: FileStorage, key: RunKey) -> CheckpointState | None:
        """Return what earlier attempts have recorded; set aside what is damaged."""
        with self._reading(f"the checkpoint of {key}"):
            return read_newest(files, key, key.path, DamageHandler(files, str(self), taken_over=True))

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except CheckpointError:
            raise
        except Exception as error:
            raise CheckpointReadError(
                f"cannot read {what} from {self}: {describe(error)}; check that the place is right and that the task "
                "may list and read it"
            ) from error
