"""Looks into a Spark session: one way for classic sessions, one for Spark Connect.

A classic session is asked through its JVM, where an object's identity tells exactly whether a view or function was
created anew. A Spark Connect session has no JVM to ask; there the text of the analysed plan is compared, and whether
data was written stays unknown.
"""

from __future__ import annotations

from typing import Any, Protocol

from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.snapshot import Described, Effects, Snapshot, ViewFacts
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.connect_probe import ConnectProbe
from airflow_provider.runner.spark.kind import spark_kind


class SessionProbe(Protocol):
    """One way to look into a session."""

    def snapshot(self) -> Snapshot: ...

    def effects_since(self, mark: Any) -> Effects: ...

    def unstable(self, view: ViewName) -> str | None: ...

    def hold(self, view: ViewName) -> int:
        """Hold the plan of a view as it is now; return a number for it, 0 if the view has none of its own."""

    def hold_view(self, view: ViewName) -> int:
        """Hold a view itself, whatever its name comes to mean; return a number for it, 0 if it cannot be held."""

    def about(self, view: ViewName, number: int) -> ViewFacts:
        """Return what the saved copy of a view has to go with.

        :param view: which view
        :param number: under which it is held, 0 to take it as it is now
        """

    def reads(self, number: int, view: int) -> bool:
        """Whether a held plan reads a held view."""

    def saved(self, view: ViewName) -> None:
        """Take note that a view has a copy: what is made of it is made of the copy when it is made again."""

    def held(self, number: int) -> Any:
        """Return the DataFrame of a held plan."""

    def release(self, number: int) -> None:
        """Hold a plan no longer."""

    def drop_function(self, name: str) -> None: ...

    def describe_objects(self, names: list[str]) -> Described: ...

    def restore_object(self, item: CatalogObject, *, vouched: bool) -> None: ...


def probe_for(spark: Any) -> SessionProbe | None:
    """Return the probe for a session, None if it is no Spark session at all."""
    kind = spark_kind(spark)
    if kind is None:
        return None
    return ClassicProbe(spark) if kind == "classic" else ConnectProbe(spark)
