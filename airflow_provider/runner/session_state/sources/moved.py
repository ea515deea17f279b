"""Whether a relative path leads to another place than before, because Spark was started in another directory."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider.runner.record.source_record import SourceRecord


def moved_sources(config: Mapping[str, Any], before: Sequence[SourceRecord], now: Sequence[SourceRecord]) -> list[str]:
    """Return what a component reads now that it had not read before, because its config holds a relative path.

    :param config: the component's config
    :param before: what it had read when it completed
    :param now: what it has read when it was replayed
    """
    found = []
    for path in dict.fromkeys(_relative(config)):
        old, new = _bases(path, before), _bases(path, now)
        if old and new and not old & new:
            there, here = min(old), min(new)
            found.append(
                f"it read {path!r} in {here}, and in {there} before: a relative path starts in the directory where "
                f"Spark was started. Start Spark in {there} again, or use an absolute path"
            )
    return found


def _relative(value: Any) -> Iterator[str]:
    """Yield the texts in a config that may be relative paths."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _relative(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _relative(item)
    elif isinstance(value, str) and value and not value.startswith("/") and "\n" not in value:
        path = value.removeprefix("file:")
        if path and not path.startswith("/") and "://" not in path:
            yield path


def _bases(path: str, sources: Iterable[SourceRecord]) -> set[str]:
    """Return the local directories in which a relative path starts, going by what was read."""
    rest = posixpath.normpath(path)
    while rest.startswith("../"):
        rest = rest[3:]
    places = [place for source in sources if source.kind == "files" for place in (*source.roots, *source.globs)]
    return {
        place[: -len(rest)].rstrip("/") or "/"
        for place in places
        if rest not in (".", "..") and place.startswith("/") and place.endswith(f"/{rest}")
    }
