"""Whether what is recorded of a component can be used as it is. Nothing here touches anything but local directories."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.saved.catalog_manifest import MANIFEST
from airflow_provider.runner.session_state.trusted.trusted_locations import reject_format, reject_location
from airflow_provider.runner.session_state.trusted.trusted_settings import reject_setting
from airflow_provider.runner.session_state.trusted.trusted_tables import reject_catalog_object

# As Spark writes the current catalog and database: parts of letters, digits, _ and -, or in backticks.
_PART = r"(?:[\w-]+|`(?:[^`]|``)+`)"
_IDENTIFIER = re.compile(rf"{_PART}(?:\.{_PART})*")


def reject_record(record: SessionStateRecord, run: str | None, view_format: str) -> str | None:
    """Return why the session state of a component must not be restored, None if it may.

    :param record: what the checkpoint says of it
    :param run: directory of this run for saved views, from today's config; None if there is none
    :param view_format: ``session_state_format`` of today's config
    """
    return next(filter(None, _problems(record, run, view_format)), None)


def _problems(record: SessionStateRecord, run: str | None, view_format: str) -> Iterator[str | None]:
    saved = [ViewName(view.name, view.is_global) for view in record.views]
    if len(saved) > len(set(saved)) or not set(saved) <= set(record.left_views):
        yield "the views that it saved are not those that it left"
    for view in record.views:
        for why in (reject_location(run, view.url), reject_format(view.format, view_format)):
            yield f"its saved view {view.name[:200]!r}: {why}" if why else None
    for key, value in record.settings.items():
        yield reject_setting(key, value)
    for kind, name in (("catalog", record.catalog), ("database", record.database)):
        if name is not None and not _IDENTIFIER.fullmatch(name):
            yield f"its current {kind} {name[:200]!r} is no name"
    for item in record.objects:
        yield reject_catalog_object(item)
    if record.vouched is not None:
        why = reject_location(run, record.vouched)
        if why is None and not record.vouched.endswith(f"/{MANIFEST}"):
            why = "it is a saved view"
        yield f"what it says of its tables: {why}" if why else None
