"""Makes the record of what a component left: decides what becomes of it, and saves what is to be saved."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.record.session_state_record import LONGEST_REASON, SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.evidence import Evidence
from airflow_provider.runner.session_state.kinds import CACHED_VIEWS, TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
)
from airflow_provider.runner.session_state.kinds.temp_views import broken_views
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.record_log import log_lazy_code, log_record
from airflow_provider.runner.session_state.saved.files import readable_size
from airflow_provider.runner.session_state.saved.saver import NOWHERE
from airflow_provider.runner.session_state.session_views import LATE_BOUND, SessionViews
from airflow_provider.runner.session_state.statement_guard import is_refused_by_guard
from airflow_provider.runner.session_state.strategy import (
    VOUCH,
    RestoreStrategy,
    StrategyChoice,
    StrategyFacts,
    choose_strategy,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class RecordBuilder:
    """Makes the records of one attempt.

    :param config: the pipeline, for its policies
    """

    def __init__(self, spark: SparkSession, probe: SessionProbe, config: PipelineConfig, views: SessionViews) -> None:
        self._inspection = views.inspection
        self._access = SessionAccess(spark, probe, views.saver, self._inspection.refuse_lost_session)
        self._config = config
        self._views = views
        self._earlier: Mapping[str, SessionStateRecord] = {}

    def load_earlier_records(self, records: Mapping[str, SessionStateRecord]) -> None:
        """Know what earlier attempts recorded, by component: their logs gave the reason for saving its views."""
        self._earlier = records

    def build(
        self, component: ComponentConfig, position: int, left: SessionChanges, evidence: Evidence
    ) -> SessionStateRecord:
        """Return the record of a component that has completed. Saves its views if the strategy says so.

        The views themselves stay as they are. A view that cannot be saved is no failure, but a later attempt that needs
        it fails.

        :param position: its place in the order of execution
        :param left: what it left in the session
        :param evidence: what is known of what it did
        """
        assessed, unknown = self._assess(left)
        lost = [why for found in assessed.values() for why in found.lost.values()]
        better_replayed = [why for found in assessed.values() for why in found.better_replayed]
        facts = StrategyFacts(
            has_views=bool(left.of(TEMP_VIEWS).left),
            unsavable=next((found.changes_answers for found in assessed.values() if found.changes_answers), None),
            missable=next(iter([*lost, *better_replayed]), None),
            doubts=evidence.doubts,
            work_seconds=evidence.work_seconds,
            nowhere=None if self._views.saver else NOWHERE,
        )
        policy = self._config.session_state_of(component.name)
        choice = choose_strategy(policy, facts, self._config.replay_below_cpu_seconds)
        views: list[SavedView] = []
        broken: dict[ViewName, Exception] = {}
        if choice.strategy is RestoreStrategy.SAVE:
            views, choice = self._save(component.name, position, left, choice, evidence, broken)
        handling = _RECORDED[choice.strategy]
        # What can be missed with an error only, such as a view, keeps nothing else from being restored.
        kept = handling == "kept" or (handling == "unrepeatable" and facts.unsavable is None)
        unsavable = facts.unsavable if handling == "unrepeatable" else facts.unsavable or facts.missable
        fields = self._fields(left, assessed, unknown, kept=kept)
        reason = choice.reason
        if choice.strategy is RestoreStrategy.KEEP and fields["parts"] and evidence.doubts:
            reason = f"{reason}; {'; '.join(evidence.doubts)}"
        if broken:
            fields["parts"][TEMP_VIEWS.name] = broken_views(broken)
        record = SessionStateRecord(
            handling=handling,
            reason=reason[:LONGEST_REASON],
            harmless=not evidence.doubts,
            remedy=choice.remedy,
            work_seconds=round(evidence.work_seconds, 3),
            unsavable=unsavable[:LONGEST_REASON] if unsavable else None,
            views=views,
            **fields,
        )
        if missed := [found for name, found in assessed.items() if name in unknown]:
            record = _with_unknown(record, missed)
        log_record(component.name, record, assessed, broken, unknown)
        return record

    def _assess(self, left: SessionChanges) -> tuple[dict[str, Assessment], dict[str, str]]:
        """Return what of each kind a record cannot bring back, and the kinds of which that is not known, with why."""
        assessed: dict[str, Assessment] = {}
        unknown: dict[str, str] = {}
        late: list[str] = []

        def assess_each() -> None:
            for kind in kinds.KINDS:
                if kind.name not in left.unknown:
                    try:
                        assessed[kind.name] = kind.assess(left, self._access)
                    except Exception as error:  # noqa: BLE001 - Spark and catalogs raise anything
                        self._inspection.refuse_lost_session(error)
                        unknown[kind.name] = describe(error)

        self._inspection.ask_in_time("what a record can bring back", assess_each, late.append)
        known, why_not = dict(assessed), dict(unknown)  # what took too long may still come
        for kind in kinds.KINDS:
            if kind.name in left.unknown:
                known[kind.name] = left.unknown_assessed[kind.name]
                why_not[kind.name] = left.unknown[kind.name]
            elif kind.name not in known:
                why_not.setdefault(kind.name, "; ".join(late))
                known[kind.name] = kind.assess_unknown(why_not[kind.name], None)
        return known, why_not

    def _fields(
        self, left: SessionChanges, assessed: dict[str, Assessment], unknown: dict[str, str], *, kept: bool
    ) -> dict[str, Any]:
        """Return the fields of a record that are for single kinds.

        :param assessed: gets what becomes of a kind that cannot be recorded
        :param unknown: gets the reason for that
        """
        fields: dict[str, Any] = {"parts": {}, "lost": {}}
        for kind in kinds.KINDS:
            if kind.name in unknown:
                continue
            try:
                found = kind.record(left, assessed[kind.name], self._access, kept=kept)
            except Exception as error:  # noqa: BLE001 - as above
                self._inspection.refuse_lost_session(error)
                assessed[kind.name] = kind.assess_unknown(describe(error), None)
                unknown[kind.name] = describe(error)
                continue
            fields |= found.fields
            if found.own is not None:
                fields["parts"][kind.name] = found.own
            if kept:
                fields["lost"] |= {name: why[:LONGEST_REASON] for name, why in found.lost.items()}
        return fields

    def _save(
        self,
        name: str,
        position: int,
        left: SessionChanges,
        choice: StrategyChoice,
        evidence: Evidence,
        broken: dict[ViewName, Exception],
    ) -> tuple[list[SavedView], StrategyChoice]:
        """Save the views of a component; return them, and what becomes of the component then.

        :param broken: collects the views that cannot be saved
        """

        def passes_over(view: ViewName, error: Exception) -> bool:
            self._views.refuse_lost_session()  # nothing is certain of the component then, so it is not complete
            if is_refused_by_guard(error):
                return False
            broken[view] = error
            return True

        began = time.monotonic()
        views = left.of(TEMP_VIEWS).left
        cached = {cached.view for cached in left.of(CACHED_VIEWS).cached}  # saving computes them, and Spark keeps that
        lazy = [view for view in views if view not in cached] if evidence.lazy_code else []
        mark = self._mark() if lazy else None
        try:
            saved = self._views.save(position, dict.fromkeys(views, LATE_BOUND), passes_over)
        except ViewNotSavedError as error:
            self._views.refuse_lost_session()
            if is_refused_by_guard(error) and len(evidence.doubts) <= len(evidence.unstable):
                # No reader has seen a row of it, nor can, so another run of the component leaves the same.
                logger.warning("%s: %s", name, error)
                return [], StrategyChoice(RestoreStrategy.REPLAY, f"{error}; it runs again when it is needed")
            return [], _unrepeatable(error, choice)
        if not saved:
            return [], _unrepeatable(next(iter(broken.values())), choice)
        self._log_saved(name, saved, time.monotonic() - began, choice)
        self._log_redrawn(name, sorted(evidence.unstable))
        if lazy and self._ran_python_since(mark):
            log_lazy_code(name, lazy, evidence.lazy_code)
        for copy in saved:
            self._views.mark_saved(copy.view)
        return saved, choice

    def _mark(self) -> Any:
        """Return where the session's history stands, None if that is not known."""
        return self._inspection.ask("what Spark has done", lambda: self._access.probe.look({}).mark, lambda why: None)

    def _ran_python_since(self, mark: Any) -> bool:
        return mark is not None and self._inspection.ask(
            "whether saving ran Python code",
            lambda: self._access.probe.effects_since(mark).ran_python,
            lambda why: False,
        )

    def _log_saved(self, name: str, saved: Sequence[SavedView], seconds: float, choice: StrategyChoice) -> None:
        """Say what was saved, and why unless an earlier attempt saved views of this component, too."""
        views = ", ".join(str(copy.view) for copy in saved)
        size = readable_size(sum(copy.bytes for copy in saved))
        earlier = self._earlier.get(name)
        why = f": {choice.reason}" + (f"; {choice.remedy}" if choice.remedy else "")
        known = earlier is not None and earlier.handling == "kept" and bool(earlier.views)
        logger.info("%s: saved %s (%s, %.1f s)%s", name, views, size, seconds, "" if known else why)

    def _log_redrawn(self, name: str, unstable: Sequence[ViewName]) -> None:
        """Warn if readers before a failure and after it cannot get the same rows."""
        for view in unstable:
            why = self._views.view_facts(view).redrawn
            if why is not None:
                logger.warning(
                    "%s: each reader of view %r gets other rows (%s); after a failure all get those saved now. To give "
                    "all readers the same rows, cache the view, or write it to a table in %s and read that",
                    name,
                    str(view),
                    why,
                    name,
                )


def _unrepeatable(error: Exception, choice: StrategyChoice) -> StrategyChoice:
    reason = f"{error}, and it must not run again: {choice.reason}"
    return StrategyChoice(RestoreStrategy.UNREPEATABLE, reason, VOUCH)


def unknown_record(left: SessionChanges, why: str) -> SessionStateRecord:
    """Return the record of a component of which it could not be decided what becomes of what it left.

    :param left: what it left
    :param why: the reason
    """
    views = left.of(TEMP_VIEWS)
    reason = f"it could not be recorded what it left: {why}"[:LONGEST_REASON]
    return SessionStateRecord(
        handling="unrepeatable",
        reason=reason,
        remedy=VOUCH,
        unsavable=reason,
        left_views=views.left,
        dropped_views=views.dropped,
    )


def _with_unknown(record: SessionStateRecord, missed: Sequence[Assessment]) -> SessionStateRecord:
    """Return a record that does not promise more than is known of its component.

    :param missed: what becomes of the kinds that could not be looked at or recorded
    """
    silent = next((found.changes_answers for found in missed if found.changes_answers), None)
    lost = {name: why[:LONGEST_REASON] for found in missed for name, why in found.lost.items()}
    update: dict[str, Any] = {}
    if record.handling == "kept" and silent is not None and record.harmless:
        update = {"handling": "replay", "reason": f"{silent}; known to be harmless", "unsavable": silent, "views": []}
    elif record.handling in ("kept", "unrepeatable") and silent is not None:
        reason = silent if record.unsavable == silent else f"{silent}; {record.reason}"
        update = {"handling": "unrepeatable", "reason": reason[:LONGEST_REASON], "unsavable": silent, "remedy": VOUCH}
    elif record.handling in ("kept", "unrepeatable"):
        update = {"lost": {**record.lost, **lost}}
    return record.model_copy(update=update)


_RECORDED: Mapping[RestoreStrategy, Literal["kept", "replay", "unrepeatable", "none"]] = {
    RestoreStrategy.KEEP: "kept",
    RestoreStrategy.SAVE: "kept",
    RestoreStrategy.REPLAY: "replay",
    RestoreStrategy.UNREPEATABLE: "unrepeatable",
    RestoreStrategy.NONE: "none",
}
