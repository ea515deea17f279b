"""Looks into a Spark session: what is in it, and what has been done in it since.

A classic session is asked through its JVM, where an object's identity tells exactly whether a view or function was
created anew. A Spark Connect session has no JVM to ask; there the text of the analysed plan is compared, and whether
data was written stays unknown.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider.runner.session_state.memory_catalog import MemoryCatalog
from airflow_provider.runner.session_state.names import ViewName, quote
from airflow_provider.runner.session_state.record import CatalogObject


@dataclass(frozen=True)
class Effects:
    """What was done in a session since a mark.

    :param wrote: a few words such as "wrote data (…)"; None if nothing was written
    :param certain: False if it may as well not have written
    :param variables: whether session variables were declared or set
    """

    wrote: str | None = None
    certain: bool = True
    variables: bool = False


@dataclass(frozen=True)
class Snapshot:
    """What is in a session at one moment.

    :param views: temp view to a text that changes when the view is created anew
    :param functions: the same for temp functions
    :param settings: the session's settings
    :param catalog: current catalog
    :param database: current database
    :param objects: databases and tables of a catalog that is in memory only, by name
    :param mark: where the session's history stands
    """

    views: Mapping[ViewName, str]
    functions: Mapping[str, str]
    settings: Mapping[str, str]
    catalog: str
    database: str
    objects: Mapping[str, str] = field(default_factory=dict)
    mark: Any = None


class SessionProbe(Protocol):
    """One way to look into a session."""

    def snapshot(self) -> Snapshot: ...

    def effects_since(self, mark: Any) -> Effects: ...

    def unstable(self, view: ViewName) -> str | None: ...

    def describe_objects(self, names: list[str]) -> list[CatalogObject]: ...

    def restore_object(self, item: CatalogObject) -> None: ...


def probe_for(spark: Any) -> SessionProbe | None:
    """Return the probe for a session, None if it is no Spark session at all."""
    if hasattr(spark, "_jsparkSession"):
        return ClassicProbe(spark)
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        return ConnectProbe(spark)
    return None


def _settings(spark: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in spark.conf.getAll.items()}


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
        variables = any(_VARIABLE.match(_root(text)) for text in descriptions)
        for text in descriptions:
            if what := _written_by(text):
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
        if _SAMPLE_OR_RDD.search(plan.toString()):
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
            self._settings_text, self._known_settings = text, _settings(self._spark)
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


class ConnectProbe:
    """Asks a Spark Connect server with ordinary statements."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def snapshot(self) -> Snapshot:
        rows = self._spark.sql("SHOW VIEWS IN global_temp").collect()
        names = sorted({ViewName(row["viewName"], row["namespace"] == "global_temp") for row in rows})
        # A temp function has no database in its name.
        listed = [row[0] for row in self._spark.sql("SHOW USER FUNCTIONS").collect()]
        return Snapshot(
            views={name: self._plan_text(name) for name in names},
            functions={name.rpartition(".")[2]: "" for name in listed if name.count(".") != 2 or "session" in name},
            settings=_settings(self._spark),
            catalog=self._spark.catalog.currentCatalog(),
            database=self._spark.catalog.currentDatabase(),
        )

    def effects_since(self, mark: Any) -> Effects:
        return Effects("may have written, Spark Connect does not tell", certain=False)

    def unstable(self, view: ViewName) -> str | None:
        return None

    def describe_objects(self, names: list[str]) -> list[CatalogObject]:
        return []

    def restore_object(self, item: CatalogObject) -> None:
        """Nothing: the catalog is the server's and outlives the session."""

    def _plan_text(self, name: ViewName) -> str:
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                self._spark.table(name.quoted("global_temp")).explain(extended=True)
        except Exception as error:  # noqa: BLE001 - a view that cannot be analysed is still a view
            return f"cannot be analysed: {type(error).__name__}"
        analysed = out.getvalue().partition("== Optimized Logical Plan ==")[0]
        return re.sub(r"#\d+L?", "", analysed)


def _items(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))


def _root(description: str) -> str:
    lines = (line for line in description.splitlines() if line and not line.startswith("=="))
    return next(lines, "")


_SAMPLE_OR_RDD = re.compile(r"^[\s:+|-]*(Sample|LogicalRDD)\b", re.MULTILINE)
_VARIABLE = re.compile(r"(Create|Set|Drop)Variable\b")

# Commands that change nothing outside of the session. A command that is in neither list counts as a write.
_HARMLESS_COMMAND = re.compile(
    r"Execute (Show|Describe|List|Explain|Set|Reset|Refresh|Cache|Uncache|ClearCache|Analyze|Stream|Add(Jar|File|Arch)"
    r"|CreateFunction|CreateSQLFunction|DropFunction|CreateUserDefined|DropTemp|CreateTempView|CreateView)"
)
_WRITING_OPERATOR = re.compile(
    r"(Append|Overwrite|Create|Replace|Drop|Alter|Delete|Update|Merge|Truncate|Rename|Write|Insert|Add|Recover|Repair"
    r"|Load|Call|Atomic|Save)\w*"
)
_SESSION_OPERATOR = re.compile(r"(CreateVariable|DropVariable|SetVariable|SetCatalogAndNamespace)\b")


def _written_by(description: str) -> str | None:
    """Return what an execution wrote, judged by the root of its physical plan; None if nothing."""
    root = _root(description)
    if root.startswith("Execute "):
        command = root.split()[1]
        if not _HARMLESS_COMMAND.match(root):
            return command
        if command == "CreateViewCommand" and "PersistedView" in description:
            return "CreateViewCommand (persistent view)"
        return None
    if _SESSION_OPERATOR.match(root):
        return None
    found = _WRITING_OPERATOR.match(root)
    return found.group(0) if found else None
