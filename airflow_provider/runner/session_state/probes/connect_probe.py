"""Looks into a Spark Connect session with ordinary statements: there is no JVM to ask."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import NotRestoredError
from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import ViewName, quote
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.probes.connect_calls import ClientCalls
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.probes.session_look import CatalogDescription, SessionLook, ViewFacts
from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEEPS_ORDER = ("Project", "Filter", "SubqueryAlias", "View", "GlobalLimit", "LocalLimit")


class ConnectProbe:
    """Asks a Spark Connect server with ordinary statements."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self.jvm: SessionJvm | None = None
        self._memory: dict[str, Any] = {}
        self._client = ClientCalls()
        self._client.watch(spark)

    def look(self, sections: Mapping[str, str]) -> SessionLook:
        return SessionLook(self._spark, None, len(self._client.calls), self._memory)

    def remember(self, name: str, value: Any) -> None:
        self._memory[name] = value

    def effects_since(self, mark: Any) -> SparkEffects:
        unknown = "may have written data, which Spark Connect does not report"
        calls = self._client.calls[mark:]
        declared = tuple(call.declared for call in calls if call.variable)
        return SparkEffects(
            unknown,
            certain=False,
            variables=bool(declared) or self._client.unread,
            added=tuple(dict.fromkeys(name for call in calls for name in call.added)),
            declared=declared if all(declared) and not self._client.unread else (),
            registered=tuple(dict.fromkeys(call.registered for call in calls if call.registered)),
            sets_path=any(call.sets_path for call in calls),
            ran_python=True,
            complete=False,
        )

    def why_unstable(self, view: ViewName) -> str | None:
        return None

    def pin_plan(self, view: ViewName) -> int:
        return 0  # the client has only the name of a view

    def pin_view(self, view: ViewName) -> int:
        return 0

    def view_facts(self, view: ViewName, number: int) -> ViewFacts:
        """Return what the text of its plan tells. Whether it is bound late stays unknown, so it counts as that."""
        _, _, tree = plan_text(self._spark, view).partition("== Analyzed Logical Plan ==\n")
        operators = (line.lstrip(" +-:") for line in tree.splitlines()[1:])  # without the line of its columns
        below = next((line for line in operators if not line.startswith(_KEEPS_ORDER)), "")
        return ViewFacts(live=True, ordered=re.match(r"Sort \[.*\], true", below) is not None)

    def plan_reads(self, number: int, view: int) -> bool:
        return False

    def mark_saved(self, view: ViewName) -> None:
        """Nothing: what is made of it on the server is saved, too."""

    def pinned(self, number: int) -> Any:
        raise LookupError("a client of Spark Connect pins no plans")

    def unpin(self, number: int) -> None:
        """Nothing is pinned."""

    def drop_function(self, name: str) -> None:
        """Drop a temp function. It need not exist.

        :raises NotRestoredError: its name is more than letters, digits and ``_``; there is no API to give it to
        """
        if not re.fullmatch(r"\w{1,1000}", name):
            raise NotRestoredError(f"temp function {shown(name)!r} cannot be dropped by that name")
        self._spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {quote(name)}")

    def describe_objects(self, names: list[str]) -> CatalogDescription:
        return CatalogDescription()

    def restore_object(self, item: CatalogObject, *, vouched: bool) -> None:
        """Nothing: the catalog is the server's and outlives the session."""


def plan_text(spark: SparkSession, view: ViewName) -> str:
    """Return the analysed plan of a view, without the numbers that differ each time."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            spark.table(view.quoted("global_temp")).explain(extended=True)
    except Exception as error:  # noqa: BLE001 - a view that cannot be analysed is still a view
        return f"cannot be analysed: {type(error).__name__}"
    analysed = out.getvalue().partition("== Optimized Logical Plan ==")[0]
    return re.sub(r"#\d+L?", "", analysed)
