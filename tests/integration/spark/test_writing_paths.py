"""`WriteData` and directories: what the run still needs is never destroyed, and nothing is lost without a word."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.components.destination.directory_swap import TargetDirectory, run_token
from airflow_provider.errors import WriteRefusedError
from airflow_provider.runner import ComponentConfig, PipelineConfig, PipelineResult, SimplePipelineRunner
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from airflow_provider.runner.session_state.saved.directory_marker import Ownership

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

READY = "airflow_provider.components"


def step(name: str, kind: str, **config: Any) -> ComponentConfig:
    path = f"{READY}.{kind}" if "." not in kind else kind
    return ComponentConfig(name=name, class_path=path, config=config)


def run(session: SparkSession, *steps: ComponentConfig) -> PipelineResult:
    """Run them one after the other, as a run that has a name; raise what one of them raised."""
    chained = [step.model_copy(update={"depends_on": [steps[n - 1].name] if n else []}) for n, step in enumerate(steps)]
    owner = Ownership(RunKey("r", "p", ("s",)))
    runner = SimplePipelineRunner(
        PipelineConfig(name="p", components=chained), spark=session, environment=RunnerEnvironment(owner=owner)
    )
    result = runner.run()
    for _, error in result.failed_components:
        raise error
    return result


def ids(session: SparkSession, path: Path | str, format_: str = "parquet") -> list[int]:
    return sorted(int(row["id"]) for row in session.read.format(format_).load(str(path)).collect())


def content(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def days(session: SparkSession, tmp_path: Path) -> Path:
    """A directory with the partitions day=0, day=1 and day=2, of one row each."""
    session.range(3).selectExpr("id", "id AS day").write.partitionBy("day").parquet(str(tmp_path / "days"))
    return tmp_path / "days"


def write(view: str, path: Path | str, **config: Any) -> ComponentConfig:
    return step("write", "WriteData", input_view=view, path=str(path), **config)


def read(path: Path | str, view: str = "v", **config: Any) -> ComponentConfig:
    return step(f"read {view}", "ReadData", path=str(path), output_view=view, **config)


def sql(text: str, view: str | None = None, name: str = "clean") -> ComponentConfig:
    return step(name, "RunSql", sql=text, **({"output_view": view} if view else {}))


# Reading and writing back


@pytest.mark.parametrize(
    "spelled",
    [
        lambda path: str(path),
        lambda path: f"{path}/",
        lambda path: f"{path.parent}/x/../{path.name}",
        lambda path: f"file:{path}",
        lambda path: f"file://{path}//",
        lambda path: os.path.relpath(path),
    ],
)
def test_a_view_can_be_written_back_to_the_directory_that_it_reads(
    session: SparkSession, tmp_path: Path, spelled: Callable[[Path], str]
) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    run(session, read(path), sql("SELECT id FROM v WHERE id > 0", "w"), write("w", spelled(path)))
    assert ids(session, path) == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["orders"]


@pytest.mark.parametrize("format_", ["csv", "json", "orc"])
def test_every_format_of_plain_files_can_be_written_back(session: SparkSession, tmp_path: Path, format_: str) -> None:
    path = tmp_path / "orders"
    options = {"header": True} if format_ == "csv" else {}
    session.range(3).write.format(format_).options(**options).save(str(path))
    run(
        session,
        read(path, format=format_, options=options),
        sql("SELECT id FROM v WHERE id > 0", "w"),
        write("w", path, format=format_, options=options),
    )
    assert session.read.format(format_).options(**options).load(str(path)).count() == 2


@pytest.mark.parametrize("pattern", ["*.parquet", "part-*"])
def test_files_that_were_read_by_a_pattern_can_be_written_back(
    session: SparkSession, tmp_path: Path, pattern: str
) -> None:
    session.range(3).write.parquet(str(tmp_path / "orders"))
    run(session, read(tmp_path / "orders" / pattern), write("v", tmp_path / "orders"))
    assert ids(session, tmp_path / "orders") == [0, 1, 2]


def test_partitions_that_were_read_by_a_pattern_can_be_written_back(session: SparkSession, days: Path) -> None:
    base = {"basePath": str(days)}
    run(session, read(days / "day=*", options=base), write("v", days, partition_by=["day"]))
    assert ids(session, days) == [0, 1, 2]


def test_one_partition_can_be_replaced_by_what_was_made_of_all(session: SparkSession, days: Path) -> None:
    run(session, read(days), sql("SELECT id + 10 AS id FROM v WHERE day = 1", "w"), write("w", days / "day=1"))
    assert ids(session, days) == [0, 2, 11]


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "real" / "orders"))
    (tmp_path / "link").symlink_to(tmp_path / "real" / "orders")
    run(
        session,
        read(tmp_path / "real" / "orders"),
        sql("SELECT * FROM v WHERE id > 0", "w"),
        write("w", tmp_path / "link"),
    )
    assert ids(session, tmp_path / "real" / "orders") == [1, 2]
    assert (tmp_path / "link").is_symlink()


def test_a_cached_view_shows_what_was_written_as_in_plain_spark(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "orders"))
    run(
        session,
        read(tmp_path / "orders"),
        sql("CACHE TABLE v", name="cache"),
        sql("SELECT * FROM v WHERE id > 0", "w"),
        write("w", tmp_path / "orders"),
        step("check", "CheckData", input_view="v", min_rows=2, max_rows=2),
    )


def test_a_write_that_fails_leaves_the_old_data_and_nothing_beside_them(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "orders"))
    before = content(tmp_path)
    with pytest.raises(Exception, match="no more"):
        run(
            session,
            read(tmp_path / "orders"),
            sql("SELECT CASE WHEN id = 2 THEN raise_error('no more') ELSE id END AS id FROM v", "w"),
            write("w", tmp_path / "orders"),
        )
    assert content(tmp_path) == before


def test_a_replaced_directory_keeps_its_permissions(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "orders"))
    (tmp_path / "orders").chmod(0o750)
    run(session, read(tmp_path / "orders"), write("v", tmp_path / "orders"))
    assert (tmp_path / "orders").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "orders" / "_SUCCESS").exists()


def test_appending_to_what_is_read_takes_the_rows_that_were_there(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "orders"))
    run(session, read(tmp_path / "orders"), write("v", tmp_path / "orders", mode="append"))
    assert ids(session, tmp_path / "orders") == [0, 0, 1, 1, 2, 2]


def test_the_record_names_the_directory_and_not_what_was_written_beside_it(
    session: SparkSession, tmp_path: Path
) -> None:
    from airflow_provider.runner import CheckpointHooks, InMemoryCheckpointStore

    store = InMemoryCheckpointStore()
    config = PipelineConfig(
        name="p",
        components=[
            sql("SELECT 1 AS id", "v"),
            write("v", tmp_path / "out").model_copy(update={"depends_on": ["clean"]}),
        ],
    )
    SimplePipelineRunner(config, hooks=CheckpointHooks(store, "r", "f"), spark=session).run()
    state = store.load("r", "p")
    assert state is not None
    assert state.components["write"].writes == [str(tmp_path / "out")]


# An attempt that ended in the middle


def beside(path: Path, kind: str, token: str) -> Path:
    return path.with_name(f".{path.name}.{kind}-{token}-0123abcd")


OWN = run_token(ComponentContext("write", "p", run=repr(("", RunKey("r", "p", ("s",))))))


@pytest.mark.parametrize("token", [OWN, "f" * 16])
def test_old_data_that_were_moved_aside_are_back_before_the_next_write(
    session: SparkSession, tmp_path: Path, token: str
) -> None:
    """Between two renames the target is missing, whoever's attempt that was."""
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(beside(path, "replaced", token)))
    session.range(1).write.parquet(str(beside(path, "replacing", token)))
    with pytest.raises(Exception, match="no more"):
        run(session, sql("SELECT raise_error('no more') AS id", "w"), write("w", path))
    assert ids(session, path) == [0, 1, 2]


def test_old_data_that_were_moved_aside_are_back_before_they_are_read(session: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(beside(path, "replaced", OWN)))
    run(session, read(path), sql("SELECT id FROM v WHERE id > 0", "w"), write("w", path))
    assert ids(session, path) == [1, 2]
    assert os.listdir(tmp_path) == ["orders"]


def test_what_this_run_left_beside_is_deleted_and_nothing_else(session: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    others = [beside(path, kind, "f" * 16) for kind in ("replaced", "replacing")]
    others += [tmp_path / ".orders.replaced", tmp_path / "orders.replacing-x", tmp_path / ".orders2.replaced-x"]
    for place in (*others, beside(path, "replaced", OWN), beside(path, "replacing", OWN)):
        place.mkdir()
    run(session, sql("SELECT 7 AS id", "w"), write("w", path))
    assert ids(session, path) == [7]
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_directories_are_exchanged_by_renames_where_they_cannot_be_at_once(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "airflow_provider.components.destination.directory_swap._exchanged_at_once", lambda one, other: False
    )
    session.range(3).write.parquet(str(tmp_path / "orders"))
    run(session, read(tmp_path / "orders"), sql("SELECT * FROM v WHERE id > 0", "w"), write("w", tmp_path / "orders"))
    assert ids(session, tmp_path / "orders") == [1, 2]
    assert os.listdir(tmp_path) == ["orders"]


def test_a_rename_that_fails_puts_the_old_data_back(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "airflow_provider.components.destination.directory_swap._exchanged_at_once", lambda one, other: False
    )
    rename, calls = TargetDirectory._rename, []

    def second_fails(self: TargetDirectory, old: Any, new: Any) -> None:
        calls.append(old)
        if len(calls) == 2:
            raise OSError("no")
        rename(self, old, new)

    monkeypatch.setattr(TargetDirectory, "_rename", second_fails)
    session.range(3).write.parquet(str(tmp_path / "orders"))
    with pytest.raises(OSError, match="no"):
        run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "orders"))
    assert ids(session, tmp_path / "orders") == [0, 1, 2]
    assert os.listdir(tmp_path) == ["orders"]


# Refused before anything is deleted


def refused(session: SparkSession, root: Path, *steps: ComponentConfig) -> str:
    before = content(root)
    with pytest.raises(WriteRefusedError) as caught:
        run(session, *steps)
    assert content(root) == before
    assert "nothing was deleted" in str(caught.value)
    return str(caught.value)


def test_in_place_a_view_is_not_written_over_what_it_reads(session: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    said = refused(session, tmp_path, read(path), sql("SELECT id FROM v", "w"), write("w", path, replace="in_place"))
    for named in ("component 'write'", "'w'", "left by component 'clean'", str(path)):
        assert named in said


@pytest.mark.parametrize("replace", ["safely", "in_place"])
def test_a_directory_around_what_is_read_is_not_replaced(session: SparkSession, tmp_path: Path, replace: str) -> None:
    session.range(3).write.parquet(str(tmp_path / "lake" / "orders"))
    said = refused(
        session,
        tmp_path,
        read(tmp_path / "lake" / "orders"),
        write("v", tmp_path / "lake", replace=replace),
    )
    assert str(tmp_path / "lake" / "orders") in said


NEEDING = [
    sql("SELECT * FROM v", "again", name="later"),
    sql("SELECT * FROM w JOIN `V` USING (id)", "again", name="later"),
    sql("CACHE TABLE v", name="later"),
    step("later", "CheckData", input_view="v", min_rows=1),
    step("later", "tests.samples.components.basic.takes_anything", input_view="v"),
    step("later", "tests.samples.components.basic.reads_view_v"),
]


@pytest.mark.parametrize("later", NEEDING, ids=lambda step: str(step.config)[:40])
def test_what_an_earlier_view_reads_that_is_still_needed_is_not_replaced(
    session: SparkSession, tmp_path: Path, later: ComponentConfig
) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    said = refused(session, tmp_path, read(path), sql("SELECT id FROM v", "w"), write("w", path), later)
    for named in ("component 'write'", "view 'v' (left by component 'read v')", "component 'later'", str(path)):
        assert named in said


@pytest.mark.parametrize(
    "later",
    [
        [sql("DROP VIEW v", name="drop")],
        [sql("SELECT 'v' AS text -- v", "x", name="other")],
        [sql("SELECT v2.id FROM VALUES (1) AS v2(id)", "x", name="other")],
        [sql("REFRESH TABLE v", name="refresh"), step("check", "CheckData", input_view="v", min_rows=1)],
        [sql("SELECT 1 AS id", "v", name="new"), step("check", "CheckData", input_view="v", min_rows=1)],
        [step("noop", "tests.samples.components.basic.takes_anything", output_view="v")],
        [step("new", "tests.samples.components.basic.makes_view_v")],
        [
            step("new", "tests.samples.components.basic.makes_view_v"),
            step("later", "tests.samples.components.basic.reads_view_v"),
        ],
    ],
    ids=lambda steps: str(steps[0].config)[:40],
)
def test_a_view_that_no_component_reads_again_blocks_no_write(
    session: SparkSession, tmp_path: Path, later: list[ComponentConfig]
) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    run(session, read(path), sql("SELECT id FROM v WHERE id > 0", "w"), write("w", path), *later)
    assert ids(session, path) == [1, 2]


def test_what_was_written_can_be_read_back(session: SparkSession, days: Path) -> None:
    run(
        session,
        read(days),
        write("v", days, partition_by=["day"]),
        read(days, "again"),
        step("check", "CheckData", input_view="again", min_rows=3),
        read(days / "day=1", "one"),
        step("check one", "CheckData", input_view="one", min_rows=1),
    )


def test_a_view_that_an_unknown_component_may_read_is_named_in_the_log(
    session: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "orders"
    session.range(3).write.parquet(str(path))
    with caplog.at_level(logging.WARNING):
        run(
            session,
            read(path),
            write("v", path),
            step("own", "tests.samples.components.basic.takes_anything", source="v"),
        )
    assert "'v' (left by component 'read v'), named by 'own'" in caplog.text


@pytest.mark.parametrize("replace", ["safely", "in_place"])
@pytest.mark.parametrize(
    "later",
    [
        lambda lake: read(lake / "customers", "c"),
        lambda lake: read(lake / "customers" / "*.parquet", "c"),
        lambda lake: sql(f"SELECT * FROM parquet.`{lake}/customers`", "c", name="later"),
    ],
)
def test_other_data_inside_that_a_later_component_reads_are_not_replaced(
    session: SparkSession, tmp_path: Path, replace: str, later: Callable[[Path], ComponentConfig]
) -> None:
    lake = tmp_path / "lake"
    session.range(3).write.parquet(str(lake / "customers"))
    said = refused(session, tmp_path, sql("SELECT 1 AS id", "w"), write("w", lake, replace=replace), later(lake))
    assert str(lake / "customers") in said


def test_a_partition_that_a_later_component_reads_must_be_written_again(session: SparkSession, days: Path) -> None:
    said = refused(
        session,
        days.parent,
        sql("SELECT 1 AS id, 1 AS day", "w"),
        write("w", days, partition_by=["day"]),
        read(days / "day=2", "two"),
    )
    assert "day=2" in said


@pytest.mark.parametrize("of", ["working directory", "root", "around"])
def test_a_directory_around_what_the_run_stands_on_is_not_emptied(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "pipeline.yaml").write_text("mine")
    monkeypatch.chdir(tmp_path / "a" / "b")
    target = {"working directory": tmp_path / "a" / "b", "root": Path("/"), "around": tmp_path / "a"}[of]
    with pytest.raises(WriteRefusedError):
        run(session, sql("SELECT 1 AS id", "w"), write("w", target))
    assert (tmp_path / "a" / "b" / "pipeline.yaml").read_text() == "mine"


def test_plain_files_never_replace_a_table_format(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)
    (tmp_path / "t" / "_delta_log" / "00000000000000000000.json").write_text("{}")
    assert "Delta" in refused(session, tmp_path, sql("SELECT 1 AS id", "w"), write("w", tmp_path / "t"))


def test_a_look_that_fails_does_not_fail_the_write(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("no look")

    for name in ("read_by", "read_by_stored_views"):
        monkeypatch.setattr(f"airflow_provider.components.protection.write_protection.{name}", fails)
    session.range(3).write.parquet(str(tmp_path / "out"))
    run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "out"), sql("SELECT 1 AS id", "x", name="later"))
    assert ids(session, tmp_path / "out") == [7]
    assert "RuntimeError: no look" in caplog.text


# Partitions


def test_only_the_partitions_that_are_written_are_replaced_when_asked_for(session: SparkSession, days: Path) -> None:
    for config in (
        {"mode": "overwrite_partitions"},
        {"mode": "overwritePartitions"},
        {"options": {"partitionOverwriteMode": "dynamic"}},
    ):
        run(
            session,
            read(days),
            sql("SELECT id + 10 AS id, day FROM v WHERE day = 1", "w"),
            write("w", days, partition_by=["day"], **config),
        )
    assert ids(session, days) == [0, 2, 31]


def test_the_sessions_setting_counts_too(session: SparkSession, days: Path) -> None:
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    run(session, sql("SELECT 7 AS id, 1 AS day", "w"), write("w", days, partition_by=["day"]))
    assert ids(session, days) == [0, 2, 7]


def test_partitions_that_an_overwrite_removes_are_named_in_the_log(
    session: SparkSession, days: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        run(session, sql("SELECT 7 AS id, 1 AS day", "w"), write("w", days, partition_by=["day"]))
    assert ids(session, days) == [7]
    assert "removes 2 partitions for which view 'w' has no rows (day=0, day=2)" in caplog.text


def test_other_directories_that_an_overwrite_removes_are_named_in_the_log(
    session: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session.range(1).write.parquet(str(tmp_path / "lake" / "customers"))
    with caplog.at_level(logging.WARNING):
        run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "lake"))
    assert "also removes other directories inside it (customers)" in caplog.text


@pytest.mark.parametrize(
    ("partition_by", "mode"),
    [
        ([], "append"),
        (["id"], "append"),
        (["id"], "overwrite_partitions"),
        (["day", "id"], "append"),
        (["DAY"], "append"),
    ],
)
def test_rows_are_not_added_where_readers_would_pass_over_them(
    session: SparkSession, days: Path, partition_by: list[str], mode: str
) -> None:
    """Spark reads only one kind of layout, and says nothing of the other."""
    steps = [sql("SELECT 7 AS id, 1 AS day, 1 AS x", "w"), write("w", days, partition_by=partition_by, mode=mode)]
    assert "partitioned by day" in refused(session, days.parent, *steps)


def test_partitions_are_not_added_beside_files(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).selectExpr("id", "id AS day").write.parquet(str(tmp_path / "flat"))
    for mode in ("append", "overwrite_partitions"):
        steps = [sql("SELECT 7 AS id, 1 AS day", "w"), write("w", tmp_path / "flat", partition_by=["day"], mode=mode)]
        assert "without partitions" in refused(session, tmp_path, *steps)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("overwrite", []), ("overwrite_partitions", [0, 1, 2]), ("append", [0, 1, 2]), ("ignore", [0, 1, 2])],
)
def test_a_day_without_rows(session: SparkSession, days: Path, mode: str, expected: list[int]) -> None:
    """docs/how-to/write-data.md has this table."""
    run(session, sql("SELECT 7 AS id, 1 AS day WHERE false", "w"), write("w", days, partition_by=["day"], mode=mode))
    left = sorted(path.name for path in days.glob("day=*"))
    assert left == [f"day={day}" for day in expected]


def test_a_day_without_rows_leaves_an_empty_directory_that_can_be_read(session: SparkSession, tmp_path: Path) -> None:
    session.range(3).write.parquet(str(tmp_path / "out"))
    run(session, sql("SELECT 7 AS id WHERE false", "w"), write("w", tmp_path / "out"))
    assert ids(session, tmp_path / "out") == []


# Other modes


def test_that_nothing_was_written_is_said(
    session: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session.range(3).write.parquet(str(tmp_path / "out"))
    with caplog.at_level(logging.INFO):
        run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "out", mode="ignore"))
    assert "nothing was written to path" in caplog.text
    assert "wrote view" not in caplog.text


@pytest.mark.parametrize("mode", ["error", "ignore"])
def test_a_first_write_is_there_as_a_whole_or_not_at_all(session: SparkSession, tmp_path: Path, mode: str) -> None:
    """Otherwise half of it would be taken for all of it by 'ignore', and be in the way of 'error' for ever."""
    with pytest.raises(Exception, match="no more"):
        run(session, sql("SELECT raise_error('no more') AS id", "w"), write("w", tmp_path / "out", mode=mode))
    assert os.listdir(tmp_path) == []
    run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "out", mode=mode))
    assert ids(session, tmp_path / "out") == [7]


@pytest.mark.parametrize("mode", ["error", "ignore"])
@pytest.mark.parametrize("token", ["own", "f" * 16])
def test_in_place_only_what_this_run_began_is_written_again(
    session: SparkSession, tmp_path: Path, mode: str, token: str
) -> None:
    """On an object store a kill leaves half of it at the target."""
    (tmp_path / "out" / "_temporary").mkdir(parents=True)
    (tmp_path / f".out.writing-{OWN if token == 'own' else token}").touch()
    steps = [sql("SELECT 7 AS id", "w"), write("w", tmp_path / "out", mode=mode, replace="in_place")]
    if token == "own":
        run(session, *steps)
        assert ids(session, tmp_path / "out") == [7]
        assert os.listdir(tmp_path) == ["out"]
    else:
        with contextlib.suppress(Exception):
            run(session, *steps)
        assert os.listdir(tmp_path / "out") == ["_temporary"]


def test_in_place_a_write_that_fails_is_not_in_the_way_of_the_next_one(session: SparkSession, tmp_path: Path) -> None:
    config = {"mode": "error", "replace": "in_place"}
    with pytest.raises(Exception, match="no more"):
        run(session, sql("SELECT raise_error('no more') AS id", "w"), write("w", tmp_path / "out", **config))
    run(session, sql("SELECT 7 AS id", "w"), write("w", tmp_path / "out", **config))
    assert ids(session, tmp_path / "out") == [7]
    assert os.listdir(tmp_path) == ["out"]


def test_a_format_without_path_or_table_is_written(session: SparkSession) -> None:
    run(session, sql("SELECT 7 AS id", "w"), step("write", "WriteData", input_view="w", format="noop"))


def test_a_table_of_a_database_is_not_emptied_before_it_is_read(session: SparkSession, tmp_path: Path) -> None:
    options = {"url": f"jdbc:derby:memory:w{tmp_path.name.replace('-', '')};create=true", "dbtable": "orders"}
    session.range(3).write.format("jdbc").options(**options).save()
    steps = [
        step("read", "ReadData", format="jdbc", options=options, output_view="v"),
        step("write", "WriteData", input_view="v", format="jdbc", options=options),
    ]
    with pytest.raises(WriteRefusedError, match="orders"):
        run(session, *steps)
    assert session.read.format("jdbc").options(**options).load().count() == 3


# A single file


@pytest.mark.parametrize("at_once", [True, False])
def test_a_single_file_is_replaced_as_a_whole_with_a_warning(
    session: SparkSession,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,
) -> None:
    if not at_once:
        monkeypatch.setattr(
            "airflow_provider.components.destination.directory_swap._exchanged_at_once", lambda one, other: False
        )
    path = tmp_path / "out.csv"
    path.write_text("id\n1\n2\n")
    options = {"header": True}
    steps = [read(path, format="csv", options=options)]
    failing = sql("SELECT CASE WHEN id = 2 THEN raise_error('no more') ELSE id END AS id FROM v", "w")
    with pytest.raises(Exception, match="no more"):
        run(session, *steps, failing, write("w", path, format="csv", options=options))
    assert path.read_text() == "id\n1\n2\n"
    with caplog.at_level(logging.WARNING):
        keeping = sql("SELECT * FROM v WHERE id > 1", "w")
        run(session, *steps, keeping, write("w", path, format="csv", options=options))
    assert "is a single file; a directory of that name replaces it" in caplog.text
    assert [row["id"] for row in session.read.csv(str(path), header=True).collect()] == ["2"]
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize(
    ("mode", "told"), [("append", "single file"), ("overwrite_partitions", "single file"), ("error", "already exists")]
)
def test_rows_are_not_added_to_a_single_file(session: SparkSession, tmp_path: Path, mode: str, told: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text("id\n1\n")
    with pytest.raises(Exception, match=told):
        run(
            session,
            sql("SELECT 7 AS id, 1 AS day", "w"),
            write("w", path, format="csv", mode=mode, partition_by=["day"]),
        )
    assert path.read_text() == "id\n1\n"


def test_a_single_file_that_was_moved_aside_is_back(session: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    beside(path, "replaced", OWN).write_text("id\n1\n")
    with pytest.raises(Exception, match="no more"):
        run(session, sql("SELECT CAST(raise_error('no more') AS INT) AS id", "w"), write("w", path, format="csv"))
    assert path.read_text() == "id\n1\n"
