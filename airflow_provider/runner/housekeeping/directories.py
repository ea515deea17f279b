"""The directories of saved views, as somebody sees them who is no attempt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_provider.runner.checkpoint.files import Entry, RecordFiles
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import LARGEST_MARKER, MARKER, NOTICE, Marker

_ATTEMPT = re.compile(r"attempt-[0-9a-f]{12}")
_STEP = re.compile(r"\d{4,}-[0-9a-f]{8}")
_VIEW = re.compile(r"\d+|objects")  # a view by its number, or the description of tables
_LEFTOVER = re.compile(r"\._pyspark_pipeline(_prune)?\.json(\.[0-9a-f]{8})?\.(tmp|crc)")


@dataclass
class RunDirectory:
    """What lies in one directory of saved views.

    :param path: relative to the base of the storage
    :param marker: what its marker says, or its notice if `prune` was interrupted; None if it has none that can be read
    :param text: the marker itself, None if it has none
    :param foreign: what in it no attempt has written, None if there is nothing
    :param files: what attempts saved
    :param own: the files of marker and notice
    :param folders: the directories, inner ones first
    :param bytes: size of all files
    """

    path: str
    marker: Marker | None = None
    text: bytes | None = None
    foreign: str | None = None
    files: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    bytes: int = 0

    def is_of(self, key: RunKey, base: str) -> bool:
        """Return whether it lies where that run's directory must lie.

        :param base: address of the storage's base
        """
        return f"{base.rstrip('/')}/{self.path}".rstrip("/").endswith(f"/{key.path}")


def find_directories(files: RecordFiles) -> Iterator[RunDirectory]:
    """Yield the directories of saved views on a storage, also those without a marker. Links are not followed."""
    ahead = [""]
    while ahead:
        path = ahead.pop()
        entries = files.entries(path)
        if any(entry.name in (MARKER, NOTICE) or _is_attempt(entry) for entry in entries):
            yield _look(files, path, entries)
        else:
            ahead += [_join(path, entry.name) for entry in reversed(entries) if entry.kind == "directory"]


def look_at(files: RecordFiles, path: str) -> RunDirectory | None:
    """Return what lies in a directory, None if that is nothing. Links are not followed."""
    above = ""
    for name in path.split("/"):
        inner = _join(above, name)
        kind = next((entry.kind for entry in files.entries(above) if entry.name == name), None)
        if kind is None:
            return None
        if kind != "directory":
            return RunDirectory(path, foreign=inner)
        above = inner
    return _look(files, path, files.entries(path))


def delete_directory(files: RecordFiles, found: RunDirectory, *, keep_marker: bool = False) -> str | None:
    """Delete what was found in a directory, and nothing that has been added since.

    See :mod:`airflow_provider.runner.session_state.saved.directory_marker` for why no attempt that begins meanwhile is
    harmed. Whatever a kill leaves is found again by its marker or its notice.

    :param files: the storage
    :param found: what is to go; nothing foreign is in it
    :param keep_marker: leave the marker, because an attempt may still write there
    :return: why nothing was deleted, None if all is gone
    """
    notice = _join(found.path, NOTICE)
    if of_connect := [path for path in found.own if path.startswith(f"{notice}/")]:  # an attempt has emptied it
        files.remove(of_connect)
        files.remove_empty([notice])
    files.write(notice, found.text or (found.marker.to_bytes() if found.marker else b"{}"))
    if _content(files, found.path, MARKER, files.entries(found.path)) != found.text:
        files.remove([notice])
        return "an attempt has begun to use it"
    files.remove(found.files)
    files.remove_empty(folder for folder in found.folders if folder != found.path)
    now = files.entries(found.path)
    if not keep_marker and _content(files, found.path, MARKER, now) == found.text:
        files.remove(path for path in found.own if not path.startswith(notice))
    files.remove([notice])
    files.remove_empty([*(folder for folder in found.folders if folder != found.path), found.path])
    return None


def _look(files: RecordFiles, path: str, entries: list[Entry]) -> RunDirectory:
    found = RunDirectory(path)
    for entry in entries:
        inner = _join(path, entry.name)
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
    found.marker = Marker.parse(text) if text is not None else None
    return found


def _attempt(files: RecordFiles, path: str, found: RunDirectory) -> None:
    for step in files.entries(path):
        inner = _join(path, step.name)
        if step.kind != "directory" or not _STEP.fullmatch(step.name):
            found.foreign = found.foreign or inner
            continue
        for view in files.entries(inner):
            if view.kind != "directory" or not _VIEW.fullmatch(view.name):
                found.foreign = found.foreign or _join(inner, view.name)
            else:
                _collect(files, _join(inner, view.name), view, found, found.files)
        found.folders.append(inner)
    found.folders.append(path)


def _collect(files: RecordFiles, path: str, entry: Entry, found: RunDirectory, into: list[str]) -> None:
    """Take note of a file, or of a directory with all that is in it."""
    if entry.kind == "file":
        into.append(path)
        found.bytes += entry.size
    elif entry.kind == "directory":
        for inner in files.entries(path):
            _collect(files, _join(path, inner.name), inner, found, into)
        found.folders.append(path)
    else:
        found.foreign = found.foreign or path


def _content(files: RecordFiles, path: str, name: str, entries: list[Entry]) -> bytes | None:
    """Return the text of a marker or a notice, None if there is none."""
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None or entry.kind == "other":
        return None
    inner = _join(path, name)
    parts = [(inner, entry)]
    if entry.kind == "directory":  # as a session of Spark Connect wrote it
        parts = [(_join(inner, part.name), part) for part in files.entries(inner) if part.name.startswith("part-")]
    if any(part.kind != "file" for _, part in parts) or sum(part.size for _, part in parts) > LARGEST_MARKER:
        return b""
    try:
        return b"".join(files.read(part) for part, _ in parts)
    except FileNotFoundError:
        return None


def _is_attempt(entry: Entry) -> bool:
    return entry.kind == "directory" and _ATTEMPT.fullmatch(entry.name) is not None


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
