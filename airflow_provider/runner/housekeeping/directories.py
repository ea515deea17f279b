"""The directories of saved views, as seen from outside an attempt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import LARGEST_MARKER, MARKER, NOTICE, DirectoryMarker
from airflow_provider.runner.storage.file_storage import Entries, FileStorage, StorageEntry, joined

_ATTEMPT = re.compile(r"attempt-[0-9a-f]{12}")
_STEP = re.compile(r"\d{4,}-[0-9a-f]{8}")
_VIEW = re.compile(r"\d+|objects")  # a view by its number, or the description of tables
_LEFTOVER = re.compile(r"\._pyspark_pipeline(_prune)?\.json(\.[0-9a-f]{8})?\.(tmp|crc)")


@dataclass
class RunDirectory:
    """What one directory of saved views holds.

    :param path: relative to the base of the storage
    :param marker: what its marker says, or its notice if a `prune` was interrupted; None if neither can be read
    :param text: content of the marker, None if there is none
    :param foreign: something in it that no attempt wrote, None if there is nothing
    :param files: what attempts saved
    :param own: files of the marker and the notice
    :param folders: the directories, inner ones first
    :param bytes: size of all files
    """

    path: str
    marker: DirectoryMarker | None = None
    text: bytes | None = None
    foreign: str | None = None
    files: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    bytes: int = 0

    def is_of(self, key: RunKey, base: str) -> bool:
        """Return whether this is where that run's directory belongs.

        :param base: address of the storage's base
        """
        return f"{base.rstrip('/')}/{self.path}".rstrip("/").endswith(f"/{key.path}")


def find_directories(files: FileStorage) -> Iterator[RunDirectory]:
    """Yield the directories of saved views on a storage, also those without a marker. Does not follow links."""
    ahead = [""]
    while ahead:
        path = ahead.pop()
        entries = _entries(files, path)
        if any(entry.name in (MARKER, NOTICE) or _is_attempt(entry) for entry in entries):
            yield _read(files, path, entries)
        else:
            ahead += [joined(path, entry.name) for entry in reversed(entries) if entry.kind == "directory"]


def read_directory(files: FileStorage, path: str) -> RunDirectory | None:
    """Return what a directory holds, None if there is no such directory. Does not follow links."""
    above = ""
    for name in path.split("/"):
        inner = joined(above, name)
        kind = next((entry.kind for entry in _entries(files, above) if entry.name == name), None)
        if kind is None:
            return None
        if kind != "directory":
            return RunDirectory(path, foreign=inner)
        above = inner
    return _read(files, path, _entries(files, path))


def delete_directory(files: FileStorage, found: RunDirectory, *, keep_marker: bool = False) -> str | None:
    """Delete what was found in a directory, and nothing that was added since.

    See :mod:`airflow_provider.runner.session_state.saved.directory_marker` for why this does not harm an attempt that
    begins meanwhile. The next `prune` finds what a kill leaves by its marker or its notice.

    :param found: what to delete; nothing foreign is in it
    :param keep_marker: leave the marker, because an attempt may still write there
    :return: why nothing was deleted, None if everything is gone
    """
    notice = joined(found.path, NOTICE)
    if of_connect := [path for path in found.own if path.startswith(f"{notice}/")]:  # an attempt has emptied it
        files.delete(of_connect)
        files.delete_empty([notice])
    files.write(notice, found.text or (found.marker.to_bytes() if found.marker else b"{}"))
    if _content(files, found.path, MARKER, _entries(files, found.path)) != found.text:
        files.delete([notice])
        return "an attempt has begun to use it"
    files.delete(found.files)
    files.delete_empty(folder for folder in found.folders if folder != found.path)
    now = _entries(files, found.path)
    if not keep_marker and _content(files, found.path, MARKER, now) == found.text:
        files.delete(path for path in found.own if not path.startswith(notice))
    files.delete([notice])
    files.delete_empty([*(folder for folder in found.folders if folder != found.path), found.path])
    return None


def _read(files: FileStorage, path: str, entries: Entries) -> RunDirectory:
    found = RunDirectory(path)
    for entry in entries:
        inner = joined(path, entry.name)
        if entry.name in (MARKER, NOTICE) and entry.kind != "other":
            _collect(files, inner, entry, found, found.own)
        elif _LEFTOVER.fullmatch(entry.name) and entry.kind == "file":
            _collect(files, inner, entry, found, found.files)
        elif _is_attempt(entry):
            _attempt(files, inner, found)
        else:
            found.foreign = found.foreign or inner
    if path:
        found.folders.append(path)
    found.text = _content(files, path, MARKER, entries)
    text = found.text if found.text is not None else _content(files, path, NOTICE, entries)
    found.marker = DirectoryMarker.parse(text) if text is not None else None
    return found


def _attempt(files: FileStorage, path: str, found: RunDirectory) -> None:
    for step in _entries(files, path):
        inner = joined(path, step.name)
        if step.kind != "directory" or not _STEP.fullmatch(step.name):
            found.foreign = found.foreign or inner
            continue
        for view in _entries(files, inner):
            if view.kind != "directory" or not _VIEW.fullmatch(view.name):
                found.foreign = found.foreign or joined(inner, view.name)
            else:
                _collect(files, joined(inner, view.name), view, found, found.files)
        found.folders.append(inner)
    found.folders.append(path)


def _collect(files: FileStorage, path: str, entry: StorageEntry, found: RunDirectory, into: list[str]) -> None:
    """Add a file, or a directory with everything in it."""
    if entry.kind == "file":
        into.append(path)
        found.bytes += entry.size
    elif entry.kind == "directory":
        for inner in _entries(files, path):
            _collect(files, joined(path, inner.name), inner, found, into)
        found.folders.append(path)
    else:
        found.foreign = found.foreign or path


def _content(files: FileStorage, path: str, name: str, entries: Entries) -> bytes | None:
    """Return the content of a marker or a notice, None if there is none."""
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None or entry.kind == "other":
        return None
    inner = joined(path, name)
    parts = [(inner, entry)]
    if entry.kind == "directory":  # as a session of Spark Connect wrote it
        parts = [(joined(inner, part.name), part) for part in _entries(files, inner) if part.name.startswith("part-")]
    if any(part.kind != "file" for _, part in parts) or sum(part.size for _, part in parts) > LARGEST_MARKER:
        return b""
    try:
        return b"".join(files.read(part) for part, _ in parts)
    except FileNotFoundError:
        return None


def _is_attempt(entry: StorageEntry) -> bool:
    return entry.kind == "directory" and _ATTEMPT.fullmatch(entry.name) is not None


def _entries(files: FileStorage, directory: str) -> Entries:
    """Return what a directory holds; links count as ``other``, wherever they lead."""
    return [replace(entry, kind="other") if entry.is_link else entry for entry in files.list(directory)]
