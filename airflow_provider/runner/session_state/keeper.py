"""Keeps the session state of a run: records what each component left, and brings it back on the next attempt."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.names import ViewName, quote
from airflow_provider.runner.record.session_state import CatalogObject, SavedView, SessionStateRecord
from airflow_provider.runner.record.sources import TouchedData
from airflow_provider.runner.session_state.capture import LeftBehind, difference
from airflow_provider.runner.session_state.handling import Facts, Handling, decide
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.saved.files import (
    Files,
    delete_quietly,
    files_for,
    new_attempt_directory,
    remove_attempts,
)
from airflow_provider.runner.session_state.saved.views import restore_view, save_view
from airflow_provider.runner.session_state.snapshot import Snapshot
from airflow_provider.runner.session_state.sources.reading import reading_for

logger = logging.getLogger(__name__)

NOWHERE = "there is no session_state_url to save to"


@dataclass
class SessionStateKeeper:
    """Watches one session during one attempt.

    :param spark: the session
    :param probe: looks into it
    :param config: the pipeline, for its policies
    :param url: directory of this run for saved views; None to save nothing
    """

    spark: Any
    probe: SessionProbe
    config: PipelineConfig
    url: str | None

    def __post_init__(self) -> None:
        self._global_database = str(self.spark.conf.get("spark.sql.globalTempDatabase", "global_temp"))
        self._files: Files | None = files_for(self.url, self.spark) if self.url else None
        self._before: Snapshot = self.probe.snapshot()
        self._first = self._before
        self._attempt = new_attempt_directory(self.url) if self.url else ""
        self._present: set[str] = set()
        self.reading = reading_for(self.spark, self.url)
        self.touched: TouchedData | None = None

    def attached(self, records: Mapping[str, SessionStateRecord]) -> None:
        """Take note that the session is a copy of one in which these components ran.

        :param records: component to what it left, in the order in which they ran
        """
        moved = [record for record in records.values() if record.catalog and record.database]
        if moved:  # the one thing that Spark does not copy is the current catalog
            self.spark.sql(f"USE {quote(str(moved[-1].catalog))}.{quote(str(moved[-1].database))}")
        self._present.update(records)
        self._before = self._first = self.probe.snapshot()

    def present(self) -> set[str]:
        """Return the components whose session state is in the session, which nothing has touched since."""
        now = self.probe.snapshot()
        same = (now.views, now.functions, now.objects) == (
            self._before.views,
            self._before.functions,
            self._before.objects,
        )
        return set(self._present) if same else set()

    def settle(self) -> None:
        """Undo what a component that failed in this session did to settings, current catalog and database.

        If it did more than that, everything is brought back from the start, so the start's settings are put back.
        """
        before = self._before if self.present() else self._first
        now = self.probe.snapshot()
        for key, value in before.settings.items():
            if now.settings.get(key) != value:
                set_conf(self.spark, key, value)
        for key in now.settings.keys() - before.settings.keys():
            set_conf(self.spark, key, None)
        if (now.catalog, now.database) != (before.catalog, before.database):
            self.spark.sql(f"USE {quote(before.catalog)}.{quote(before.database)}")
        self._before = self.probe.snapshot()

    def starting(self) -> None:
        """Take note that a component begins."""
        self.reading.begin()
        self.touched = None

    def disturbed(self) -> None:
        """Take note that a component failed, so that what it left is not taken for the next one's."""
        try:
            self._before = self.probe.snapshot()
        except Exception as error:  # noqa: BLE001 - the session may be what failed; the next component will say so
            logger.warning("the Spark session cannot be looked at: %s", describe(error))
        self._present.clear()

    def finished(self, component: ComponentConfig, position: int, seconds: float) -> SessionStateRecord:
        """Record what a component left, and save its views if that is to be done.

        Views that were saved read what was saved from now on. A view that cannot be saved is no failure: the
        component is replayed on the next attempt instead, if it is needed then.

        :param component: its config
        :param position: its place in the order of execution
        :param seconds: how long it ran
        """
        before = self._before
        after = self.probe.snapshot()
        self._present.add(component.name)
        left = difference(before, after)
        effects = self.probe.effects_since(before.mark)
        facts = Facts(
            seconds=seconds,
            wrote=effects.wrote,
            is_sink=component.component_type == "sink",
            has_views=bool(left.views),
            cannot_save=_cannot_save(left, effects.variables),
            unstable=next(filter(None, map(self.probe.unstable, left.views)), None),
            nowhere=None if self.url else NOWHERE,
        )
        self.touched = self.reading.finished(component.name, left.views)
        policy = component.session_state or self.config.session_state
        handling = decide(policy, facts, self.config.replay_below_seconds)
        saved: list[SavedView] = []
        self._before = after
        if handling.action == "save":
            saved, handling = self._save_all(component, position, left.views, handling)
            self._before = self.probe.snapshot()  # the views are other ones now
        if handling.action == "replay" and ((effects.wrote and effects.certain) or facts.is_sink):
            logger.warning(
                "%s: a later attempt that needs its session state must run it again, although it %s",
                component.name,
                effects.wrote or "is a sink",
            )
        objects, handling = self._describe(left.objects, handling)
        return SessionStateRecord(
            handling="kept" if handling.action in ("keep", "save") else handling.action,
            reason=handling.reason,
            views=saved,
            left_views=left.views,
            dropped_views=left.dropped_views,
            functions=left.functions,
            dropped_functions=left.dropped_functions,
            settings=left.settings,
            catalog=left.catalog,
            database=left.database,
            objects=objects,
            dropped_objects=left.dropped_objects,
        )

    def replayed(self, component: str) -> None:
        """Take note that a component has been replayed: what it left needs no new record."""
        self.reading.end()
        self._present.add(component)
        self._before = self.probe.snapshot()

    def restore(self, component: str, record: SessionStateRecord, gone: Collection[str] = ()) -> None:
        """Bring back what a component left.

        :param component: its name
        :param record: what was recorded of it
        :param gone: databases and tables that later components dropped
        """
        for item in record.objects:
            if item.name not in gone:
                self.probe.restore_object(item)
        for key, value in record.settings.items():
            set_conf(self.spark, key, value)
        if record.catalog is not None and record.database is not None:
            self.spark.sql(f"USE {quote(record.catalog)}.{quote(record.database)}")
        for view in record.dropped_views:
            drop = self.spark.catalog.dropGlobalTempView if view.is_global else self.spark.catalog.dropTempView
            drop(view.name)
        for name in record.dropped_functions:
            self.spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {quote(name)}")
        for saved in record.views:
            restore_view(self.spark, saved)
        what = _in_words(record)
        if what:
            logger.info("restored for %s: %s", component, what)
        self._before = self.probe.snapshot()

    def answers(self) -> bool:
        """Whether the session can still be looked at."""
        try:
            self.probe.snapshot()
        except Exception:  # noqa: BLE001 - the JVM or the server is gone, in whatever words
            return False
        return True

    def remove_others(self, wanted: Iterable[SessionStateRecord]) -> None:
        """Delete what earlier attempts saved or began to save, except what is still wanted.

        :param wanted: records of the components that stay completed
        """
        if self.url and self._files:
            remove_attempts(self._files, self.url, [view.url for record in wanted for view in record.views])

    def _describe(self, names: list[str], handling: Handling) -> tuple[list[CatalogObject], Handling]:
        if not names or handling.action == "none":
            return [], handling
        try:
            return self.probe.describe_objects(names), handling
        except Exception as error:  # noqa: BLE001 - the component has succeeded, whatever the catalog objects to
            return [], Handling("replay", f"its tables cannot be described: {describe(error)}")

    def _save_all(
        self, component: ComponentConfig, position: int, views: list[ViewName], handling: Handling
    ) -> tuple[list[SavedView], Handling]:
        if self._files is None:
            return [], Handling("replay", NOWHERE)
        saved = []
        # A number names the directory: what a component or view is called is in the record, not in a path.
        step = f"{self._attempt}/{position:04d}-{uuid.uuid4().hex[:8]}"
        for index, view in enumerate(views):
            try:
                saved.append(
                    save_view(
                        self.spark,
                        self._files,
                        view,
                        f"{step}/{index}",
                        self.config.session_state_format,
                        self._global_database,
                    )
                )
            except Exception as error:  # noqa: BLE001 - whatever Spark, the format or the storage object to
                why = str(error) if isinstance(error, ViewNotSavedError) else describe(error)
                logger.warning("%s: view %r cannot be saved: %s", component.name, str(view), why)
                delete_quietly(self._files, f"{step}/{index}")
                return [], Handling("replay", f"view {str(view)!r} cannot be saved: {why}")
        size = sum(view.bytes for view in saved)
        names = ", ".join(str(view) for view in views)
        logger.info("%s: saved %s (%s bytes), because: %s", component.name, names, f"{size:,}", handling.reason)
        return saved, handling


def set_conf(spark: Any, key: str, value: str | None) -> None:
    """Set a setting, or unset it for None; leave alone what cannot be changed in a running Spark."""
    from pyspark.errors import PySparkException

    try:
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
    except PySparkException as error:
        logger.warning("setting %r cannot be changed in this session: %s", key, describe(error))


def _cannot_save(left: LeftBehind, variables: bool) -> str | None:
    if left.functions:
        return f"registered temp function {', '.join(map(repr, left.functions))}, which cannot be saved"
    if left.secret_settings:
        return f"changed {', '.join(map(repr, left.secret_settings))}, which looks like a secret and is not recorded"
    if variables:
        return "set a session variable, which cannot be saved"
    return None


def _in_words(record: SessionStateRecord) -> str:
    parts = []
    if record.views:
        parts.append("views " + ", ".join(str(ViewName(view.name, view.is_global)) for view in record.views))
    if record.settings:
        parts.append("settings " + ", ".join(record.settings))
    if record.database is not None:
        parts.append(f"current database {record.catalog}.{record.database}")
    if record.objects:
        parts.append("tables and databases " + ", ".join(item.name for item in record.objects))
    return "; ".join(parts)
