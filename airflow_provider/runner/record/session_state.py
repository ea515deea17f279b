"""What is recorded of the session state that a component left. Plain JSON, part of its checkpoint record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from airflow_provider.runner.record.names import ViewName


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SavedView(_Record):
    """A temp view that was written to storage.

    :param name: name of the view
    :param is_global: whether it is a global temp view
    :param url: directory that holds it
    :param format: Spark data source it was written with
    :param columns: its column names; in the files they are ``c0``, ``c1``, …
    :param files: number of data files when it was complete
    :param bytes: their size
    :param digest: hash over the names and sizes of the files
    """

    name: str
    is_global: bool = False
    url: str
    format: str
    columns: list[str]
    files: int
    bytes: int
    digest: str


class CatalogObject(_Record):
    """A database or table that Spark would forget with the session, because its catalog is in memory only.

    :param name: qualified name
    :param statements: SQL that makes it known again; the data stays where it is
    :param location: where the data is, None if it has none
    :param managed: whether it is a table whose files Spark manages
    """

    name: str
    statements: list[str]
    location: str | None = None
    managed: bool = False


class SessionStateRecord(_Record):
    """What a component left in the session, and what becomes of it on the next attempt.

    :param handling: ``kept`` if all of it is in this record and in storage, ``replay`` if the component must run
        again to bring it back, ``none`` if the author wants neither
    :param reason: why
    :param views: views that were saved
    :param left_views: all views that it created or replaced
    :param dropped_views: views that it dropped
    :param functions: names of temp functions that it registered
    :param dropped_functions: names of temp functions that it dropped
    :param settings: SQL settings that it changed; None for one that it unset
    :param catalog: current catalog, if it changed that
    :param database: current database, if it changed that
    :param objects: databases and tables that it created in a catalog that is in memory only
    :param dropped_objects: names of those that it dropped
    """

    handling: Literal["kept", "replay", "none"]
    reason: str
    views: list[SavedView] = Field(default_factory=list)
    left_views: list[ViewName] = Field(default_factory=list)
    dropped_views: list[ViewName] = Field(default_factory=list)
    functions: list[str] = Field(default_factory=list)
    dropped_functions: list[str] = Field(default_factory=list)
    settings: dict[str, str | None] = Field(default_factory=dict)
    catalog: str | None = None
    database: str | None = None
    objects: list[CatalogObject] = Field(default_factory=list)
    dropped_objects: list[str] = Field(default_factory=list)

    @property
    def left_something(self) -> bool:
        """Whether a later component may need what it left."""
        if self.handling == "none":
            return False
        left = (self.left_views, self.dropped_views, self.functions, self.dropped_functions, self.settings)
        moved = self.database is not None
        return self.handling == "replay" or moved or any((*left, self.objects, self.dropped_objects))
