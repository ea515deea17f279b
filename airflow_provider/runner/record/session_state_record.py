"""The session state that a component left, as plain JSON in its checkpoint record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from airflow_provider.runner.record.json_record import JsonRecord
from airflow_provider.runner.record.view_names import ViewName, quote

LONGEST_REASON = 10_000
"""Characters; an error of Spark may hold a whole plan."""


class SavedView(JsonRecord):
    """A temp view that was written to storage.

    :param is_global: whether it is a global temp view
    :param url: directory that holds it
    :param format: Spark data source it was written with
    :param columns: its column names; in the files they are ``c0``, ``c1``, …
    :param files: number of data files when it was complete
    :param bytes: their size
    :param digest: hash over the names and sizes of the files
    :param ordered: whether its rows have an order of their own; then a further column of the files tells it
    :param live: whether the view followed what was written to its sources, which the saved rows cannot do
    :param names: temp views, temp functions (``f()``) and session variables (``@``) that its SQL text names
    """

    name: str
    is_global: bool = False
    url: str
    format: str
    columns: list[str]
    files: int = Field(ge=0, le=10**12)
    bytes: int = Field(ge=0, le=10**18)
    digest: str
    ordered: bool = False
    live: bool = False
    names: list[str] = Field(default_factory=list)

    @property
    def view(self) -> ViewName:
        """The view that it is a copy of."""
        return ViewName(self.name, self.is_global)


class Buckets(JsonRecord):
    """How the rows of a table are spread over files.

    :param count: number of buckets
    :param columns: what decides on the bucket
    :param sorted_by: how rows are sorted in one
    """

    count: int = Field(ge=1, le=10**6)
    columns: list[str]
    sorted_by: list[str] = Field(default_factory=list)


class TableDescription(JsonRecord):
    """What makes a table of a database.

    :param name: its name without the database
    :param managed: whether Spark deletes its files with it
    :param provider: data source
    :param columns: schema, as Spark writes it as JSON
    :param options: how its files are written
    :param partition_columns: names of the columns that make directories
    :param has_partitions: whether the catalog lists the partitions
    :param buckets: None if it has none
    """

    name: str
    managed: bool
    provider: str
    columns: str
    options: dict[str, str] = Field(default_factory=dict)
    partition_columns: list[str] = Field(default_factory=list)
    has_partitions: bool = False
    buckets: Buckets | None = None


class CatalogObject(JsonRecord):
    """A database or table that Spark would forget with the session, because its catalog is in memory only.

    It is data: the catalog's API makes it known again, and the files stay where they are.

    :param database: name of the database, or of the one that the table is in
    :param location: where the data is
    :param comment: None if there is none
    :param properties: what else is written on it
    :param table: None for the database itself
    """

    database: str
    location: str
    comment: str | None = None
    properties: dict[str, str] = Field(default_factory=dict)
    table: TableDescription | None = None

    @property
    def name(self) -> str:
        """Its qualified name, quoted."""
        database = quote(self.database)
        return database if self.table is None else f"{database}.{quote(self.table.name)}"


class CachedView(JsonRecord):
    """A temp view whose rows Spark caches.

    :param is_global: whether it is a global temp view
    :param level: Spark's storage level: whether on disk, in memory, off-heap and deserialized, and how many copies
    """

    name: str
    is_global: bool = False
    level: str = Field(pattern=r"^((true|false) ){4}\d{1,3}$")

    @property
    def view(self) -> ViewName:
        """The view that is cached."""
        return ViewName(self.name, self.is_global)


class SessionStateRecord(JsonRecord):
    """What a component left in the session, and what becomes of it on the next attempt.

    :param handling: ``kept`` if all of it is in this record and in storage, ``replay`` if the component must run
        again to bring it back, ``unrepeatable`` if it can be brought back neither way, ``none`` if the author wants
        neither
    :param reason: why
    :param harmless: whether running it twice is known to be the same as once
    :param remedy: what the author can do about it, None if there is nothing to do
    :param work_seconds: the processor time that the component took
    :param unsavable: what it left that only another run of it brings back, None if nothing
    :param late_bound: whether all its views are stored as SQL text and it computed nothing: then they show whatever
        their sources hold, and a replay is right even after this run has written there
    :param views: views that were saved
    :param left_views: all views that it created or replaced
    :param dropped_views: views that it dropped
    :param functions: names of temp functions that it registered
    :param dropped_functions: names of temp functions that it dropped
    :param settings: SQL settings that it changed; None for one that it unset
    :param catalog: current catalog, if it changed that
    :param database: current database, if it changed that
    :param objects: databases and tables that it created in a catalog that is in memory only
    :param vouched: directory with the second description of those whose component chose their location, see
        :mod:`~airflow_provider.runner.session_state.saved.catalog_manifest`; None if it chose none
    :param dropped_objects: names of those that it dropped
    :param lost: what else it left that no record brings back, to the reason
    :param cached: views that it let Spark cache
    :param uncached: views of earlier components that it took out of the cache
    :param parts: what it left of kinds of session state that have no field here, by the name of the kind
    """

    handling: Literal["kept", "replay", "unrepeatable", "none"]
    reason: str = Field(max_length=LONGEST_REASON)
    harmless: bool = False
    remedy: str | None = Field(default=None, max_length=LONGEST_REASON)
    work_seconds: float = Field(default=0, ge=0, allow_inf_nan=False)
    unsavable: str | None = Field(default=None, max_length=LONGEST_REASON)
    late_bound: bool = False
    views: list[SavedView] = Field(default_factory=list)
    left_views: list[ViewName] = Field(default_factory=list)
    dropped_views: list[ViewName] = Field(default_factory=list)
    functions: list[str] = Field(default_factory=list)
    dropped_functions: list[str] = Field(default_factory=list)
    settings: dict[str, str | None] = Field(default_factory=dict)
    catalog: str | None = None
    database: str | None = None
    objects: list[CatalogObject] = Field(default_factory=list)
    vouched: str | None = None
    dropped_objects: list[str] = Field(default_factory=list)
    lost: dict[str, str] = Field(default_factory=dict)
    cached: list[CachedView] = Field(default_factory=list)
    uncached: list[ViewName] = Field(default_factory=list)
    parts: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        """The directories that it needs."""
        return [view.url for view in self.views] + ([self.vouched] if self.vouched else [])
