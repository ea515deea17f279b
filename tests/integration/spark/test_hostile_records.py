"""Invariant 8: whoever may edit a checkpoint can at worst make components run again.

A record is edited between two attempts. Around it lie things that it tries to reach, which must be as they were; the
second attempt must end as if nobody had touched the record, and must say why something ran again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider.runner import PipelineResultStatus
from tests.conftest import Script
from tests.samples.harness.places import PLACES, Place, asked_for
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Edit = Callable[["Scene", dict[str, Any]], object]

SQL = "x`'\"; DROP TABLE canary.precious; -- ${spark.app.name}"


class Scene:
    """A run of a, which saves view ``v``, of b, which makes a table, and of c, which fails at first and reads both.

    :param spark: a session of the Spark to use
    :param place: where the checkpoint is
    :param directory: a directory for everything else
    :ivar database: which b makes; its table is ``t``
    :ivar found: what c has found in the end
    """

    def __init__(self, spark: SparkSession, place: Place, directory: Path) -> None:
        self.directory = directory
        self.database = f"db_{uuid4().hex[:8]}"
        self.outside = directory / "outside"
        self.place = place
        self.state = directory / "state"
        self.run = SparkRun(spark, self.state, "a", "b", "c", session_state="save")
        self.found: dict[str, Any] = {}
        self.run.does("a", self._a)
        self.run.does("b", self._b)
        self.run.fails("c")

    def first_attempt(self) -> None:
        self.run.store = self.place.attempt()  # type: ignore[assignment]
        assert [name for name, _ in self.run.attempt().failed_components] == ["c"]
        self._forget_database()

    def edit(self, change: Callable[[dict[str, Any]], object], *, holding: str) -> None:
        """Change what is recorded of the components of which that field is not empty."""
        edited = 0
        for name, text in self.place.documents().items():
            document = json.loads(text)
            for state in _session_states(document):
                if state.get(holding):
                    change(state)
                    edited += 1
            self.place.put(name, json.dumps(document))
        assert edited

    def second_attempt(self) -> tuple[list[str], list[str]]:
        """Return what ran, and the plan's reasons for it, in the order of the pipeline."""
        self.run.store = self.place.attempt()  # type: ignore[assignment]
        self.run.took_turns()
        self.run.does("c", self._c)
        runner = self.run.in_new_session().runner()
        plan = runner.plan(self.run.store.load("run-1", "p"))
        result = runner.run(plan=plan)
        assert result.failed_components == []
        assert result.status is PipelineResultStatus.SUCCESS
        return self.run.took_turns(), [f"{r.component_name}: {r.reason}" for r in result.component_results]

    def _a(self, session: SparkSession) -> None:
        session.range(3).createOrReplaceTempView("v")
        session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")

    def _b(self, session: SparkSession) -> None:
        session.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        session.sql(f"DROP TABLE IF EXISTS {self.database}.t")
        shutil.rmtree(self._location(session) / "t", ignore_errors=True)
        session.range(2).write.saveAsTable(f"{self.database}.t")
        session.sql(f"USE {self.database}")

    def _c(self, session: SparkSession) -> None:
        self.found = {
            "v": sorted(row[0] for row in session.table("v").collect()),
            "t": sorted(row[0] for row in session.table(f"{self.database}.t").collect()),
            "zone": session.conf.get("spark.sql.session.timeZone"),
            "database": session.catalog.currentDatabase(),
        }
        session.sql(f"DROP TABLE {self.database}.t")  # and with it its files, wherever it says that they are

    def _location(self, session: SparkSession) -> Path:
        warehouse = str(session.conf.get("spark.sql.warehouse.dir")).removeprefix("file:")
        return Path(warehouse) / f"{self.database}.db"

    def _forget_database(self) -> None:
        """Let the catalog forget it while its files stay, as at the end of the process."""
        location, aside = self._location(self.run.session), self.directory / "aside"
        location.rename(aside)
        self.run.session.sql(f"DROP DATABASE {self.database} CASCADE")
        shutil.rmtree(location, ignore_errors=True)
        aside.rename(location)


def _session_states(found: object) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if "handling" in found:
            yield found
        for inside in found.values():
            yield from _session_states(inside)
    elif isinstance(found, list):
        for inside in found:
            yield from _session_states(inside)


class Canaries:
    """What a hostile record tries to reach."""

    def __init__(self, spark: SparkSession, outside: Path) -> None:
        self._spark, self._outside = spark, outside
        spark.sql("CREATE DATABASE IF NOT EXISTS canary")
        spark.range(7).write.mode("overwrite").saveAsTable("canary.precious")
        spark.range(7).createOrReplaceGlobalTempView("canary_view")
        spark.range(90, 99).write.parquet(str(outside))
        self._files = self._listing()
        self._first = self._executions()

    def assert_untouched(self) -> None:
        assert self._spark.table("canary.precious").count() == 7
        assert self._spark.table("global_temp.canary_view").count() == 7
        assert self._listing() == self._files
        store = self._spark._jsparkSession.sharedState().statusStore()
        listed = store.executionsList(self._first, 10_000)
        plans = [listed.apply(number).physicalPlanDescription() for number in range(listed.size())]
        assert [plan for plan in plans if str(self._outside) in plan] == []

    def remove(self) -> None:
        self._spark.catalog.dropGlobalTempView("canary_view")
        self._spark.sql("DROP DATABASE IF EXISTS canary CASCADE")

    def _executions(self) -> int:
        return int(self._spark._jsparkSession.sharedState().statusStore().executionsCount())

    def _listing(self) -> dict[str, tuple[int, int]]:
        found = {str(path): path.stat() for path in self._outside.parent.rglob("*") if "outside" in str(path)}
        return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


@pytest.fixture
def scene(spark: SparkSession, script: Script, tmp_path: Path) -> Iterator[Scene]:
    """A run whose checkpoint is in memory, after its first attempt."""
    made = Scene(spark, PLACES["memory"](tmp_path), tmp_path)
    yield made
    _clean(spark, made)


@pytest.fixture(params=[kind for kind in PLACES if kind != "plain"])
def stored_scene(
    request: pytest.FixtureRequest, spark: SparkSession, script: Script, tmp_path: Path
) -> Iterator[Scene]:
    """The same in every store."""
    made = Scene(spark, asked_for(request, tmp_path), tmp_path)
    yield made
    _clean(spark, made)


def _clean(spark: SparkSession, scene: Scene) -> None:
    spark.sql("USE default")
    spark.sql(f"DROP DATABASE IF EXISTS {scene.database} CASCADE")


@pytest.fixture
def canaries(spark: SparkSession, tmp_path: Path) -> Iterator[Canaries]:
    made = Canaries(spark, tmp_path / "outside")
    yield made
    made.remove()


def view(**fields: Any) -> Edit:
    """An edit of the record of a saved view. A value may be a function of the scene and of the old value."""

    def edit(scene: Scene, state: dict[str, Any]) -> None:
        for key, value in fields.items():
            old = state["views"][0][key]
            state["views"][0][key] = value(scene, old) if callable(value) else value

    return edit


def table(**fields: Any) -> Edit:
    """An edit of the description of a table."""

    def edit(scene: Scene, state: dict[str, Any]) -> None:
        [item] = [item for item in state["objects"] if item.get("table")]
        for key, value in fields.items():
            inside = item if key in ("location", "database", "comment", "properties") else item["table"]
            inside[key] = value(scene, inside.get(key)) if callable(value) else value

    return edit


def both(state: dict[str, Any], **fields: Any) -> None:
    state.update(fields)


def linked(scene: Scene, url: str) -> str:
    """Put a link to what lies outside into the run's own directory."""
    link = Path(url).with_name("7")
    link.symlink_to(scene.outside)
    return str(link)


UDT = {"type": "udt", "class": "java.util.Date", "pyClass": "os.system", "sqlType": "long"}
FIELD = {"name": "id", "type": "long", "nullable": True}


def columns(*fields: Any) -> str:
    return json.dumps({"type": "struct", "fields": [FIELD | field for field in fields]})


VIEWS: dict[str, Edit] = {
    "outside": view(url=lambda scene, url: str(scene.outside)),
    "outside, as a url": view(url=lambda scene, url: f"file://{scene.outside}"),
    "up and out": view(url=lambda scene, url: f"{url}/../../../../outside"),
    "up and out, encoded": view(url=lambda scene, url: f"{scene.state}/%2e%2e/outside"),
    "a sibling's": view(url=lambda scene, url: url.replace(str(scene.state), f"{scene.state}x")),
    "the run's directory itself": view(url=lambda scene, url: str(scene.state)),
    "through a link": view(url=linked),
    "with a wildcard": view(url=lambda scene, url: f"{url[:-1]}*"),
    "another server": view(url="http://127.0.0.1:9/attempt-0123456789ab/0001-01234567/0"),
    "another storage": view(url=lambda scene, url: f"s3a://bucket{url}"),
    "a zero": view(url=lambda scene, url: f"{url}\0"),
    "long": view(url="/" + "x" * 10_000),
    "a class": view(format="org.example.Evil"),
    "a database": view(format="jdbc"),
    "a binary": view(format="binaryFile"),
    "SQL as its format": view(format=SQL),
    "SQL as its name": view(name=SQL),
    "SQL as its columns": view(columns=[SQL, SQL]),
    "fewer files": view(files=0),
    "files below none": view(files=-1),
    "files without end": view(files=10**30),
    "files that are no number": view(files="many"),
}

TABLES: dict[str, Edit] = {
    "where others keep files": table(location=lambda scene, url: f"file:{scene.outside}"),
    "elsewhere, as one that is not managed": table(location=lambda s, u: f"file:{s.outside}", managed=False),
    "not managed at its own place": table(managed=False),
    "somebody vouches, says the record": lambda scene, state: both(
        state, vouched=str(scene.outside), objects=[{**state["objects"][0], "location": f"file:{scene.outside}"}]
    ),
    "of another storage": table(location="s3a://bucket/t"),
    "of a place that is too long": table(location="file:/" + "x" * 10_000),
    "of a class": table(provider="org.example.Evil"),
    "of a database": table(provider="jdbc", options={"url": "jdbc:derby:memory:x;create=true", "dbtable": "x"}),
    "with another path": table(options={"PATH": "/etc"}),
    "with a file system": table(options={"fs.file.impl": "org.example.Evil"}),
    "with a class as its codec": table(options={"compression": "org.example.Evil"}),
    "with a class as a type": table(columns=columns({"type": UDT})),
    "with a class deep inside": table(
        columns=columns({"type": {"type": "array", "containsNull": True, "elementType": UDT}})
    ),
    "with an expression": table(
        columns=columns({"metadata": {"CURRENT_DEFAULT": "reflect('java.lang.System', 'exit')"}})
    ),
    "nested deeply": table(columns='{"type":"struct","fields":[' * 20_000),
    "nested deeply and whole": table(
        columns=columns(
            {"type": json.loads('{"type":"array","containsNull":true,"elementType":' * 300 + '"long"' + "}" * 300)}
        )
    ),
    "with columns that are SQL": table(columns=SQL),
    "with a type that is SQL": table(columns=columns({"type": SQL})),
    "called SQL": table(name=SQL),
    "in SQL": table(database=SQL),
    "in buckets without number": table(buckets={"count": 10**12, "columns": ["id"]}),
    "in buckets below none": table(buckets={"count": -1, "columns": ["id"]}),
    "a view": table(properties={"view.query.out.numCols": "1"}),
}

OTHERS: dict[str, tuple[str, Edit]] = {
    "a file system": ("settings", lambda s, state: both(state, settings={"spark.hadoop.fs.file.impl": "org.x.Evil"})),
    "credentials": ("settings", lambda s, state: both(state, settings={"fs.s3a.aws.credentials.provider": "x.Evil"})),
    "a catalog": ("settings", lambda s, state: both(state, settings={"spark.sql.catalog.spark_catalog": "x.Evil"})),
    "a program": ("settings", lambda s, state: both(state, settings={"spark.sql.execution.pyspark.python": "/bin/sh"})),
    "a variable": ("settings", lambda s, state: both(state, settings={"my_date": SQL})),
    "a value too long": (
        "settings",
        lambda s, state: both(state, settings={"spark.sql.session.timeZone": "x" * 10**6}),
    ),
    "no time zone": ("settings", lambda s, state: both(state, settings={"spark.sql.session.timeZone": SQL})),
    "SQL as the database": ("database", lambda s, state: both(state, database=SQL)),
    "SQL as the catalog": ("database", lambda s, state: both(state, catalog=SQL)),
    "functions": ("views", lambda s, state: both(state, dropped_functions=[SQL, "sum", "${spark.app.name}"])),
    "others' global view": (
        "views",
        lambda s, state: both(state, dropped_views=[{"name": "canary_view", "is_global": True}]),
    ),
    "a dropped view": ("views", lambda s, state: both(state, dropped_views=[{"name": SQL}, {"name": "precious"}])),
    "views without end": ("views", lambda s, state: both(state, views=[state["views"][0]] * 2000)),
    "an unknown handling": ("views", lambda s, state: both(state, handling="execute")),
    "nothing": ("views", lambda s, state: both(state, views=None)),
    "views that are text": ("views", lambda s, state: both(state, views=SQL)),
    "a reason of 100 MB": ("views", lambda s, state: both(state, reason="x" * 100_000_000)),
    "not a number": ("views", lambda s, state: both(state, views=[{**state["views"][0], "bytes": float("nan")}])),
}

EXPECTED = {"v": [0, 1, 2], "t": [0, 1], "zone": "Asia/Tokyo"}

HARMLESS = {"functions", "others' global view", "a dropped view"}
"""Nothing need run again for these: what they say comes to nothing."""

CASES = (
    {f"a view: {name}": ("views", edit) for name, edit in VIEWS.items()}
    | {f"a table: {name}": ("objects", edit) for name, edit in TABLES.items()}
    | OTHERS
)


QUICK = {
    *(
        f"a view: {name}"
        for name in ("outside", "through a link", "a class", "SQL as its columns", "files without end")
    ),
    *(f"a table: {name}" for name in ("somebody vouches, says the record", "with a class as a type", "nested deeply")),
    *("a program", "a variable", "SQL as the database", "functions", "others' global view", "a reason of 100 MB"),
}
"""Those that go different ways; the others wait for ``make torture``."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if case in QUICK else pytest.mark.torture) for case in CASES]
)
def test_a_hostile_record_makes_components_run_again_at_worst(scene: Scene, canaries: Canaries, case: str) -> None:
    """Nothing outside is read, written or run, and what the last component finds is what it should."""
    holding, edit = CASES[case]
    scene.first_attempt()
    scene.edit(lambda state: edit(scene, state), holding=holding)
    ran, reasons = scene.second_attempt()
    assert scene.found == EXPECTED | {"database": scene.database}
    assert ran[-1] == "c"
    if case not in HARMLESS:
        again = "a" if holding in ("views", "settings") else "b"
        assert again in ran, reasons
    canaries.assert_untouched()


def test_an_untouched_record_makes_nothing_run_again(scene: Scene, canaries: Canaries) -> None:
    """Otherwise the tests here would prove nothing."""
    scene.first_attempt()
    scene.edit(lambda state: None, holding="views")
    ran, reasons = scene.second_attempt()
    assert (ran, scene.found) == (["c"], EXPECTED | {"database": scene.database}), reasons
    canaries.assert_untouched()


def test_a_hostile_record_in_every_store(stored_scene: Scene, canaries: Canaries) -> None:
    """A view and a table elsewhere and a setting that names a class at once: both components run again, and say why."""
    scene = stored_scene
    scene.first_attempt()
    scene.edit(lambda state: VIEWS["outside"](scene, state), holding="views")
    scene.edit(lambda state: state["settings"].update({"spark.sql.catalog.x": "org.x.Evil"}), holding="settings")
    scene.edit(lambda state: TABLES["where others keep files"](scene, state), holding="objects")
    ran, reasons = scene.second_attempt()
    assert (ran, scene.found) == (["a", "b", "c"], EXPECTED | {"database": scene.database})
    assert "is not in this run's directory" in reasons[0]
    assert "is not where Spark would put it" in reasons[1]
    canaries.assert_untouched()


def test_a_record_that_is_no_record_any_more_is_set_aside_in_every_store(
    stored_scene: Scene, canaries: Canaries
) -> None:
    scene = stored_scene
    scene.first_attempt()
    scene.edit(
        lambda state: both(state, handling=SQL, views=[{"name": SQL, "url": str(scene.outside)}]), holding="views"
    )
    ran, _ = scene.second_attempt()
    assert (ran, scene.found) == (["a", "b", "c"], EXPECTED | {"database": scene.database})
    canaries.assert_untouched()
