"""Compares a source with what it was before."""

from __future__ import annotations

from airflow_provider.runner.record.source_record import SourceRecord

_MARK = 8
_NAME = 4


def source_change(before: SourceRecord, now: SourceRecord) -> str | None:
    """Return what has changed in a source, such as ``3 files more, 1 gone, 2 changed``; None if no change is known.

    It cannot name the files, because only digests are recorded. With more than 200 files only their numbers are
    compared.

    :param before: how it was
    :param now: the same source now
    """
    if before.state != "seen":
        return None
    if now.state != "seen":
        return f"more than {now.more_than:,} files now" if now.more_than is not None else None
    if (before.digest, before.version) == (now.digest, now.version):
        return None
    if before.version != now.version:
        return f"version {before.version} has become {now.version}"
    if not now.files:
        return f"gone, {_files(before.files)}"
    more, gone, changed = _counts(before, now)
    parts = [f"{_files(more)} more"] if more else []
    parts += [(f"{gone} gone" if parts else f"{_files(gone)} gone")] if gone else []
    parts += [(f"{changed} changed" if parts else f"{_files(changed)} changed")] if changed else []
    return ", ".join(parts) or "files changed"


def replaced_files(before: SourceRecord, now: SourceRecord) -> int:
    """Return how many files have another content and length under the same name; 0 if that is not known.

    :param before: how the source was
    :param now: the same source now
    """
    if (before.state, now.state) != ("seen", "seen") or before.bytes == now.bytes or not (before.marks and now.marks):
        return 0
    return _counts(before, now)[2]


def _counts(before: SourceRecord, now: SourceRecord) -> tuple[int, int, int]:
    """Return how many files are new, gone and changed; 0 for what is unknown."""
    if bool(before.marks) != bool(before.files) or bool(now.marks) != bool(now.files):
        return max(0, now.files - before.files), max(0, before.files - now.files), 0
    old, new = _marks(before), _marks(now)
    both = old.keys() & new.keys()
    return len(new) - len(both), len(old) - len(both), sum(old[name] != new[name] for name in both)


def _marks(record: SourceRecord) -> dict[str, str]:
    found = [record.marks[start : start + _MARK] for start in range(0, len(record.marks), _MARK)]
    return {mark[:_NAME]: mark[_NAME:] for mark in found}


def _files(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'}"
