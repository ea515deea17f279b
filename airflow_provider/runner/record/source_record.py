"""The data that a component read and wrote, as plain JSON in its checkpoint record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from airflow_provider.runner.record.json_record import JsonRecord


class SourceRecord(JsonRecord):
    """A source of a component: what it read, or what its views will read when they are computed.

    It is small, whatever the source: a digest for all of its files, and marks for up to 200 of them, enough to count
    later how many were added, removed and changed.

    :param kind: ``files``, ``table`` of a catalog, or ``other``
    :param name: what people call it: paths, the table, ``jdbc …``; without credentials
    :param state: ``seen``; ``not listed``, because that would have taken too long; ``unknown``, because such
        a source does not say what it holds
    :param why: why it was not listed, or is unknown
    :param more_than: how many files it exceeds, if that is why it was not listed
    :param roots: files and directories that were read, literally
    :param globs: patterns of such, as Hadoop understands them
    :param only: pattern that the names of files must match
    :param ignored: regular expression of the names that were left out, None for Spark's own
    :param files: number of files
    :param bytes: their size
    :param digest: hash over their names, sizes and times of modification
    :param marks: eight characters for each file: four for its name, four for its size and time
    :param version: version or snapshot of a table whose format has one; then the files are not listed
    """

    kind: Literal["files", "table", "other"]
    name: str
    state: Literal["seen", "not listed", "unknown"] = "seen"
    why: str | None = None
    more_than: int | None = None
    roots: list[str] = Field(default_factory=list)
    globs: list[str] = Field(default_factory=list)
    only: str | None = None
    ignored: str | None = None
    files: int = 0
    bytes: int = 0
    digest: str = ""
    marks: str = ""
    version: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What tells whether two records are of the same source."""
        return (self.kind, self.name, *self.roots, "", *self.globs, "", self.only or "", self.ignored or "")


class TouchedData(JsonRecord):
    """What a component read and wrote.

    :param sources: what it read, also through its views
    :param writes: what Spark wrote for it: paths and names of tables
    :param left: sources of this and earlier components into which it wrote, as they were when it had completed. A later
        difference is a change by someone outside the run
    """

    sources: list[SourceRecord] = Field(default_factory=list)
    writes: list[str] = Field(default_factory=list)
    left: list[SourceRecord] = Field(default_factory=list)
