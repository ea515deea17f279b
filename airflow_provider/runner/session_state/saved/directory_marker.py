"""Says which run a directory of saved views belongs to, and since when, so that `prune` knows what it may delete.

Two small JSON files lie beside the ``attempt-…`` directories, under names that Spark's readers pass over:

- ``_pyspark_pipeline.json``, the **marker**: written by every attempt that uses the directory, before it reads or saves
  the first view there.
- ``_pyspark_pipeline_prune.json``, the **notice**: written by `prune` before it deletes anything.

There are no locks. An attempt writes the marker and then looks for a notice; `prune` writes the notice and then looks
whether the marker is still the one on which it decided. Whoever comes second sees the other: `prune` gives up, or the
attempt counts on nothing that was saved before.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from airflow_provider.errors import describe
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.runner.session_state.saved.files import SavedFiles, remove_attempts

logger = logging.getLogger(__name__)

MARKER = "_pyspark_pipeline.json"
NOTICE = "_pyspark_pipeline_prune.json"
MARKER_FORMAT = 1
DEFAULT_RETENTION_DAYS = 90.0
LARGEST_MARKER = 100_000  # bytes


@dataclass(frozen=True)
class Ownership:
    """Whose saved views are.

    :param key: which checkpoint they belong to; None if unknown
    :param checkpoint: where that is kept, see :func:`~airflow_provider.runner.checkpoint.address.store_address`
    :param retention_days: for how long the views are kept after an attempt last used them; None for ever
    :param deployment: tells apart several Airflows, empty outside Airflow
    :param hours_after_success: for how long they are kept after the pipeline has succeeded; 0: not at all
    """

    key: RunKey | None = None
    checkpoint: str = ""
    retention_days: float | None = DEFAULT_RETENTION_DAYS
    deployment: str = ""
    hours_after_success: float = 0.0


@dataclass(frozen=True)
class Retention:
    """For how long saved views are kept, as an operator passes it on.

    :param retention_days: after an attempt last used them; None for ever
    :param deployment: tells apart several Airflows, empty outside Airflow
    :param hours_after_success: after the pipeline has succeeded; 0: not at all
    """

    retention_days: float | None = DEFAULT_RETENTION_DAYS
    deployment: str = ""
    hours_after_success: float = 0.0

    def owner(self, key: RunKey, checkpoint: str) -> Ownership:
        """Return whose the saved views of a run are."""
        return Ownership(key, checkpoint, self.retention_days, self.deployment, self.hours_after_success)


class DirectoryMarker(BaseModel):
    """What a marker says. A reader acts on nothing but the directory that the marker lies in.

    :param scope: what identifies the checkpoint, together with ``run_id`` and ``pipeline_name``
    :param run_id: the run, None if unknown
    :param pipeline_name: the pipeline
    :param checkpoint: where the checkpoint is kept
    :param deployment: which Airflow
    :param retention_days: None for ever
    :param created_at: when the first attempt used the directory
    :param last_used: when the newest one began to
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format_version: int = Field(ge=MARKER_FORMAT, le=MARKER_FORMAT)
    scope: Scope = ()
    run_id: str | None = None
    pipeline_name: str | None = None
    checkpoint: str = ""
    deployment: str = ""
    retention_days: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    created_at: AwareDatetime
    last_used: AwareDatetime

    @classmethod
    def of(cls, owner: Ownership, created_at: datetime, last_used: datetime) -> DirectoryMarker:
        key = owner.key
        return cls(
            format_version=MARKER_FORMAT,
            scope=key.scope if key else (),
            run_id=key.run_id if key else None,
            pipeline_name=key.pipeline_name if key else None,
            checkpoint=owner.checkpoint,
            deployment=owner.deployment,
            retention_days=owner.retention_days,
            created_at=created_at,
            last_used=last_used,
        )

    @classmethod
    def parse(cls, content: bytes) -> DirectoryMarker | None:
        """Return what a file says, None if it is no marker that this version knows."""
        try:
            return cls.model_validate_json(content)
        except (ValidationError, RecursionError):
            return None

    @property
    def key(self) -> RunKey | None:
        """Which checkpoint the views belong to, None if unknown."""
        if self.run_id is None or self.pipeline_name is None:
            return None
        return RunKey(self.scope, self.run_id, self.pipeline_name)

    def to_bytes(self) -> bytes:
        return self.model_dump_json(indent=1, exclude_none=True).encode("utf-8", "surrogatepass")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class SavedDirectory:
    """One attempt's hold on the directory of its run.

    :param url: the directory
    :param owner: whose it is
    :param now: the time
    :ivar pruned: `prune` was about to delete what had been saved there, so nothing of it counts
    """

    url: str
    owner: Ownership = field(default_factory=Ownership)
    now: Callable[[], datetime] = _now
    pruned: bool = False
    _claimed: bool = False

    def claim(self, files: SavedFiles) -> None:
        """Write the marker, once. If that fails, the log says so and the attempt goes on: nothing depends on it.

        :param files: storage of the directory
        """
        if self._claimed:
            return
        self._claimed = True
        marker, notice = (f"{self.url.rstrip('/')}/{name}" for name in (MARKER, NOTICE))
        try:
            found = files.read(marker)
            earlier = DirectoryMarker.parse(found) if found is not None else None
            now = self.now()
            files.write(marker, DirectoryMarker.of(self.owner, earlier.created_at if earlier else now, now).to_bytes())
            if files.read(notice):
                self.pruned = True
                files.clear(notice)
        except Exception as error:  # noqa: BLE001 - storage clients raise anything, and this is housekeeping
            logger.warning(
                "cannot note in %s which run its saved views belong to (%s); `prune` will leave them alone",
                self.url,
                describe(error),
            )

    def keep_after_success(self, files: SavedFiles) -> None:
        """Write into the marker for how long views are kept after a success, if there is one.

        :param files: storage of the directory
        """
        marker = f"{self.url.rstrip('/')}/{MARKER}"
        try:
            found = files.read(marker)
            claimed = DirectoryMarker.parse(found) if found is not None else None
            if claimed is not None:
                days = self.owner.hours_after_success / 24
                files.write(marker, claimed.model_copy(update={"retention_days": days}).to_bytes())
        except Exception as error:  # noqa: BLE001 - storage clients raise anything, and this is housekeeping
            logger.warning("cannot change how long the saved views in %s are kept: %s", self.url, describe(error))


def delete_run(files: SavedFiles, url: str) -> None:
    """Delete all that attempts of one run saved, and the marker if nothing else is left.

    :param files: storage of the url
    :param url: directory of the run
    """
    remove_attempts(files, url)
    with contextlib.suppress(Exception):  # the warning is there already
        if files.can_delete(url) and not files.children(url):
            for name in (NOTICE, MARKER):
                files.clear(f"{url.rstrip('/')}/{name}")
            files.delete_if_empty(url)
