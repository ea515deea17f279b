"""The commands for people without Airflow: try a pipeline, run it, go on after a failure, look after checkpoints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.cli import main
from airflow_provider.runner import CheckpointState, LocalCheckpointStore
from tests.conftest import Script

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PIPELINE = """
name: daily
session_state: save
components:
  - name: numbers
    class_path: airflow_provider.components.RunSql
    config: {sql: SELECT id FROM range(10), output_view: numbers}
  - name: gate
    class_path: tests.samples.components.scripted
    config: {name: gate}
    depends_on: [numbers]
  - name: check
    class_path: airflow_provider.components.CheckData
    config: {input_view: numbers, min_rows: 10}
    depends_on: [gate]
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    path = tmp_path / "daily.yaml"
    path.write_text(PIPELINE)
    return str(path)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "checkpoints")


def actions(text: str) -> dict[str, str]:
    """Return component to action of a printed plan."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: row[1] for row in rows if len(row) > 1 and row[1] in ("RUN", "REUSE", "REPLAY")}


def test_validate_shows_the_order(pipeline: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", pipeline]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[3:] == [["numbers", "-"], ["gate", "numbers"], ["check", "gate"]]


def test_validate_reports_a_wrong_file_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: daily\ncomponents: [{name: a}]\n")
    assert main(["validate", str(path)]) == 2
    assert f"pipeline config {path}: component 'a', field 'class_path': is missing" in capsys.readouterr().err


def test_a_run_that_failed_goes_on_when_it_is_run_again(
    spark: SparkSession, script: Script, pipeline: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``plan`` says before what ``run`` does, and saved views lie below the store until the run succeeds."""
    script.fail("gate")
    where = [pipeline, "--store", store, "--run-id", "a/b"]
    assert main(["run", *where]) == 1
    saved = Path(store) / ".session_state" / "a%2Fb" / "daily"
    assert list(saved.rglob("*.parquet"))
    capsys.readouterr()

    assert main(["plan", *where]) == 0
    assert actions(capsys.readouterr().out) == {"numbers": "REUSE", "gate": "RUN", "check": "RUN"}
    assert script.take_calls() == ["gate"]

    script.mend("gate")
    assert main(["run", *where]) == 0
    assert script.take_calls() == ["gate"]
    assert not saved.exists()


def test_restart_from_and_fresh_run_completed_components_again(
    spark: SparkSession, script: Script, pipeline: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [pipeline, "--store", store]
    assert main(["run", *where]) == 0
    assert main(["run", *where]) == 0
    assert script.take_calls() == ["gate"]
    assert main(["run", *where, "--restart-from", "gate"]) == 0
    assert script.take_calls() == ["gate"]
    assert main(["run", *where, "--fresh"]) == 0
    assert script.take_calls() == ["gate"]
    assert main(["plan", *where, "--restart-from", "gaet"]) == 2
    assert "unknown or disabled component 'gaet'; did you mean 'gate'?" in capsys.readouterr().err


def test_without_a_checkpoint_everything_would_run(pipeline: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", pipeline]) == 0
    assert set(actions(capsys.readouterr().out).values()) == {"RUN"}


def save(store: str, run_id: str, pipeline: str = "daily", age: timedelta = timedelta(0), **fields: object) -> None:
    state = CheckpointState(
        run_id=run_id,
        pipeline_name=pipeline,
        pipeline_fingerprint="f",
        updated_at=datetime.now(UTC) - age,
        **fields,
    )
    LocalCheckpointStore(store).save(state)


def test_checkpoints_are_listed_shown_and_deleted(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its checkpoint go the saved views."""
    views = tmp_path / "views" / "one"
    (views / "attempt-0123456789ab" / "0001-00000000").mkdir(parents=True)
    save(store, "one", session_state_url=str(views), completed_components=["a"], failed_component="b")
    save(store, "two", scope=("dag", "task", "-1"))

    assert main(["checkpoints", "list", "--store", store]) == 0
    listed = capsys.readouterr().out
    assert "one" in listed
    assert "dag/task/-1" in listed

    assert main(["checkpoints", "show", "one", "--store", store]) == 0
    assert "run 'one', pipeline 'daily': in_progress" in capsys.readouterr().out

    assert main(["checkpoints", "delete", "one", "--store", store]) == 0
    assert not views.exists()
    assert [state.run_id for state in LocalCheckpointStore(store).list()] == ["two"]


def test_a_run_id_that_several_checkpoints_share_must_be_told_apart(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(store, "one")
    save(store, "one", scope=("dag", "task", "-1"))
    assert main(["checkpoints", "delete", "one", "--store", store]) == 1
    assert "2 checkpoints have run id 'one'; choose one" in capsys.readouterr().err
    assert main(["checkpoints", "delete", "one", "--store", store, "--scope", "dag", "task", "-1"]) == 0
    assert [state.scope for state in LocalCheckpointStore(store).list()] == [()]


def test_prune_deletes_what_has_not_changed_for_some_time(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    save(store, "old", age=timedelta(days=31))
    save(store, "new", age=timedelta(days=29))
    assert main(["checkpoints", "prune", "--older-than", "30d", "--store", store]) == 0
    assert [state.run_id for state in LocalCheckpointStore(store).list()] == ["new"]
    with pytest.raises(SystemExit) as refused:
        main(["checkpoints", "prune", "--older-than", "soon", "--store", store])
    assert refused.value.code == 2
    assert "'soon' is not an age such as 30d, 12h or 90m" in capsys.readouterr().err


def test_what_does_not_exist_is_said(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "list", "--store", store]) == 0
    assert main(["checkpoints", "show", "nope", "--store", store]) == 1
    assert "no such checkpoint" in capsys.readouterr().err
