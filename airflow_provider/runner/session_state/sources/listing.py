"""Lists the files of a source as Spark would read them, on local storage without Spark, and sums them up."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from airflow_provider.errors import SourceNotListedError
from airflow_provider.runner.session_state.sources.globs import escaped, name_pattern, path_parts
from airflow_provider.runner.session_state.sources.hidden_files import hidden_by
from airflow_provider.runner.session_state.sources.paths import normalized

MOST_FILES = 10_000
MOST_SECONDS = 2.0
MOST_MARKS = 200


class SourceFile(NamedTuple):
    """One file.

    :param path: where it is, in one spelling
    :param size: in bytes
    :param modified: when it was modified, in milliseconds since 1970
    """

    path: str
    size: int
    modified: int


@dataclass
class Budget:
    """How many files may be listed, and for how long.

    :param files: most files
    :param seconds: longest time
    :param clock: a monotonic clock in seconds
    """

    files: int = MOST_FILES
    seconds: float = MOST_SECONDS
    clock: Callable[[], float] = time.monotonic
    _until: float = field(init=False)
    _seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._until = self.clock() + self.seconds

    @property
    def files_left(self) -> int:
        """How many more files may be listed."""
        return max(0, self.files - self._seen)

    @property
    def seconds_left(self) -> float:
        """How many seconds are left."""
        return max(0.0, self._until - self.clock())

    def count(self, files: int) -> None:
        """Count so many more files.

        :raises SourceNotListedError: there are too many
        """
        self._seen += files
        if self._seen > self.files:
            raise SourceNotListedError(f"more than {self.files:,} files", self.files)

    def spend(self, files: int = 0) -> None:
        """Count so many more files, and check the time.

        :raises SourceNotListedError: there are too many, or it takes too long
        """
        self.count(files)
        if self.clock() > self._until:
            raise SourceNotListedError(f"listing takes longer than {self.seconds:g} s")


@dataclass(frozen=True)
class ListingSummary:
    """Files summed up, see :class:`~airflow_provider.runner.record.source_record.SourceRecord`."""

    files: int
    bytes: int
    digest: str
    marks: str


def summarize(files: Iterable[SourceFile]) -> ListingSummary:
    """Sum files up; in which order they come makes no difference."""
    found = sorted(set(files))
    digest = hashlib.sha256("\n".join(f"{size} {modified} {path}" for path, size, modified in found).encode())
    marks = "".join(_mark(path) + _mark(f"{size} {modified}") for path, size, modified in found)
    return ListingSummary(
        len(found),
        sum(file.size for file in found),
        digest.hexdigest()[:16],
        marks if len(found) <= MOST_MARKS else "",
    )


def local_files(
    roots: Sequence[str], globs: Sequence[str], only: str | None, budget: Budget, ignored: str | None = None
) -> list[SourceFile]:
    """List the files below local paths, without those that Spark leaves out. What does not exist has none.

    :param roots: paths, literally
    :param globs: patterns of such
    :param only: pattern that file names must match
    :param ignored: see :func:`hidden_by`
    :raises SourceNotListedError: there are more than the budget allows
    :raises OSError: something cannot be read
    """
    wanted = re.compile(name_pattern(only)) if only else None
    is_hidden = hidden_by(ignored)
    found = []
    for start in [*roots, *(match for pattern in globs for match in _matches(pattern, budget))]:
        for file in _below(start, budget, is_hidden):
            if wanted is None or wanted.fullmatch(file.path.rpartition("/")[2]):
                budget.spend(1)
                found.append(file)
    return found


def _below(start: str, budget: Budget, is_hidden: Callable[[str], bool]) -> Iterator[SourceFile]:
    try:
        if not os.path.isdir(start):
            if not is_hidden(os.path.basename(start)):  # a directory is read by its name even if that is hidden
                yield _file(start, os.stat(start))
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    directories = [start]
    while directories:
        budget.spend()
        with os.scandir(directories.pop()) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                try:
                    if entry.is_dir():
                        directories.append(entry.path)
                    else:
                        yield _file(entry.path, entry.stat())
                except FileNotFoundError:  # removed just now, or a link to nothing
                    continue


def _file(path: str, stat: os.stat_result) -> SourceFile:
    return SourceFile(normalized(path), stat.st_size, stat.st_mtime_ns // 1_000_000)


def _matches(pattern: str, budget: Budget) -> list[str]:
    found = [""]
    for part in path_parts(normalized(pattern))[1:]:
        wanted, literal = re.compile(name_pattern(part)), re.sub(r"\\(.)", r"\1", part)
        below = []
        for directory in found:
            budget.spend()
            if wanted.pattern == name_pattern(escaped(literal)):
                names = [literal]
            else:
                try:
                    names = [name for name in os.listdir(directory or "/") if wanted.fullmatch(name)]
                except (FileNotFoundError, NotADirectoryError):
                    names = []
            below += [f"{directory}/{name}" for name in names]
        found = below
    return found


def _mark(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:3]).decode()
