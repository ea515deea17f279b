"""Saves the views of one attempt, each in a directory of its own."""

from __future__ import annotations

from typing import Any

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.record.names import ViewName
from airflow_provider.runner.record.session_state import SavedView
from airflow_provider.runner.session_state.saved.files import Files, delete_quietly
from airflow_provider.runner.session_state.saved.views import save_view


class ViewSaver:
    """Saves views below the directory of an attempt.

    :param spark: the session
    :param files: storage of the directory
    :param directory: the attempt's own, for views
    :param format_name: Spark data source to write with
    """

    def __init__(self, spark: Any, files: Files, directory: str, format_name: str) -> None:
        self.files = files
        self._spark = spark
        self._directory = directory
        self._format = format_name

    def save(self, view: ViewName, frame: Any, place: str) -> SavedView:
        """Write the rows of a view; the view itself stays as it is.

        :param view: which view
        :param frame: its rows
        :param place: a directory below that of the attempt, which does not exist yet
        :raises ViewNotSavedError: it could not be written, for whatever reason
        """
        url = f"{self._directory}/{place}"
        try:
            return save_view(self._spark, self.files, view, frame, url, self._format)
        except Exception as error:
            delete_quietly(self.files, url)
            why = str(error) if isinstance(error, ViewNotSavedError) else describe(error)
            raise ViewNotSavedError(f"view {str(view)!r} cannot be saved: {why}") from error

    def discard(self, place: str) -> None:
        """Delete what was saved below a directory."""
        delete_quietly(self.files, f"{self._directory}/{place}")
