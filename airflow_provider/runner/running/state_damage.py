"""Whether what a component saved of its session state is still there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.saved.files import SavedFiles
from airflow_provider.runner.session_state.saved.views import find_damage
from airflow_provider.runner.storage.spark_urls import local_path


def missing_state(
    record: SessionStateRecord, dropped: Collection[str], files_of: Callable[[str], SavedFiles]
) -> str | None:
    """Return what is wrong with the views and tables that a component left, None if nothing is.

    :param record: what is recorded of the component
    :param dropped: databases and tables that later components dropped
    :param files_of: returns the storage on which a URL lies
    """
    for view in record.views:
        if what := find_damage(files_of(view.url), view):
            return what
    if record.vouched and not files_of(record.vouched).exists(record.vouched):
        return f"the description of its tables is missing from {record.vouched}"
    for item in record.objects:
        # Other storage is asked when the table is restored: only then is it certain that the record is right.
        path = local_path(item.location)
        if item.table is not None and item.name not in dropped and path is not None and not _exists(path):
            return f"its table {item.name} is missing from {item.location}"
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, or a directory without permission to look into it
        return False
