"""Compares places of data in any spelling: is this path, pattern or table the same as that one, or a part of it?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.globs import is_glob, name_pattern, path_parts

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):(?://([^/]*))?(?=/|$)")
_BESIDE = re.compile(r"/\.([^/]+)\.replacing-[0-9a-f]{16}-[0-9a-f]{8}(?=/|$)")
_TABLE_BESIDE = re.compile(r"(?<=\w)__replacing_[0-9a-f]{16}(?=[/`]|$)")
_FORMAT_AND_PATH = re.compile(r"^[\w.]+\.`(/.*|[a-zA-Z][\w+.-]*:/.*)`$", re.DOTALL)


def normalized(place: str) -> str:
    """Return a path in one spelling: local ones without scheme, ``s3`` and ``s3n`` as ``s3a``, no slash at the end."""
    found = _SCHEME.match(place)
    scheme, host, path = (found[1].lower(), found[2] or "", place[found.end() :]) if found else ("", "", place)
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or "/"
    if scheme in ("", "file"):
        return path
    return f"{'s3a' if scheme in ('s3', 's3n') else scheme}://{host}{path}"


def final_target(target: str) -> str:
    """Return where what was written will be found: `WriteData` writes beside it and exchanges the two."""
    return _TABLE_BESIDE.sub("", _BESIDE.sub(r"/\1", target))


def writes_into(targets: Iterable[str], source: SourceRecord) -> bool:
    """Return whether something was written into a source, or where a part of it is, or around it.

    In doubt it says yes: then the source is looked at once more, or views are saved that need not be.

    :param targets: paths, or names of tables
    :param source: what was read
    """
    return any(_hits(target, source) for target in targets)


def overlap(one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether two sources share data, as far as their names tell."""
    if one.key == other.key:
        return True
    return (
        writes_into(_literally(one), other)
        or writes_into(_literally(other), one)
        or any(_may_meet(path_parts(mine), path_parts(theirs)) for mine in one.globs for theirs in other.globs)
    )


def _literally(source: SourceRecord) -> list[str]:
    return [*source.roots, *([source.name] if source.kind == "table" else [])]


def _may_meet(one: list[str], other: list[str]) -> bool:
    return _same_storage(one[0], other[0]) and all(
        mine == theirs or is_glob(mine) or is_glob(theirs) for mine, theirs in zip(one[1:], other[1:], strict=False)
    )


def _hits(target: str, source: SourceRecord) -> bool:
    target = final_target(target)
    in_format = _FORMAT_AND_PATH.match(target)
    if in_format:
        target = in_format[1]
    elif "/" not in target:
        return _is_table(target, source)
    spellings = {normalized(target), normalized(unquote(target))}
    return any(
        _nested(path_parts(spelling), parts, matched)
        for spelling in spellings
        for places, matched in ((source.roots, False), (source.globs, True))
        for parts in (path_parts(normalized(place)) for place in places)
    )


def _is_table(name: str, source: SourceRecord) -> bool:
    wanted = _identifier(name)
    if source.kind == "table" and source.name:
        known = _identifier(source.name)
        shared = min(len(wanted), len(known))
        return shared > 0 and wanted[-shared:] == known[-shared:]
    # A component may read the files of a table by their path; the directory of a table has its name.
    return bool(wanted) and any(normalized(root).rpartition("/")[2].lower() == wanted[-1] for root in source.roots)


def _identifier(name: str) -> list[str]:
    found = re.findall(r"`((?:[^`]|``)+)`|([^.`]+)", name)
    parts = [(quoted.replace("``", "`") or bare).lower() for quoted, bare in found]
    return parts[1:] if len(parts) > 2 and parts[0] == "spark_catalog" else parts


def _nested(target: list[str], place: list[str], matched: bool) -> bool:
    """Return whether one of two places is the other, or inside it."""
    if not _same_storage(target[0], place[0]):
        return False
    return all(
        ours == theirs or (matched and re.fullmatch(name_pattern(theirs), ours) is not None)
        for ours, theirs in zip(target[1:], place[1:], strict=False)
    )


def _same_storage(one: str, other: str) -> bool:
    # Without a scheme or a host a path is on whatever the cluster's default is.
    if one == other or "" in (one, other):
        return True
    return one.partition("://")[0] == other.partition("://")[0] and (one.endswith("://") or other.endswith("://"))
