"""Saves what one attempt saves, each view in a directory of its own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.record.session_state_record import CatalogObject, SavedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.saved.catalog_manifest import MANIFEST, write_manifest
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory
from airflow_provider.runner.session_state.saved.files import delete_quietly, files_for, new_attempt_directory
from airflow_provider.runner.session_state.saved.views import save_view

NOWHERE = "there is no session_state_url to save to"


class ViewSaver:
    """Saves below a directory of the attempt's own, in that of its run.

    :param run: directory of the run
    :param format_name: Spark data source to write views with
    """

    def __init__(self, spark: Any, run: SavedDirectory, format_name: str) -> None:
        self.files = files_for(run.url, spark)
        self._spark = spark
        self._run = run
        self._directory = new_attempt_directory(run.url)
        self._format = format_name

    def save(self, view: ViewName, frame: Any, place: str, *, ordered: bool = False) -> SavedView:
        """Write the rows of a view; the view itself stays as it is.

        :param frame: its rows
        :param place: a directory below that of the attempt, which does not exist yet
        :param ordered: whether its rows have an order of their own
        :raises ViewNotSavedError: it could not be written, for whatever reason
        """
        url = f"{self._directory}/{place}"
        try:
            self._run.claim(self.files)
            return save_view(self._spark, self.files, view, frame, url, self._format, ordered=ordered)
        except Exception as error:
            delete_quietly(self.files, url)
            why = str(error) if isinstance(error, ViewNotSavedError) else describe(error)
            raise ViewNotSavedError(f"view {str(view)!r} cannot be saved: {why}") from error

    def write_manifest(self, objects: Sequence[CatalogObject]) -> str:
        """Write the second description of what lies where a component chose; return its directory.

        :param objects: databases and tables
        :raises Exception: whatever Spark or the storage object to
        """
        place = f"{self._directory}/0000-{uuid.uuid4().hex[:8]}/{MANIFEST}"
        self._run.claim(self.files)
        write_manifest(self._spark, place, objects)
        return place

    def discard(self, place: str) -> None:
        """Delete what was saved below a directory."""
        delete_quietly(self.files, f"{self._directory}/{place}")
