"""Saves what one attempt saves, each view in a directory of its own."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.record.session_state_record import CatalogObject, SavedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.saved.catalog_manifest import MANIFEST, write_manifest
from airflow_provider.runner.session_state.saved.directory_marker import SavedDirectory
from airflow_provider.runner.session_state.saved.files import (
    delete_quietly,
    files_for,
    new_attempt_directory,
)
from airflow_provider.runner.session_state.saved.switched_off_types import with_all_types
from airflow_provider.runner.session_state.saved.views import ORDER, read_view
from airflow_provider.runner.storage.spark_urls import writable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

NOWHERE = "there is no session_state_url to save to"


class ViewSaver:
    """Saves below a directory of the attempt's own, in that of its run.

    :param run: directory of the run
    :param format_name: Spark data source to write views with
    """

    def __init__(self, spark: SparkSession, run: SavedDirectory, format_name: str) -> None:
        self.files = files_for(run.url, spark)
        self._spark = spark
        self._run = run
        self._directory = new_attempt_directory(run.url)
        self._format = format_name

    def in_copy(self, spark: SparkSession) -> ViewSaver:
        """Return what saves the views of a copy of the session, to the same place."""
        made = copy.copy(self)
        made.files, made._spark = files_for(self._run.url, spark), spark
        return made

    def save(self, view: ViewName, frame: DataFrame, place: str, *, ordered: bool = False) -> SavedView:
        """Write the rows of a view; the view itself stays as it is.

        :param frame: its rows
        :param place: a directory below that of the attempt, which does not exist yet
        :param ordered: whether its rows have an order of their own
        :raises ViewNotSavedError: it could not be written
        """
        url = f"{self._directory}/{place}"
        try:
            self._run.claim(self.files)
            with_all_types(self._spark, lambda: self._write(frame, url, ordered=ordered))
            saved = self._described(view, frame, url, ordered=ordered)
            self._refuse_other_types(frame, saved)
        except Exception as error:
            delete_quietly(self.files, url)
            why = str(error) if isinstance(error, ViewNotSavedError) else describe(error)
            raise ViewNotSavedError(f"view {str(view)!r} cannot be saved: {why}") from error
        return saved

    def write_manifest(self, objects: Sequence[CatalogObject]) -> str:
        """Write the second description of databases and tables whose component chose their location.

        :return: its directory
        :raises Exception: whatever Spark or the storage raises
        """
        place = f"{self._directory}/0000-{uuid.uuid4().hex[:8]}/{MANIFEST}"
        self._run.claim(self.files)
        write_manifest(self._spark, place, objects)
        return place

    def discard(self, place: str) -> None:
        """Delete what was saved below a directory."""
        delete_quietly(self.files, f"{self._directory}/{place}")

    def _write(self, frame: DataFrame, url: str, *, ordered: bool) -> None:
        from pyspark.sql import functions as F

        if frame.isStreaming:
            raise ViewNotSavedError("it is a stream")
        if frame.columns:
            plain = frame.toDF(*(f"c{index}" for index in range(len(frame.columns))))
        else:
            plain = frame.select(F.lit(1).alias("c0"))
        if ordered:
            plain = plain.withColumn(ORDER, F.monotonically_increasing_id())
        plain.write.format(self._format).save(writable(url))  # fails if there is something already

    def _described(self, view: ViewName, frame: DataFrame, url: str, *, ordered: bool) -> SavedView:
        listing = self.files.listing(url)
        if listing is None:
            raise ViewNotSavedError(f"{url} is empty after it was written")
        return SavedView(
            name=view.name,
            is_global=view.is_global,
            url=url,
            format=self._format,
            columns=list(frame.columns),
            files=listing.files,
            bytes=listing.bytes,
            digest=listing.digest,
            ordered=ordered,
        )

    def _refuse_other_types(self, frame: DataFrame, saved: SavedView) -> None:
        """Raise if the format reads back other types than were written."""
        written = read_view(self._spark, saved)
        changed = [
            f"{mine.name!r} {mine.dataType.simpleString()} as {theirs.dataType.simpleString()}"
            for mine, theirs in zip(frame.schema, written.schema, strict=True)
            if _shape(mine.dataType) != _shape(theirs.dataType)
        ]
        if changed:
            raise ViewNotSavedError(f"format {self._format} reads back {', '.join(changed)}")


def _shape(data_type: DataType) -> str:
    # The only booleans in a type's JSON say whether nulls are allowed, which no file format keeps.
    return str(data_type.json()).replace("false", "true")
