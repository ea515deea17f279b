"""Does writing somewhere destroy what is read elsewhere? Exact where `paths.writes_into` is generous.

That function says yes in doubt, because then a source is only looked at once more. Here a yes refuses a pipeline.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from airflow_provider.runner.session_state.sources.globs import is_glob, name_pattern

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):(?://([^/]*))?(?=/|$)")
_S3 = ("s3", "s3n")
_PARTITION = re.compile(r"[^/=]+=[^/]*")


class Relation(Enum):
    """Where something that is read lies, seen from the directory that is written."""

    SAME = "the same"
    CONTENT = "its partitions or files"
    INSIDE = "another place inside it"
    AROUND = "a directory around it"
    APART = "elsewhere"


class Location(NamedTuple):
    """A directory in one spelling.

    :param scheme: in lower case; None where it was not written, so that it depends on the cluster's default
    :param host: host, bucket or container, in lower case; empty where it was not written
    :param names: the names of the path
    """

    scheme: str | None
    host: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        path = "/" + "/".join(self.names)
        return path if self.scheme in (None, "file") else f"{self.scheme}://{self.host}{path}"


def location(place: str, *, resolve_links: bool = False) -> Location:
    """Return a path or URL in one spelling: ``..``, doubled slashes and one at the end are gone.

    :param place: an absolute path or a URL
    :param resolve_links: whether a local path is on this machine, so that symbolic links can be followed
    """
    found = _SCHEME.match(place)
    scheme = found[1].lower() if found else None
    host = (found[2] or "").lower() if found else ""
    path = place[found.end() :] if found else place
    scheme = "s3a" if scheme in _S3 else scheme
    host = host.removesuffix(":8020") if scheme == "hdfs" else host  # the port of a name node if none is written
    if resolve_links and scheme == "file" and not is_glob(path):
        path = os.path.realpath(path or "/")
    names: list[str] = []
    for name in filter(None, path.split("/")):
        if name == "..":
            names = names[:-1]
        elif name != ".":
            names.append(name)
    return Location(scheme, host, tuple(names))


def relation(written: Location, read: Location, partition_by: Sequence[str] | None = None) -> Relation:
    """Return where a place that is read lies, seen from the one that is written.

    :param written: the directory
    :param read: what is read; its names may be patterns
    :param partition_by: the partition columns of what is written; None if any ``name=value`` counts as a partition
    """
    if not _same_storage(written, read):
        return Relation.APART
    pairs = zip(written.names, read.names, strict=False)
    if not all(_matches(theirs, ours) for ours, theirs in pairs):
        return Relation.APART
    if len(read.names) < len(written.names):
        return Relation.AROUND
    rest = read.names[len(written.names) :]
    if not rest:
        return Relation.SAME
    return Relation.CONTENT if _is_content(rest, partition_by) else Relation.INSIDE


def destroys(written: Location, read: Location) -> bool:
    """Return whether overwriting a directory, by emptying it first, takes away what is read, or a part of it."""
    return relation(written, read) is not Relation.APART


def _is_content(rest: tuple[str, ...], partition_by: Sequence[str] | None) -> bool:
    """Whether what is left of a path are partitions, and at most one file or pattern of files."""
    *directories, last = rest
    return all(_is_partition(name, n, partition_by) for n, name in enumerate(directories)) and (
        _is_partition(last, len(directories), partition_by) or is_glob(last) or bool(re.match(r"part-|.*\.\w+$", last))
    )


def _is_partition(name: str, depth: int, partition_by: Sequence[str] | None) -> bool:
    if partition_by is None:
        return bool(_PARTITION.fullmatch(name)) or name == "*"
    column = name.partition("=")[0].lower()
    return depth < len(partition_by) and (
        name == "*" or ("=" in name and column == _escaped(partition_by[depth]).lower())
    )


def _escaped(column: str) -> str:
    return re.sub(r"[\"#%'*/:=?\\\x7f{\[\]^\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", column)


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or (is_glob(pattern) and re.fullmatch(name_pattern(pattern), name) is not None)


def _same_storage(one: Location, other: Location) -> bool:
    if None in (one.scheme, other.scheme):
        return True  # on whatever the cluster's default is
    return one.scheme == other.scheme and (one.host == other.host or "" in (one.host, other.host))
