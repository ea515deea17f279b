"""What a look into a Spark session gives: what is in it, and what has been done in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider.runner.record.names import ViewName
from airflow_provider.runner.record.session_state import CatalogObject


@dataclass(frozen=True)
class Effects:
    """What was done in a session since a mark.

    :param wrote: a few words such as "wrote data (…)"; None if nothing was written
    :param certain: False if it may as well not have written
    :param variables: whether session variables were declared or set
    """

    wrote: str | None = None
    certain: bool = True
    variables: bool = False


@dataclass(frozen=True)
class Described:
    """Databases and tables as data.

    :param objects: all of them, in the order in which they are made known again
    :param chosen: those of them that lie where the component chose
    :param why_not: why they cannot be recorded as data, None if they can
    """

    objects: list[CatalogObject] = field(default_factory=list)
    chosen: list[CatalogObject] = field(default_factory=list)
    why_not: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """What is in a session at one moment.

    :param views: temp view to a text that changes when the view is created anew
    :param functions: the same for temp functions
    :param settings: the session's settings
    :param catalog: current catalog
    :param database: current database
    :param objects: databases and tables of a catalog that is in memory only, by name
    :param mark: where the session's history stands
    """

    views: Mapping[ViewName, str]
    functions: Mapping[str, str]
    settings: Mapping[str, str]
    catalog: str
    database: str
    objects: Mapping[str, str] = field(default_factory=dict)
    mark: Any = None


def settings_of(spark: Any) -> dict[str, str]:
    """Return all settings of a session."""
    return {str(key): str(value) for key, value in spark.conf.getAll.items()}
