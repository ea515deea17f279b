"""Looks into a classic Spark session through its JVM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.effects.executors import spark_effects
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.probes.memory_catalog import MemoryCatalog
from airflow_provider.runner.session_state.probes.session_look import CatalogDescription, SessionLook, ViewFacts
from airflow_provider.runner.session_state.saved.session_calls import global_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class ClassicProbe:
    """Asks the session's JVM.

    :ivar jvm: the same
    """

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._jvm = SessionJvm(spark)
        self.jvm: SessionJvm | None = self._jvm
        self._memory_catalog = MemoryCatalog(spark)
        self._global_database = global_database(spark)
        self._memory: dict[str, Any] = {}

    def look(self, sections: Mapping[str, str]) -> SessionLook:
        found = self._jvm.contents(sections)
        return SessionLook(self._spark, found.sections, found.mark, self._memory)

    def remember(self, name: str, value: Any) -> None:
        self._memory[name] = value

    def effects_since(self, mark: Any) -> SparkEffects:
        return spark_effects(self._jvm.since(mark), catalog_in_memory=self._memory_catalog.in_memory)

    def why_unstable(self, view: ViewName) -> str | None:
        """Return why a view would show other rows if it were computed again, None if it would not."""
        why = self._jvm.why_unstable(view.name, view.is_global, view.quoted(self._global_database))
        return why and f"view {str(view)!r} {why}"

    def pin_plan(self, view: ViewName) -> int:
        return self._jvm.pin_plan(view.name, view.is_global)

    def pin_view(self, view: ViewName) -> int:
        return self._jvm.pin_view(view.name, view.is_global)

    def view_facts(self, view: ViewName, number: int) -> ViewFacts:
        found = self._jvm.view_facts(view.name, view.is_global, view.quoted(self._global_database), number)
        return ViewFacts(found["live"], tuple(found["names"]), found["ordered"], found["redrawn"])

    def plan_reads(self, number: int, view: int) -> bool:
        return self._jvm.plan_reads(number, view)

    def mark_saved(self, view: ViewName) -> None:
        self._jvm.mark_saved(view.name, view.is_global)

    def pinned(self, number: int) -> Any:
        from pyspark.sql import DataFrame

        return DataFrame(self._jvm.pinned(number), self._spark)

    def unpin(self, number: int) -> None:
        self._jvm.unpin(number)

    def drop_function(self, name: str) -> None:
        """Drop a temp function, whatever characters its name has. It need not exist."""
        self._spark._jsparkSession.sessionState().catalog().dropTempFunction(name, True)

    def describe_objects(self, names: list[str]) -> CatalogDescription:
        return self._memory_catalog.describe(names)

    def restore_object(self, item: CatalogObject, *, vouched: bool) -> None:
        self._memory_catalog.restore(item, vouched=vouched)
