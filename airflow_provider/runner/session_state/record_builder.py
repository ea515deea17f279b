"""Makes the record of what a component left: decides what becomes of it, and saves what is to be saved."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Literal

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.session_state_record import LONGEST_REASON, SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import SessionChanges
from airflow_provider.runner.session_state.changes.snapshot import CatalogDescription
from airflow_provider.runner.session_state.evidence import Evidence
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.saved.files import readable_size
from airflow_provider.runner.session_state.session_views import LATE_BOUND, NOWHERE, SessionViews
from airflow_provider.runner.session_state.statement_guard import is_refused_by_guard
from airflow_provider.runner.session_state.strategy import (
    VOUCH,
    RestoreStrategy,
    StrategyChoice,
    StrategyFacts,
    choose_strategy,
)
from airflow_provider.runner.session_state.unsavable import (
    better_set_again,
    restored_settings,
    what_can_be_missed,
    what_changes_answers,
)

logger = logging.getLogger(__name__)

IF_NEEDED = (
    "should a later component need it, let that one make it, or, if running this one twice does no harm, set its "
    "session_state to 'replay'"
)


class RecordBuilder:
    """Makes the records of one attempt.

    :param spark: the session
    :param probe: looks into it
    :param config: the pipeline, for its policies
    :param views: the session's views
    """

    def __init__(self, spark: Any, probe: SessionProbe, config: PipelineConfig, views: SessionViews) -> None:
        self._spark = spark
        self._probe = probe
        self._config = config
        self._views = views
        self._logged: Mapping[str, str] = {}

    def skip_reasons_already_logged(self, reasons: Mapping[str, str]) -> None:
        """Take note of the reasons that the log of earlier attempts gave, by component."""
        self._logged = reasons

    def build(
        self, component: ComponentConfig, position: int, left: SessionChanges, evidence: Evidence
    ) -> SessionStateRecord:
        """Return what is to be recorded of a component that has completed, and save its views if that is to be done.

        The views themselves stay as they are. A view that cannot be saved is no failure, but a later attempt that needs
        it is one.

        :param component: its config
        :param position: its place in the order of execution
        :param left: what it left in the session
        :param evidence: what is known of what it did
        """
        described = self._describe(left.objects)
        missable = what_can_be_missed(self._spark, left, evidence)
        unsavable = what_changes_answers(self._spark, left, evidence)
        better_again = chain(missable.values(), described.lost.values(), better_set_again(self._spark, left))
        facts = StrategyFacts(
            has_views=bool(left.views),
            unsavable=unsavable,
            missable=next(better_again, None),
            doubts=evidence.doubts,
            work_seconds=evidence.work_seconds,
            nowhere=None if self._views.saver else NOWHERE,
        )
        policy = component.session_state or self._config.session_state
        handling = choose_strategy(policy, facts, self._config.replay_below_cpu_seconds)
        views: list[SavedView] = []
        if handling.action is RestoreStrategy.SAVE:
            views, handling = self._save(component.name, position, left, handling, evidence)
        described, vouched = self._vouch(replace(described, lost=missable | dict(described.lost)), handling)
        record = SessionStateRecord(
            handling=_RECORDED[handling.action],
            reason=handling.reason[:LONGEST_REASON],
            harmless=not evidence.doubts,
            remedy=handling.remedy,
            work_seconds=round(evidence.work_seconds, 3),
            unsavable=(facts.unsavable or facts.missable or "")[:LONGEST_REASON] or None,
            views=views,
            left_views=left.views,
            dropped_views=left.dropped_views,
            functions=left.functions,
            dropped_functions=left.dropped_functions,
            settings=restored_settings(left.settings) if _RECORDED[handling.action] == "kept" else left.settings,
            catalog=left.catalog,
            database=left.database,
            objects=described.objects,
            vouched=vouched,
            dropped_objects=left.dropped_objects,
            lost={name: why[:LONGEST_REASON] for name, why in described.lost.items()},
            cached=left.cached,
            uncached=left.uncached,
        )
        self._log_unrepeatable(component.name, record)
        self._log_lost(component.name, described)
        return record

    def _describe(self, names: list[str]) -> CatalogDescription:
        """Describe databases and tables. What cannot be described is lost."""
        try:
            found = self._probe.describe_objects(names) if names else CatalogDescription()
        except Exception as error:  # noqa: BLE001 - the component has succeeded, whatever the catalog objects to
            return CatalogDescription(lost=dict.fromkeys(names, f"its tables cannot be described: {describe(error)}"))
        if found.chosen and self._views.saver is None:
            what = f"{found.chosen[0].name} lies where the component chose"
            return found.without_chosen(f"{what}, and {NOWHERE}, where a second description would vouch for that")
        return found

    def _vouch(self, found: CatalogDescription, handling: StrategyChoice) -> tuple[CatalogDescription, str | None]:
        """Write the second description of what lies where the component chose, if any is needed."""
        if handling.action not in (RestoreStrategy.KEEP, RestoreStrategy.SAVE):
            return CatalogDescription(), None
        if not found.chosen or self._views.saver is None:
            return found, None
        try:
            return found, self._views.saver.vouch(found.chosen)
        except Exception as error:  # noqa: BLE001 - whatever Spark or the storage object to
            self._views.refuse_lost_session()
            what = f"{found.chosen[0].name} lies where the component chose"
            return found.without_chosen(f"{what}, and that cannot be saved: {describe(error)}"), None

    def _save(
        self, name: str, position: int, left: SessionChanges, handling: StrategyChoice, evidence: Evidence
    ) -> tuple[list[SavedView], StrategyChoice]:
        began = time.monotonic()
        cached = {ViewName(view.name, view.is_global) for view in left.cached}  # what computes them keeps them
        lazy = [view for view in left.views if view not in cached] if evidence.lazy_code else []
        mark = self._probe.snapshot().mark if lazy else None
        try:
            saved = self._views.save(position, dict.fromkeys(left.views, LATE_BOUND))
        except ViewNotSavedError as error:
            self._views.refuse_lost_session()  # nothing can be said of the component then, so it is not complete
            if is_refused_by_guard(error) and len(evidence.doubts) <= len(evidence.unstable):
                # Nobody has seen a row of it, nor can, so it comes to the same when the component runs again.
                logger.warning("%s: %s", name, error)
                return [], StrategyChoice(RestoreStrategy.REPLAY, f"{error}; it runs again when it is needed")
            return [], StrategyChoice(
                RestoreStrategy.UNREPEATABLE, f"{error}, and it must not run again: {handling.reason}", VOUCH
            )
        self._log_saved(name, saved, time.monotonic() - began, handling)
        self._log_redrawn(name, sorted(evidence.unstable))
        if lazy and self._probe.effects_since(mark).ran_python:
            self._log_acted(name, lazy, evidence.lazy_code)
        for view in left.views:
            self._views.mark_saved(view)
        return saved, handling

    @staticmethod
    def _log_acted(name: str, views: Sequence[ViewName], why: str) -> None:
        """Say that Python code of a lazy view ran once more than in plain Spark."""
        logger.warning(
            "%s: saving %s has run its Python code on executors, and each reader runs it again. If that does something "
            "outside Spark, it happens each time (%s). To let it happen once, cache the view, or write it to a table "
            "in %s and read that",
            name,
            ", ".join(f"view {str(view)!r}" for view in views),
            why,
            name,
        )

    def _log_redrawn(self, name: str, unstable: Sequence[ViewName]) -> None:
        """Say so if readers before a failure and after it cannot get the same."""
        for view in unstable:
            why = self._views.view_facts(view).redrawn
            if why is not None:
                logger.warning(
                    "%s: each reader of view %r gets other rows (%s); after a failure all get those that were saved "
                    "now. If they are to agree, write the view to a table in %s and read that, or cache it",
                    name,
                    str(view),
                    why,
                    name,
                )

    def _log_saved(self, name: str, saved: list[SavedView], seconds: float, handling: StrategyChoice) -> None:
        views = ", ".join(str(ViewName(view.name, view.is_global)) for view in saved)
        size = sum(view.bytes for view in saved)
        why = "for the same reason as before"
        if self._logged.get(name) != handling.reason:
            why = f"{handling.reason}; {handling.remedy}" if handling.remedy else handling.reason
        logger.info("%s: saved %s (%s, %.1f s): %s", name, views, readable_size(size), seconds, why)

    def _log_unrepeatable(self, name: str, record: SessionStateRecord) -> None:
        if record.handling == "unrepeatable" and self._logged.get(name) != record.reason:
            logger.warning(
                "%s: an attempt that needs what it left in the session will fail: %s; %s",
                name,
                record.reason,
                record.remedy,
            )

    def _log_lost(self, name: str, described: CatalogDescription) -> None:
        for what, why in described.lost.items():
            logger.warning("%s: %s is not there again after a failure: %s; %s", name, what, why, IF_NEEDED)
        for what, unneeded in described.left_out.items():
            logger.info("%s: %s is made known again without %s", name, what, ", ".join(unneeded))


_RECORDED: Mapping[RestoreStrategy, Literal["kept", "replay", "unrepeatable", "none"]] = {
    RestoreStrategy.KEEP: "kept",
    RestoreStrategy.SAVE: "kept",
    RestoreStrategy.REPLAY: "replay",
    RestoreStrategy.UNREPEATABLE: "unrepeatable",
    RestoreStrategy.NONE: "none",
}
