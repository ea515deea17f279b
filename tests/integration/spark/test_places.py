"""A run keeps its places, whatever a component does to the working directory, and renders its SQL files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.runner import (
    CheckpointHooks,
    LocalCheckpointStore,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)
from tests.conftest import Script
from tests.samples.components import basic as samples

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PIPELINE = """
name: moving
session_state: save
components:
  - name: away
    class_path: tests.integration.spark.test_places.move_away
    session_state: replay
    config: {way: WAY, folder: "{{ params.folder }}"}
  - name: query
    class_path: airflow_provider.components.RunSql
    config: {sql_file: sql/query.sql, output_view: answer}
    depends_on: [away]
  - name: gate
    class_path: tests.samples.components.basic.scripted
    config: {name: gate}
    depends_on: [query]
  - name: check
    class_path: airflow_provider.components.CheckData
    config: {input_view: answer, min_rows: 2, conditions: {the day: "day = '2026-01-31'"}}
    depends_on: [gate]
"""


def move_away(spark: SparkSession, way: str, folder: str) -> None:
    """Leave a view, and go elsewhere in one of the ways in which people do."""
    samples.CALLS.append("away")
    spark.range(2).createOrReplaceTempView("base")
    Path(folder).mkdir(exist_ok=True)
    os.chdir(folder)
    if way == "removed":
        Path(folder).rmdir()
    if way == "renamed":
        Path(folder).rename(f"{folder}-renamed")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of each attempt, as of a shell."""
    (tmp_path / "here" / "sql").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    os.chdir(tmp_path)


@pytest.mark.parametrize("way", ["elsewhere", "removed", "renamed"])
def test_a_run_with_relative_places_goes_on_although_a_component_went_away(
    way: str, spark: SparkSession, script: Script, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Store, saved views, pipeline file and SQL file; and nothing lies in the directory that it went to."""
    Path("moving.yaml").write_text(PIPELINE.replace("WAY", way))
    Path("sql/query.sql").write_text("SELECT id, '{{ ds }}' AS day FROM base")
    script.fail("gate")
    folder = tmp_path / "away"
    command = ["run", "moving.yaml", "--store", "store", "--run-id", "r", "--var", "ds=2026-01-31"]
    command += ["--session-state-url", "views", "--var", f"params.folder={folder}"]

    assert run_command_line(command) == 1
    told = capsys.readouterr().out
    assert f"checkpoint: {here}/store\n" in told
    assert f"--store {here}/store" in told
    os.chdir(here)
    assert script.take_calls() == ["away", "gate"]
    script.mend("gate")
    assert run_command_line(command) == 0, capsys.readouterr()
    assert script.take_calls() == ["away", "gate"]  # its view and its directory are there again
    left = [path for name in ("away", "away-renamed") for path in (tmp_path / name).rglob("*")]
    assert left == []
    assert sorted(path.name for path in here.iterdir()) == ["moving.yaml", "sql", "store", "views"]
    assert [state.status for state in LocalCheckpointStore(here / "store").list()] == ["completed"]


def test_a_pipeline_that_is_built_in_python_keeps_its_places_as_well(
    spark: SparkSession, script: Script, here: Path, tmp_path: Path
) -> None:
    """The store of the engine's own interface, the saved views and the file of a statement."""
    Path("sql/query.sql").write_text("SELECT id FROM base")
    components: list[dict[str, Any]] = [
        {
            "name": "away",
            "class_path": move_away,
            "config": {"way": "removed", "folder": str(tmp_path / "away")},
            "session_state": "replay",
        },
        {"name": "query", "class_path": "airflow_provider.components.RunSql", "depends_on": ["away"]},
        {"name": "gate", "class_path": "tests.samples.components.basic.scripted", "config": {"name": "gate"}},
    ]
    components[1]["config"] = {"sql_file": "sql/query.sql", "output_view": "answer"}
    components[2]["depends_on"] = ["query"]
    config = load_pipeline_config({"name": "built", "session_state": "save", "components": components})
    script.fail("gate")
    store = LocalCheckpointStore("checkpoints")
    hooks = CheckpointHooks(store, run_id="r", pipeline_fingerprint=compute_pipeline_fingerprint(config))
    runner = SimplePipelineRunner(config, hooks=hooks, spark=spark, session_state_url="views")

    failed = runner.run()
    assert [name for name, _ in failed.failed_components] == ["gate"]
    script.take_calls()  # a replay leaves the same as the first time only if it finds the same
    os.chdir(here)
    script.mend("gate")
    completed = load_checkpoint_for_resume(store, "r", config)
    assert completed == {"away", "query"}
    assert not runner.run(completed_components=completed).failed_components
    assert (here / "checkpoints").is_dir()


def test_without_templates_rendered_a_sql_file_that_holds_one_fails_before_its_statement_runs(
    spark: SparkSession, here: Path
) -> None:
    """The engine alone, as in a notebook: otherwise the text '{{ ds }}' would be data."""
    Path("q.sql").write_text("SELECT 1 AS a,\n  '{{ ds }}' AS day")
    component = {"name": "q", "class_path": "airflow_provider.components.RunSql"}
    config = PipelineConfig.model_validate(
        {"name": "p", "components": [component | {"config": {"sql_file": "q.sql", "output_view": "v"}}]}
    )
    (failed,) = SimplePipelineRunner(config, spark=spark).run().component_results
    told = "'{{ ds }}' is a template, and nothing renders templates here"
    assert f"{here}/q.sql, line 2: {told}" in str(failed.error)
