"""What is left out of the description of a database or table because reading it gives the same without.

Writers' options stay with a table, and so do properties and whatever is written on its columns. Most of it is for
writers and for people, and changes no row that a reader gets. What does change them stays, and is then
judged like everything else that may be made known from a record (``tables.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider.masking import looks_secret, mask
from airflow_provider.runner.record.session_state_record import CatalogObject, TableDescription
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_tables import CODEC, CODEC_OPTIONS, OPTIONS, is_data

_CHOOSE_FILES = frozenset({"path", "paths", "basepath", "avroschema", "avroschemaurl", "rowvalidationxsdpath"})
"""Options that Spark's formats ask when they read, and that no record may choose."""

_READ_BY_HADOOP = ("orc.", "avro.", "hive.", "mapred", "io.")
"""Areas of Hadoop's options of which some change what a format reads."""

_RESERVED = ("_", "spark.", "delta.", "parquet.", "identity.", "iceberg.")
_EXPRESSIONS = ("CURRENT_DEFAULT", "EXISTS_DEFAULT", "GENERATION_EXPRESSION")

_OF_WRITERS = frozenset({"collation", "ignoredProperties", "unsupportedFeatures", "schemaPreservesCase"})
"""Fields of Spark's own description that no reader of a table asks."""


def without_unneeded(item: CatalogObject) -> tuple[CatalogObject, list[str]]:
    """Return a description without what no reader of the table needs, and what that is, in words."""
    left_out: list[str] = []
    changed: dict[str, Any] = {}
    if item.comment is not None and mask(item.comment) != item.comment:
        changed["comment"] = None
        left_out.append("its comment, which looks like a secret")
    unneeded = [
        key
        for key, value in item.properties.items()
        if key.lower().startswith(("spark.", "view.")) or looks_secret(key, value, {})
    ]
    if unneeded:
        changed["properties"] = {key: value for key, value in item.properties.items() if key not in unneeded}
        left_out += [f"the property {shown(key)!r}" for key in unneeded]
    if item.table is not None:
        changed["table"] = _plain_table(item.table, left_out)
    return item.model_copy(update=changed), left_out


def reject_incomplete(fields: list[str]) -> str | None:
    """Return why a table is not what its description says, None if nothing speaks against it.

    :param fields: of Spark's own description, that differ
    """
    needed = [field for field in fields if field not in _OF_WRITERS]
    return f"has properties that cannot be recorded as data ({', '.join(needed)})" if needed else None


def _plain_table(table: TableDescription, left_out: list[str]) -> TableDescription:
    options = {key: value for key, value in table.options.items() if _is_read(table.provider, key, value)}
    left_out += [f"the option {shown(key)!r}" for key in table.options if key not in options]
    columns = table.columns
    try:
        root = json.loads(columns)
    except (ValueError, RecursionError):
        return table.model_copy(update={"options": options})
    if dropped := sorted(set(_without_notes(root))):
        columns = json.dumps(root, separators=(",", ":"))
        left_out += [f"{shown(key)!r}, metadata of a column" for key in dropped]
    return table.model_copy(update={"options": options, "columns": columns})


def _is_read(provider: str, key: str, value: str) -> bool:
    """Whether reading a table may depend on an option."""
    name = key.lower()
    if provider.lower() == "delta":
        return True  # its options are its own
    if name in CODEC_OPTIONS:
        return CODEC.fullmatch(value) is not None  # readers find out by themselves
    return name in OPTIONS or name in _CHOOSE_FILES or name.startswith(_READ_BY_HADOOP)


def _without_notes(root: Any) -> Iterator[str]:
    """Take out of a schema what is written on its columns and means nothing to Spark; yield what that is."""
    inside = [root]
    while inside:
        found = inside.pop()
        if isinstance(found, list):
            inside += found
        elif isinstance(found, Mapping):
            metadata = found.get("metadata")
            if isinstance(metadata, dict):
                for key in [key for key, value in metadata.items() if _is_note(key, value)]:
                    del metadata[key]
                    yield key
            inside += [part for name, part in found.items() if name != "metadata"]


def _is_note(key: str, value: object) -> bool:
    means_something = key in _EXPRESSIONS or key.startswith(_RESERVED)
    return not is_data(key, value) and not means_something
