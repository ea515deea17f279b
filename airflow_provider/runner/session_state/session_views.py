"""The views of a session as they can be saved: as they are now, or as a pinned plan has them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import ViewNotSavedError, describe
from airflow_provider.runner.record.session_state_record import SavedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.probes.session_look import ViewFacts
from airflow_provider.runner.session_state.saved.saver import NOWHERE, ViewSaver
from airflow_provider.runner.session_state.saved.session_calls import global_database
from airflow_provider.runner.session_state.session_inspection import SessionInspection

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

LATE_BOUND = 0
"""Instead of the number of a plan: the view is stored as its SQL text, and so changes with what that names."""


class SessionViews:
    """The views of one session.

    :param saver: saves views; None if there is no place to save to
    :param inspection: asks about the session
    """

    def __init__(
        self, spark: SparkSession, probe: SessionProbe, saver: ViewSaver | None, inspection: SessionInspection
    ) -> None:
        self.saver = saver
        self.inspection = inspection
        self._spark = spark
        self._probe = probe
        self._global_database = global_database(spark)

    def refuse_lost_session(self) -> None:
        """Raise what the session raises if it is lost: then neither a view nor the storage is at fault."""
        try:
            self._probe.look({})
        except Exception as error:  # noqa: BLE001 - a look may fail for other reasons, too
            self.inspection.refuse_lost_session(error)

    def pin_plan(self, view: ViewName) -> int:
        """Pin the plan of a view as it is now; return its number, or :data:`LATE_BOUND`."""
        return self._probe.pin_plan(view)

    def pin_view(self, view: ViewName) -> int:
        """Pin a view itself, whatever its name means later; return its number."""
        return self._probe.pin_view(view)

    def reads_pinned(self, view: ViewName, number: int, others: Collection[int]) -> bool:
        """Whether a pinned plan reads one of some pinned views, and stays the same when that view changes.

        :param view: whose plan it is
        :param number: under which it is pinned
        :param others: numbers of views
        """
        reads = any(self._probe.plan_reads(number, other) for other in others)
        return reads and not self.view_facts(view, number).live

    def mark_saved(self, view: ViewName) -> None:
        """Note that a view has a copy: a later attempt builds on the copy what this one builds on the view."""
        self._probe.mark_saved(view)

    def unpin(self, number: int) -> None:
        """Unpin a plan."""
        if number != LATE_BOUND:
            self.inspection.ask("whether a plan is still kept", lambda: self._probe.unpin(number), lambda why: None)

    def now(self, view: ViewName) -> Any:
        """Return the DataFrame of a view as it is now."""
        return self._spark.table(view.quoted(self._global_database))

    def pinned(self, view: ViewName, number: int) -> Any:
        """Return the DataFrame of a pinned plan, or of a late-bound view as it is now."""
        return self.now(view) if number == LATE_BOUND else self._probe.pinned(number)

    def save(
        self,
        position: int,
        numbers: Mapping[ViewName, int],
        passes_over: Callable[[ViewName, Exception], bool] = lambda view, error: False,
    ) -> list[SavedView]:
        """Write the rows of a component's views. The views themselves stay as they are.

        :param position: the component's place in the order of execution
        :param numbers: view to the number under which it is pinned, or :data:`LATE_BOUND` to take it as it is now
        :param passes_over: whether to go on without a view that could not be written, given the error
        :raises ViewNotSavedError: one of them could not be written; the others are deleted
        """
        if self.saver is None:
            raise ViewNotSavedError(NOWHERE)
        # A number names the directory: names of components and views stand in the record, never in a path.
        place = f"{position:04d}-{uuid.uuid4().hex[:8]}"
        saved = []
        for index, (view, number) in enumerate(numbers.items()):
            facts = self.view_facts(view, number)
            try:
                rows = self._rows(view, number)
                copy = self.saver.save(view, rows, f"{place}/{index}", ordered=facts.ordered)
            except ViewNotSavedError as error:
                if not passes_over(view, error):
                    self.saver.discard(place)
                    raise
            else:
                saved.append(copy.model_copy(update={"live": facts.live, "names": list(facts.names)}))
        return saved

    def view_facts(self, view: ViewName, number: int = LATE_BOUND) -> ViewFacts:
        """Return what decides how far a copy can stand for a view; what cannot be inspected counts as the worst."""
        try:
            return self._probe.view_facts(view, number)
        except Exception as error:  # noqa: BLE001 - a view that cannot be analysed is not saved, for a better reason
            logger.debug("cannot inspect view %r: %s", str(view), describe(error))
            return ViewFacts(live=True)

    def _rows(self, view: ViewName, number: int) -> Any:
        try:
            return self.pinned(view, number)
        except Exception as error:
            raise ViewNotSavedError(f"view {str(view)!r} cannot be saved: {describe(error)}") from error
