"""What a look into a Spark session gives: what is in it, and what has been done in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import ViewName, quote


@dataclass(frozen=True)
class SparkEffects:
    """What was done in a session since a mark.

    :param wrote: a few words such as "wrote data (…)"; None if nothing was written
    :param certain: False if it may as well not have written
    :param variables: whether session variables were declared or set
    :param targets: where SQL wrote: paths as Spark spells them, tables with backticks, ``?`` for what a plan does not
        tell
    :param outside_sql: names of jobs that belong to no SQL execution and are not Spark's own
    :param ran_python: whether an action ran, or may have run, Python code of a person on executors. It may be code of
        an earlier component, in a view that was used
    :param java: how Java code came in whose effects are not known
    :param brought_java: how functions in Java came in that a statement may call, empty if none did
    :param added: files and archives that were given to the session, in words; empty if none were
    :param declared: the session variables, if all that was done to any was to declare these and to set them
    :param varying: why a session variable would come out differently if it were set again
    :param cpu_seconds: CPU time of executors
    :param task_seconds: time that tasks took
    :param complete: False if there may be more than this
    :param computed: whether an action computed something, so that the component knows what it read; True if that is
        not known
    """

    wrote: str | None = None
    certain: bool = True
    variables: bool = False
    targets: tuple[str, ...] = ()
    outside_sql: tuple[str, ...] = ()
    ran_python: bool = False
    java: tuple[str, ...] = ()
    brought_java: str = ""
    added: str = ""
    declared: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    task_seconds: float = 0.0
    complete: bool = True
    computed: bool = True


@dataclass(frozen=True)
class CatalogDescription:
    """Databases and tables as data.

    :param objects: all of them, in the order in which they are made known again
    :param chosen: those of them that lie where the component chose
    :param lost: name of each that cannot be recorded as data, to the reason
    :param left_out: name of each that is recorded without something that nobody needs to read it, to what that is
    """

    objects: list[CatalogObject] = field(default_factory=list)
    chosen: list[CatalogObject] = field(default_factory=list)
    lost: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, list[str]] = field(default_factory=dict)

    def without_chosen(self, why: str) -> CatalogDescription:
        """Return the same with those lost that lie where the component chose, and what is in them.

        :param why: why they are
        """
        chosen = {item.name for item in self.chosen}
        chosen |= {item.name for item in self.objects if quote(item.database) in chosen}
        kept = [item for item in self.objects if item.name not in chosen]
        return CatalogDescription(kept, [], {**self.lost, **dict.fromkeys(chosen, why)}, self.left_out)


@dataclass(frozen=True)
class ViewFacts:
    """What the saved copy of a view has to go with.

    :param live: whether the view goes on with what is written to what it reads, which its copy cannot do
    :param names: the temp views, temp functions (``f()``) and session variables (``@``) that its SQL text names, also
        through other views
    :param ordered: whether its rows have an order of their own
    :param redrawn: why each reader gets other rows; None if they are the same for all
    """

    live: bool
    names: tuple[str, ...] = ()
    ordered: bool = False
    redrawn: str | None = None


@dataclass(frozen=True)
class SessionSnapshot:
    """What is in a session at one moment.

    :param views: temp view to a text that changes when the view is created anew
    :param functions: the same for temp functions
    :param settings: the session's settings
    :param catalog: current catalog
    :param database: current database
    :param objects: databases and tables of a catalog that is in memory only, by name
    :param cached: view whose rows Spark was told to keep to the storage level
    :param mark: where the session's history stands
    """

    views: Mapping[ViewName, str]
    functions: Mapping[str, str]
    settings: Mapping[str, str]
    catalog: str
    database: str
    objects: Mapping[str, str] = field(default_factory=dict)
    cached: Mapping[ViewName, str] = field(default_factory=dict)
    mark: Any = None


def all_settings(spark: Any) -> dict[str, str]:
    """Return all settings of a session."""
    return {str(key): str(value) for key, value in spark.conf.getAll.items()}
