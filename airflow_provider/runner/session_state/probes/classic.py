"""Looks into a classic Spark session through its JVM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider.runner.record.names import ViewName, quote
from airflow_provider.runner.record.session_state import CatalogObject
from airflow_provider.runner.session_state.probes.memory_catalog import MemoryCatalog
from airflow_provider.runner.session_state.probes.spark_plan import (
    computed_outside_of_sql,
    touches_variables,
    written_by,
)
from airflow_provider.runner.session_state.snapshot import Effects, Snapshot, settings_of


class ClassicProbe:
    """Asks the session's JVM."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._session = spark._jsparkSession
        self._catalog = self._session.sessionState().catalog()
        self._context = spark.sparkContext._jsc.sc()
        self._identity = spark._jvm.java.lang.System.identityHashCode
        self._memory_catalog = MemoryCatalog(spark)
        self._settings_text: str | None = None
        self._known_settings: dict[str, str] = {}
        self._global_database = spark.conf.get("spark.sql.globalTempDatabase", "global_temp")
        self._retained = int(spark.conf.get("spark.sql.ui.retainedExecutions", "1000"))

    def snapshot(self) -> Snapshot:
        return Snapshot(
            views=self._views(),
            functions=self._functions(),
            settings=self._settings(),
            catalog=self._spark.catalog.currentCatalog(),
            database=self._spark.catalog.currentDatabase(),
            objects=self._memory_catalog.objects(),
            mark=self._mark(),
        )

    def effects_since(self, mark: Any) -> Effects:
        if not self._drain():
            return Effects("may have written, Spark is behind with its records", certain=False, variables=True)
        first_execution, first_stage = mark
        next_execution, next_stage = self._mark()
        store = self._session.sharedState().statusStore()
        kept = store.executionsCount()
        # Ids go on counting when Spark is started anew in one process, so 0 stands for "all that are kept".
        wanted = next_execution - first_execution if first_execution else kept
        if wanted > kept or wanted >= self._retained:
            return Effects("ran more SQL than Spark remembers, so it may have written", certain=False, variables=True)
        newest = store.executionsList(kept - wanted, wanted) if wanted else None
        descriptions = [item.physicalPlanDescription() for item in _items(newest)] if newest is not None else []
        variables = any(map(touches_variables, descriptions))
        for text in descriptions:
            if what := written_by(text):
                return Effects(f"wrote data ({what})", variables=variables)
        if any(self._output_of_stage(stage) for stage in range(first_stage, next_stage)):
            return Effects("wrote files outside of SQL", variables=variables)
        return Effects(variables=variables)

    def unstable(self, view: ViewName) -> str | None:
        """Return why a view would come out differently if it were computed again, None if it would not."""
        from pyspark.errors import PySparkException

        try:
            plan = self._spark.table(view.quoted(self._global_database))._jdf.queryExecution().analyzed()
        except PySparkException:
            return None  # it cannot be computed at all
        patterns = self._spark._jvm.org.apache.spark.sql.catalyst.trees.TreePattern
        if not plan.deterministic():
            return f"view {str(view)!r} is not deterministic"
        if plan.containsPattern(patterns.CURRENT_LIKE()):
            return f"view {str(view)!r} depends on the current time"
        # These two say that they are deterministic: a sample depends on the order of its rows, and an RDD holds
        # what some code put into it.
        if computed_outside_of_sql(plan.toString()):
            return f"view {str(view)!r} is of a sample or of rows that were computed outside of SQL"
        return None

    def describe_objects(self, names: list[str]) -> list[CatalogObject]:
        return self._memory_catalog.describe(names)

    def restore_object(self, item: CatalogObject) -> None:
        self._memory_catalog.restore(item)

    def _views(self) -> dict[ViewName, str]:
        # Every call to the JVM counts here: a pipeline may have hundreds of views.
        names = self._catalog.getTempViewNames().mkString("\0")
        views = {
            ViewName(name): str(self._identity(self._catalog.getRawTempView(name).get()))
            for name in (names.split("\0") if names else ())
        }
        if not self._catalog.listTables(self._global_database, "*", False).isEmpty():
            for row in self._spark.sql(f"SHOW VIEWS IN {quote(self._global_database)}").collect():
                if row["namespace"] == self._global_database:
                    found = self._catalog.getRawGlobalTempView(row["viewName"]).get()
                    views[ViewName(row["viewName"], is_global=True)] = str(self._identity(found))
        return views

    def _settings(self) -> dict[str, str]:
        # Copying all settings is slow, looking whether one differs is not.
        text = self._session.sessionState().conf().getAllConfs().mkString("\0")
        if text != self._settings_text:
            self._settings_text, self._known_settings = text, settings_of(self._spark)
        return self._known_settings

    def _functions(self) -> dict[str, str]:
        names = {found.toString() for found in _items(self._catalog.listTemporaryFunctions())}
        if not names:
            return {}
        state = self._session.sessionState()
        functions = dict.fromkeys(names, "")
        for registry in (state.functionRegistry(), state.tableFunctionRegistry()):
            for identifier in _items(registry.listFunction()):
                text = identifier.toString()
                # Spark 4.2 puts "system.session." in front of a temp function's name in the registry.
                name = text.removeprefix("system.session.")
                if name in names and (text != name or not functions[name]):
                    functions[name] = str(self._identity(registry.lookupFunctionBuilder(identifier).get()))
        return functions

    def _mark(self) -> tuple[int, int]:
        """Return the ids of the next SQL execution and the next stage: both only grow. 0 if there was none yet."""
        self._drain()
        store = self._session.sharedState().statusStore()
        kept = store.executionsCount()
        newest = store.executionsList(kept - 1, 1).apply(0).executionId() if kept else -1
        return newest + 1, self._context.dagScheduler().nextStageId()

    def _drain(self) -> bool:
        """Wait until Spark has noted what it did; return False if that takes too long."""
        from py4j.protocol import Py4JJavaError

        try:
            self._context.listenerBus().waitUntilEmpty()
        except Py4JJavaError:
            return False
        return True

    def _output_of_stage(self, stage: int) -> int:
        from py4j.protocol import Py4JJavaError

        try:
            data = self._context.statusStore().lastStageAttempt(stage)
        except Py4JJavaError:
            return 0  # never started, or so old that Spark has forgotten it
        return int(data.outputBytes() + data.outputRecords())


def _items(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))
