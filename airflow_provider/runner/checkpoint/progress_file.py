"""How far one try is, in a file beside the checkpoint, for an operator that cannot see the driver itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider.runner.checkpoint.layout import PROGRESS, decode
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.file_storage import FileStorage, file_names


class ProgressFile:
    """Keeps the newest document of one try. Each try has a file of its own, so a replaced one overwrites nothing.

    :param storage: returns the storage in which the checkpoint is
    :param key: which run
    :param try_number: Airflow's number of the try
    """

    any_thread = True

    def __init__(self, storage: Callable[[], FileStorage], key: RunKey, try_number: int) -> None:
        self._storage = storage
        self._directory = f"{key.path}/{PROGRESS}"
        self._name = f"{try_number:06}.json"
        self._has_written = False

    def read(self) -> Any:
        """Return what is there, None if nothing is.

        :raises ValueError: it is not JSON
        """
        try:
            return json.loads(decode(self._storage().read(f"{self._directory}/{self._name}")))
        except FileNotFoundError:
            return None

    def write(self, document: dict[str, Any]) -> None:
        files = self._storage()
        files.write(f"{self._directory}/{self._name}", json.dumps(document).encode())
        if not self._has_written:
            self._has_written = True
            files.delete(
                [f"{self._directory}/{name}" for name in file_names(files, self._directory) if name < self._name]
            )
