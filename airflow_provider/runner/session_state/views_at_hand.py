"""The views of a session as they can be saved: as they are now, or as a held plan has them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider.errors import ViewNotSavedError
from airflow_provider.runner.record.names import ViewName
from airflow_provider.runner.record.session_state import SavedView
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.restore import global_database
from airflow_provider.runner.session_state.saved.saver import ViewSaver

LATE_BOUND = 0
"""Instead of the number of a plan: the view is stored as its SQL text, and so changes with what that names."""

NOWHERE = "there is no session_state_url to save to"


class ViewsAtHand:
    """The views of one session.

    :param spark: the session
    :param probe: looks into it
    :param saver: saves views; None if there is no place to save to
    """

    def __init__(self, spark: Any, probe: SessionProbe, saver: ViewSaver | None) -> None:
        self.saver = saver
        self._spark = spark
        self._probe = probe
        self._global_database = global_database(spark)

    def refuse_lost_session(self) -> None:
        """Raise what the session raises if it is lost: then it is no fault of a view or a storage."""
        self._probe.snapshot()

    def hold(self, view: ViewName) -> int:
        """Hold the plan of a view as it is now; return its number, or :data:`LATE_BOUND`."""
        return self._probe.hold(view)

    def release(self, number: int) -> None:
        """Hold a plan no longer."""
        if number != LATE_BOUND:
            self._probe.release(number)

    def now(self, view: ViewName) -> Any:
        """Return the DataFrame of a view as it is now."""
        return self._spark.table(view.quoted(self._global_database))

    def held(self, view: ViewName, number: int) -> Any:
        """Return the DataFrame of a held plan, or of a late-bound view as it is now."""
        return self.now(view) if number == LATE_BOUND else self._probe.held(number)

    def save(
        self,
        position: int,
        frames: Mapping[ViewName, Any],
        passes_over: Callable[[ViewName, Exception], bool] = lambda view, error: False,
    ) -> list[SavedView]:
        """Write the rows of a component's views. The views themselves stay as they are.

        :param position: the component's place in the order of execution
        :param frames: view to its rows
        :param passes_over: whether to go on without a view that could not be written, given the error
        :raises ViewNotSavedError: one of them could not be written, for whatever reason; nothing is left of the others
        """
        if self.saver is None:
            raise ViewNotSavedError(NOWHERE)
        # A number names the directory: what a component or view is called is in the record, not in a path.
        place = f"{position:04d}-{uuid.uuid4().hex[:8]}"
        saved = []
        for index, (view, frame) in enumerate(frames.items()):
            try:
                saved.append(self.saver.save(view, frame, f"{place}/{index}"))
            except ViewNotSavedError as error:
                if not passes_over(view, error):
                    self.saver.discard(place)
                    raise
        return saved
