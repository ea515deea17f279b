"""Sets aside what is no checkpoint: it is renamed beside where it was, never deleted."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_provider.errors import CheckpointReadError, describe
from airflow_provider.runner.checkpoint.files import RecordFiles
from airflow_provider.runner.checkpoint.layout import Rank
from airflow_provider.runner.record.state import FORMAT_1

logger = logging.getLogger(__name__)

_MARK = ".corrupt-"
_SET_ASIDE = re.compile(r".*\.json\.corrupt-[\dT.]+", re.DOTALL)
_FORMAT_1 = re.compile(r"\d{10,}~\d{6,}~.*~\d{8,}\.json")


def is_set_aside(name: str) -> bool:
    """Return whether a file has been set aside, by its name."""
    return _SET_ASIDE.fullmatch(name) is not None


class SetAside:
    """Renames damaged files of one store.

    :param files: its backend
    :param place: says where that is
    """

    def __init__(self, files: RecordFiles, place: str) -> None:
        self._files = files
        self.place = place

    def checkpoint(self, directory: str, found: Sequence[Rank], error: Exception) -> None:
        """Set a whole checkpoint aside. The fences stay, so that whoever was replaced stays so.

        Older ranks come first and newer documents before older ones: whatever a kill leaves was a checkpoint once.
        """
        for rank in found:
            own = f"{directory}/{rank.name}"
            for name in sorted(self._files.files(own), reverse=True):
                if name.endswith(".json"):
                    self._rename(f"{own}/{name}", error)
        logger.warning(
            "checkpoint %s in %s is damaged (%s); its files were set aside (….json%s…) and the pipeline starts afresh",
            directory,
            self.place,
            error,
            _MARK,
        )

    def last_document(self, path: str, error: Exception) -> None:
        """Set aside the newest document alone."""
        aside = self._rename(path, error)
        logger.warning(
            "%s in %s is damaged (%s), so it was not written in full; it was set aside as %s, and what was recorded "
            "before it counts",
            path,
            self.place,
            error,
            aside.rpartition("/")[2],
        )

    def format_1(self, directory: str) -> None:
        """Set aside what a version before the first release has left in the place of a checkpoint."""
        parent, _, name = directory.rpartition("/")
        old = [f"{directory}/{file}" for file in self._files.files(directory) if _FORMAT_1.fullmatch(file)]
        old += [f"{parent}/{file}" for file in self._files.files(parent) if parent and file == f"{name}.json"]
        for path in old:
            error = ValueError(FORMAT_1)
            aside = self._rename(path, error)
            logger.warning(
                "checkpoint %s in %s: %s; it was set aside as %s and the pipeline starts afresh",
                path,
                self.place,
                error,
                aside.rpartition("/")[2],
            )

    def _rename(self, path: str, error: Exception) -> str:
        aside = f"{path}{_MARK}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        try:
            self._files.move(path, aside)
        except FileNotFoundError:
            pass  # another process was faster
        except Exception as failure:
            raise CheckpointReadError(
                f"checkpoint {path} in {self.place} is damaged ({error}) and cannot be set aside: {describe(failure)}; "
                "move it away"
            ) from failure
        return aside
