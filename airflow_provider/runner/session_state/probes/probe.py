"""Looks into a Spark session: one way for classic sessions, one for Spark Connect.

A classic session is asked through its JVM, where an object's identity tells exactly whether a view or function was
created anew. A Spark Connect session has no JVM to ask; there the text of the analysed plan is compared, and whether
data was written stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.probes.classic_probe import ClassicProbe
from airflow_provider.runner.session_state.probes.connect_probe import ConnectProbe
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.probes.session_look import CatalogDescription, SessionLook, ViewFacts
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SessionProbe(Protocol):
    """One way to look into a session.

    :ivar jvm: asks the JVM of the session; None if there is none to ask
    """

    jvm: SessionJvm | None

    def look(self, sections: Mapping[str, str]) -> SessionLook:
        """Look at what is in the session.

        :param sections: what else the JVM of a classic session is asked in the same call, by name, as Java classes
        :raises Exception: what the session raises if it is lost
        """

    def remember(self, name: str, value: Any) -> None:
        """Give all later looks something to remember under a name."""

    def effects_since(self, mark: Any) -> SparkEffects: ...

    def why_unstable(self, view: ViewName) -> str | None: ...

    def pin_plan(self, view: ViewName) -> int:
        """Pin the plan of a view as it is now; return a number for it, 0 if the view has none of its own."""

    def pin_view(self, view: ViewName) -> int:
        """Pin a view itself, whatever its name means later; return a number for it, 0 if it cannot be pinned."""

    def view_facts(self, view: ViewName, number: int) -> ViewFacts:
        """Return what decides how far the saved copy of a view can stand for it.

        :param number: under which it is pinned, 0 to take it as it is now
        """

    def plan_reads(self, number: int, view: int) -> bool:
        """Whether a pinned plan reads a pinned view."""

    def mark_saved(self, view: ViewName) -> None:
        """Note that a view has a copy: a later attempt builds on the copy what this one builds on the view."""

    def pinned(self, number: int) -> Any:
        """Return the DataFrame of a pinned plan."""

    def unpin(self, number: int) -> None:
        """Unpin a plan."""

    def drop_function(self, name: str) -> None: ...

    def describe_objects(self, names: list[str]) -> CatalogDescription: ...

    def restore_object(self, item: CatalogObject, *, vouched: bool) -> None: ...


def probe_for(spark: SparkSession) -> SessionProbe | None:
    """Return the probe for a session, None if it is no Spark session at all."""
    kind = spark_kind(spark)
    if kind is None:
        return None
    return ClassicProbe(spark) if kind == "classic" else ConnectProbe(spark)
