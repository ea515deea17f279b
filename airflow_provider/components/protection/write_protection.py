"""Refuses a write that would destroy what the run still needs, before anything is deleted."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from airflow_provider.components.destination.table_layout import find_table
from airflow_provider.components.protection.write_target import (
    WriteTarget,
    is_same_database,
    is_same_name,
    is_same_table,
    meeting_places,
    meets_any,
)
from airflow_provider.errors import WriteRefusedError, describe
from airflow_provider.runner.config.absolute_paths import working_directory
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.session_state.needs.later_reads import declared_paths, declared_tables, find_later_reader
from airflow_provider.runner.session_state.sources.current_reads import (
    ReadPlace,
    read_by,
    read_by_stored_views,
)
from airflow_provider.runner.session_state.sources.destroys import Location, Relation, location, relation
from airflow_provider.runner.session_state.sources.globs import is_glob
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)


class WriteProtection:
    """Checks one write of one component.

    :param context: the pipeline around the component
    :param base_dir: where relative paths of the config start
    """

    def __init__(self, spark: Any, context: ComponentContext | None, base_dir: Path) -> None:
        self._spark = spark
        self._context = context or ComponentContext("this component")
        self._base_dir = base_dir

    def refuse_vital_places(self, target: WriteTarget) -> None:
        """Refuse to empty the root, a home, or a parent of what the run needs: no author means to.

        :raises WriteRefusedError: it is one
        """
        for place in target.places:
            if not place.names:
                raise self._refused(target, "it is the root of its storage, and everything in it would be deleted")
            for vital, what in self._vital_places():
                if relation(place, vital) in (Relation.SAME, Relation.INSIDE, Relation.CONTENT):
                    raise self._refused(target, f"{what} ({vital}) is in it and would be deleted")

    def refuse_own_input(self, target: WriteTarget, view: str, frame: Any) -> None:
        """Refuse to destroy what the written view itself reads.

        :param target: what the write replaces
        :param frame: the view as a DataFrame
        :raises WriteRefusedError: Spark would empty what the view reads before it reads it
        """
        for read in self._read_by(frame, view):
            if is_same_table(target, read) or is_same_database(target.database, read.database):
                raise self._refused_input(target, view, target.label)
            for place, root in meeting_places(target, read):
                found = relation(place, root)
                # The read is complete before the exchange, but everything else in the directory disappears with it.
                if found is Relation.AROUND and target.is_part:
                    continue  # Spark refuses to read a whole table of which it replaces a part
                if found is Relation.INSIDE or not target.beside:
                    raise self._refused_input(target, view, str(root))

    def refuse_needed_views(self, target: WriteTarget) -> None:
        """Refuse to destroy what another temp view reads if a later component declares to need that view.

        Views that no component is known to need are named in a warning.

        :raises WriteRefusedError: there is such a view
        """
        unknown = []
        for view, places in self._broken_views(target):
            need = find_later_reader(view, self._context.later, self._base_dir)
            if need is not None and need.certain and not target.is_part:
                left = self._context.who_left(view)
                raise self._refused(
                    target,
                    f"view {view!r}{left} reads {places} there, and component {need.component!r} still needs it",
                    "write elsewhere, write after the components that need the view, or read the new data into a "
                    "view before them",
                )
            if need is not None or any(component.kind is None for component in self._context.later):
                unknown.append(
                    f"{view!r}{self._context.who_left(view)}" + (f", named by {need.component!r}" if need else "")
                )
        if unknown:
            logger.warning(
                "component %r replaces %s%s, so views that read the old files can no longer be read: %s. If a later "
                "component reads one of them, read the new data into a view before it",
                self._context.component,
                "partitions of " if target.is_part else "",
                target.label,
                "; ".join(unknown),
            )

    def refuse_needed_places(self, target: WriteTarget, lost: Any) -> None:
        """Refuse to destroy other data inside the directory if a later component declares to read them.

        :param target: what the write replaces
        :param lost: says of a path below the first place of the target whether it exists now and will not afterwards
        :raises WriteRefusedError: there are such data
        """
        if not target.places:
            return
        place = target.places[0]
        for component, path in declared_paths(self._context.later, self._base_dir):
            read = self._qualified(path)
            under = _literal(read.names[len(place.names) :])
            if relation(place, read) in (Relation.INSIDE, Relation.CONTENT) and under and lost("/".join(under)):
                raise self._needed_by(target, component.name, str(read))
        for component, name in declared_tables(self._context.later):
            table = find_table(self._spark, name)
            if table is not None and table.location and table.full_name != target.table:
                read = self._qualified(table.location)
                below = read.names[len(place.names) :]
                if relation(place, read) in (Relation.INSIDE, Relation.CONTENT) and lost("/".join(below)):
                    raise self._needed_by(target, component.name, f"table {name!r} at {read}")

    def _read_by(self, frame: Any, view: str) -> list[ReadPlace]:
        try:
            return read_by(self._spark, frame)
        except Exception as error:  # noqa: BLE001 - looking must not fail what Spark would do
            logger.warning(
                "component %r: cannot find out what view %r reads, so the write is not checked against it: %s",
                self._context.component,
                view,
                describe(error),
            )
            return []

    def _needed_by(self, target: WriteTarget, component: str, what: str) -> WriteRefusedError:
        return self._refused(
            target,
            f"component {component!r} later reads {what}, which would be deleted",
            "write to a separate directory, or read before it is replaced",
        )

    def _broken_views(self, target: WriteTarget) -> Iterator[tuple[str, str]]:
        """Yield the views whose files would be gone, and where those files are."""
        if not (target.places or target.table) or not self._context.later:
            return
        views = self._views()
        # Spark lists the files of cached data again, also for views that share the list.
        cached = {view for view, reads in views.items() if meets_any(target, reads) and self._is_cached(view)}
        fresh = {read.files for view in cached for read in views[view] if read.files}
        for view, reads in views.items():
            for read in reads:
                meetings = list(meeting_places(target, read))
                if target.keeps_entry and target.table is not None and is_same_name(target.table, read.table):
                    continue
                if meetings and not read.live and read.files not in fresh:
                    yield view, str(meetings[0][1])
                    break

    def _views(self) -> dict[str, list[ReadPlace]]:
        if spark_kind(self._spark) == "classic":
            try:
                return read_by_stored_views(self._spark)
            except Exception as error:  # noqa: BLE001 - looking must not fail what Spark would do
                logger.warning(
                    "cannot find out what other views read, so the write is not checked against them: %s",
                    describe(error),
                )
                return {}
        # Each question to a server costs a listing, so this asks only for views that a later component needs.
        found = {}
        for row in collected(self._spark.sql("SHOW VIEWS IN global_temp")):
            view = f"global_temp.{row['viewName']}" if row["namespace"] == "global_temp" else str(row["viewName"])
            if (need := find_later_reader(view, self._context.later, self._base_dir)) is not None and need.certain:
                with contextlib.suppress(Exception):  # a view that cannot be read is not needed
                    found[view] = read_by(self._spark, self._spark.table(view))
        return found

    def _is_cached(self, view: str) -> bool:
        try:
            return bool(self._spark.catalog.isCached(view if view.startswith("global_temp.") else f"`{view}`"))
        except Exception:  # noqa: BLE001 - a name that Spark does not accept, or a view that is broken already
            return False

    def _vital_places(self) -> Iterator[tuple[Location, str]]:
        warehouse = self._spark.conf.get("spark.sql.warehouse.dir", None)
        if warehouse:
            yield self._qualified(warehouse), "the warehouse with its tables"
        home = Path.home() if "HOME" in os.environ else None
        yield from ((_here(home), "your home directory") for _ in [0] if home is not None)
        words = ("the working directory", "the folder of the pipeline", "the saved session state of this run")
        for kept, what in zip(self._context.keeps, words, strict=False):
            yield _here(kept), what

    def _qualified(self, path: str) -> Location:
        if spark_kind(self._spark) != "classic" or is_glob(path):
            return location(path if re.match(r"/|\w[\w+.-]*:", path) else f"{working_directory()}/{path}")
        hadoop = self._spark._jvm.org.apache.hadoop.fs.Path(path)
        system = hadoop.getFileSystem(self._spark._jsparkSession.sessionState().newHadoopConf())
        return location(str(system.makeQualified(hadoop).toString()), resolve_links=True)

    def _refused_input(self, target: WriteTarget, view: str, where: str) -> WriteRefusedError:
        return self._refused(
            target,
            f"the view that it writes, {view!r}{self._context.who_left(view)}, reads {where}, which Spark would "
            f"empty before reading it",
            "write elsewhere, or save the view first and read it again before this component",
        )

    def _refused(
        self, target: WriteTarget, why: str, remedy: str = "write to a separate directory"
    ) -> WriteRefusedError:
        return WriteRefusedError(self._context.component, target.label, why, remedy)


def _literal(names: Sequence[str]) -> list[str]:
    """Return the names up to the first one that is a pattern."""
    first = next((n for n, name in enumerate(names) if is_glob(name)), len(names))
    return list(names[:first])


def _here(path: Path) -> Location:
    return location(f"file:{path.absolute()}", resolve_links=True)
