"""Damaged checkpoints: a reader ignores them, an attempt that takes over sets them aside. Nothing deletes them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from airflow_provider.errors import CheckpointReadError, describe
from airflow_provider.runner.checkpoint.layout import AttemptRank
from airflow_provider.runner.record.checkpoint_state import FORMAT_1
from airflow_provider.runner.storage.file_storage import FileStorage, file_names

logger = logging.getLogger(__name__)

_MARK = ".corrupt-"
_SET_ASIDE = re.compile(r".*\.json\.corrupt-[\dT.]+", re.DOTALL)
_FORMAT_1 = re.compile(r"\d{10,}~\d{6,}~.*~\d{8,}\.json")


def is_set_aside(name: str) -> bool:
    """Return whether the name is that of a file that was set aside."""
    return _SET_ASIDE.fullmatch(name) is not None


class DamageHandler:
    """Handles damaged files of one store.

    Only an attempt that has taken over sets them aside: by then no attempt that may still record anything uses them. A
    reader reports what is wrong and changes nothing, so that reading never harms a running attempt.

    :param place: says where the storage is, for messages
    :param taken_over: whether an attempt has taken over
    """

    def __init__(self, files: FileStorage, place: str, *, taken_over: bool) -> None:
        self._files = files
        self._taken_over = taken_over
        self.place = place

    def checkpoint(self, directory: str, found: Sequence[AttemptRank], error: Exception) -> None:
        """A whole checkpoint is damaged. Its fences stay, so that a replaced attempt stays replaced.

        Older ranks come first, and newer documents before older ones: whatever a kill leaves was once a checkpoint.
        """
        paths = []
        for rank in found:
            own = f"{directory}/{rank.name}"
            paths += [f"{own}/{name}" for name in reversed(file_names(self._files, own)) if name.endswith(".json")]
        self._deal_with(
            f"checkpoint {directory}", paths, error, "it is ignored, and the pipeline starts from the beginning"
        )

    def last_document(self, path: str, error: Exception) -> None:
        """The newest document alone is damaged."""
        self._deal_with(path, [path], error, "it was not written completely; everything recorded before it counts")

    def format_1(self, directory: str) -> None:
        """Look for files that a version before the first release left in the place of a checkpoint."""
        parent, _, name = directory.rpartition("/")
        old = [f"{directory}/{file}" for file in file_names(self._files, directory) if _FORMAT_1.fullmatch(file)]
        old += [f"{parent}/{file}" for file in file_names(self._files, parent) if parent and file == f"{name}.json"]
        for path in old:
            self._deal_with(
                f"checkpoint {path}", [path], ValueError(FORMAT_1), "the pipeline starts from the beginning"
            )

    def fences(self, directory: str, absurd: Iterable[str]) -> None:
        """Fences have numbers that no attempt can have reached."""
        for path in absurd:
            error = ValueError("no attempt can have this number")
            self._deal_with(f"fence {path}", [path], error, f"it is ignored for checkpoint {directory}")

    def _deal_with(self, what: str, paths: Sequence[str], error: Exception, so: str) -> None:
        if not self._taken_over:
            done = "the next attempt will set it aside"
        else:
            mark = f"{_MARK}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
            for path in paths:
                self._rename(path, f"{path}{mark}", error)
            done = f"it was set aside as ….json{mark}"
        logger.warning("%s in %s is damaged (%s); %s; %s", what, self.place, error, done, so)

    def _rename(self, path: str, aside: str, error: Exception) -> None:
        try:
            self._files.move(path, aside)
        except FileNotFoundError:
            pass  # another process was faster
        except Exception as failure:
            raise CheckpointReadError(
                f"checkpoint {path} in {self.place} is damaged ({error}), and setting it aside failed: "
                f"{describe(failure)}; move it away"
            ) from failure
