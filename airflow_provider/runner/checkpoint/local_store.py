"""A store of JSON files in a directory. Serves every process that sees the directory."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError, CheckpointReadError
from airflow_provider.runner.checkpoint.durable_files import make_directories, write_durably
from airflow_provider.runner.checkpoint.store import only_one, read_request, refuse_stale
from airflow_provider.runner.record.file_names import file_name
from airflow_provider.runner.record.state import CheckpointState, RestartRequest, Scope

logger = logging.getLogger(__name__)


class LocalCheckpointStore:
    """Keeps each checkpoint in a file ``<base>/<scope…>/<run id>/<pipeline>.json``.

    Names are data, never paths: every character that is not safe in a file name is percent-encoded, and a
    name that would be too long is cut and ends in its hash. The full names are in the file.

    A save writes a temporary file, flushes it to disk, renames it over the old one and flushes the
    directory: whatever happens, the file holds the old state or the new one. A request to restart lies beside it
    as ``.<pipeline>.request``: no checkpoint's name starts with a dot.

    :param base_dir: the directory; created when first needed
    """

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        self.base_dir = Path(base_dir)

    def __repr__(self) -> str:
        return f"LocalCheckpointStore({str(self.base_dir)!r})"

    def __str__(self) -> str:
        return f"directory {self.base_dir}"

    def save(self, state: CheckpointState) -> None:
        path = self._path(state.run_id, state.pipeline_name, state.scope)
        text = json.dumps(state.to_json(), ensure_ascii=False, indent=1)
        make_directories(path.parent)
        with _locked(path.parent):
            refuse_stale(self._read(path), state)
            write_durably(path, text.encode("utf-8", "surrogatepass"))

    def load(self, run_id: str, pipeline_name: str | None = None, *, scope: Scope = ()) -> CheckpointState | None:
        if pipeline_name is not None:
            return self._read(self._path(run_id, pipeline_name, scope))
        directory = self._directory(run_id, scope)
        found = [self._read(path) for path in sorted(directory.glob("*.json"))]
        return only_one([state for state in found if state is not None], run_id)

    def delete(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> bool:
        path = self._path(run_id, pipeline_name, scope)
        if not path.parent.is_dir():
            return False
        with _locked(path.parent):
            existed = path.exists()
            path.unlink(missing_ok=True)
            self._request_path(run_id, pipeline_name, scope).unlink(missing_ok=True)
        return existed

    def leave_request(self, request: RestartRequest, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        path = self._request_path(run_id, pipeline_name, scope)
        make_directories(path.parent)
        with _locked(path.parent):
            write_durably(path, request.model_dump_json().encode("utf-8", "surrogatepass"))

    def find_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> RestartRequest | None:
        path = self._request_path(run_id, pipeline_name, scope)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointReadError(
                f"cannot read {path}: {error}; make it readable for the user of the task"
            ) from error
        return read_request(content, str(path))

    def drop_request(self, run_id: str, pipeline_name: str, *, scope: Scope = ()) -> None:
        path = self._request_path(run_id, pipeline_name, scope)
        if path.parent.is_dir():
            with _locked(path.parent):
                path.unlink(missing_ok=True)

    def list(self) -> Iterator[CheckpointState]:
        """Yield every readable checkpoint below the base directory."""
        for path in sorted(self.base_dir.rglob("*.json")):
            if any(part.startswith(".") for part in path.relative_to(self.base_dir).parts):
                continue  # no name of a checkpoint starts with a dot; saved views may lie in such a directory
            try:
                state = self._read(path)
            except CheckpointFormatError:
                continue  # written by a newer version, and the log says so
            if state is not None:
                yield state

    def _directory(self, run_id: str, scope: Scope) -> Path:
        return self.base_dir.joinpath(*map(file_name, scope), file_name(run_id))

    def _path(self, run_id: str, pipeline_name: str, scope: Scope) -> Path:
        return self._directory(run_id, scope) / f"{file_name(pipeline_name)}.json"

    def _request_path(self, run_id: str, pipeline_name: str, scope: Scope) -> Path:
        return self._directory(run_id, scope) / f".{file_name(pipeline_name)}.request"

    def _read(self, path: Path) -> CheckpointState | None:
        try:
            text = path.read_bytes().decode("utf-8", "surrogatepass")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            return self._set_aside(path, error)
        except OSError as error:
            raise CheckpointReadError(
                f"cannot read checkpoint {path}: {error}; make it readable for the user of the task"
            ) from error
        try:
            return CheckpointState.from_json(text)
        except CheckpointFormatError:
            logger.error("checkpoint %s was written by a newer version", path)
            raise
        except CheckpointCorruptError as error:
            return self._set_aside(path, error)

    @staticmethod
    def _set_aside(path: Path, error: Exception) -> None:
        aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return  # another process was faster
        except OSError as failure:
            raise CheckpointReadError(
                f"checkpoint {path} is damaged ({error}) and cannot be set aside: {failure}; move it away"
            ) from failure
        logger.warning(
            "checkpoint %s is damaged (%s); it was set aside as %s and the pipeline starts afresh",
            path,
            error,
            aside.name,
        )


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with open(directory / ".lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
