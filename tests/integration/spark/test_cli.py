"""The commands for people without Airflow: try a pipeline, run it, go on after a failure, look after checkpoints."""

from __future__ import annotations

import json
import shlex
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.runner import CheckpointState, LocalCheckpointStore
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import MARKER
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from tests.conftest import Script
from tests.samples.harness.saved_directories import leave_views

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
    class_path: tests.samples.components.basic.scripted
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
    assert run_command_line(["validate", pipeline]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[3:] == [["numbers", "-"], ["gate", "numbers"], ["check", "gate"]]


def test_validate_reports_a_wrong_file_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: daily\ncomponents: [{name: a}]\n")
    assert run_command_line(["validate", str(path)]) == 2
    assert f"pipeline config {path}: component 'a', field 'class_path': is missing" in capsys.readouterr().err


def test_a_run_that_failed_resumes_when_it_is_run_again(
    spark: SparkSession, script: Script, pipeline: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``plan`` says before what ``run`` does, and saved views lie below the store until the run succeeds."""
    script.fail("gate")
    where = [pipeline, "--store", store, "--run-id", "a/b"]
    assert run_command_line(["run", *where]) == 1
    saved = Path(store) / ".session_state" / "a%2Fb" / "daily"
    assert list(saved.rglob("*.parquet"))
    capsys.readouterr()

    assert run_command_line(["plan", *where]) == 0
    assert actions(capsys.readouterr().out) == {"numbers": "REUSE", "gate": "RUN", "check": "RUN"}
    assert script.take_calls() == ["gate"]

    script.mend("gate")
    assert run_command_line(["run", *where]) == 0
    assert script.take_calls() == ["gate"]
    assert not saved.exists()


def test_restart_from_and_fresh_run_completed_components_again(
    spark: SparkSession, script: Script, pipeline: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [pipeline, "--store", store]
    assert run_command_line(["run", *where]) == 0
    assert run_command_line(["run", *where]) == 0
    assert script.take_calls() == ["gate"]
    assert run_command_line(["run", *where, "--restart-from", "gate"]) == 0
    assert script.take_calls() == ["gate"]
    assert run_command_line(["run", *where, "--fresh"]) == 0
    assert script.take_calls() == ["gate"]
    assert run_command_line(["plan", *where, "--restart-from", "gaet"]) == 2
    assert "unknown or disabled component 'gaet'; did you mean 'gate'?" in capsys.readouterr().err


def test_a_part_is_tried_and_the_printed_command_runs_the_rest(
    spark: SparkSession, script: Script, tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Templates are rendered, results are on standard output, and what is printed there can be run as it is."""
    path = tmp_path / "a day's.yaml"
    path.write_text(PIPELINE.replace("SELECT id FROM range(10)", "'SELECT id FROM range({{ params.rows }})'"))
    where = [str(path), "--store", store, "--run-id", "r 1"]
    assert run_command_line(["plan", *where]) == 2
    assert "component 'numbers', field 'config.sql': cannot render the template" in capsys.readouterr().err
    given = ["--var", "params.rows=10", "--var", "params.token=hunter2"]
    assert run_command_line(["run", *where, *given, "--only", "check"]) == 2
    assert "component 'check' needs 'gate', not complete in this run" in capsys.readouterr().err

    assert run_command_line(["run", *where, *given, "--until", "numbers"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["pipeline 'daily', run 'r 1': 1 of 3 components complete", f"checkpoint: {store}"]
    assert "hunter2" not in out[2]
    command = shlex.split(out[2].removeprefix("to resume: "))
    assert command[:4] == ["python", "-m", "airflow_provider", "run"]
    assert run_command_line(command[3:]) == 0
    assert script.take_calls() == ["gate"]
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "pipeline 'daily', run 'r 1': 3 of 3 components complete"
    assert out[2].endswith(" --fresh")


def test_without_a_store_the_output_names_the_option_that_keeps_a_checkpoint(
    spark: SparkSession, script: Script, pipeline: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script.fail("gate")
    assert run_command_line(["run", pipeline]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "pipeline 'daily', run 'manual': 1 of 3 components complete",
        "no checkpoint was kept; give --store DIRECTORY to resume a run where it stopped",
    ]


def test_without_a_checkpoint_everything_would_run(pipeline: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["plan", pipeline]) == 0
    assert set(actions(capsys.readouterr().out).values()) == {"RUN"}


def save(store: str, run_id: str, pipeline: str = "daily", age: timedelta = timedelta(0), **fields: object) -> None:
    state = CheckpointState(
        run_id=run_id,
        pipeline_name=pipeline,
        pipeline_fingerprint="f",
        updated_at=datetime.now(UTC) - age,
        **{"status": "failed", **fields},
    )
    LocalCheckpointStore(store).save(state)


def test_checkpoints_are_listed_shown_and_forgotten(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its checkpoint go the saved views; what was deleted is said, part by part."""
    key = RunKey((), "one", "daily")
    leave_views(DirectoryStorage(tmp_path / "views"), key, path=key.path)
    views = key.directory(str(tmp_path / "views"))
    save(store, "one", session_state_url=views, completed_components=["a"], failed_component="b")
    save(store, "two", scope=("dag", "task", "-1"))

    assert run_command_line(["list", "--store", store]) == 0
    listed = capsys.readouterr().out
    assert "one" in listed
    assert "dag/task/-1" in listed

    assert run_command_line(["show", "one", "--store", store]) == 0
    assert "run 'one', pipeline 'daily': failed" in capsys.readouterr().out

    assert run_command_line(["forget", "one", "--store", store]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["checkpoint of pipeline 'daily', run 'one': deleted", "request to restart: was not there"]
    assert said[2].startswith(f"saved views in {views}: deleted (4 files with ")
    assert not Path(views).exists()
    assert [state.run_id for state in LocalCheckpointStore(store).list()] == ["two"]


def test_a_run_of_which_an_attempt_may_be_active_is_forgotten_by_force_only(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal says since when, how that is known and what to do, and ends with status 1."""
    save(store, "one", status="in_progress", age=timedelta(minutes=3))
    assert run_command_line(["forget", "one", "--store", store]) == 1
    refused = capsys.readouterr().err
    assert "its checkpoint says in_progress and has not changed since" in refused
    assert "--force fences it off" in refused
    assert run_command_line(["forget", "one", "--store", store, "--force"]) == 0
    assert "fenced off" in capsys.readouterr().out
    assert list(LocalCheckpointStore(store).list()) == []


def test_views_that_the_command_cannot_open_are_named_and_make_it_fail(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Spark it reaches directories only."""
    save(store, "one", session_state_url="s3a://bucket/views/one/daily")
    assert run_command_line(["forget", "one", "--store", store]) == 1
    out = capsys.readouterr().out
    assert "checkpoint of pipeline 'daily', run 'one': deleted" in out
    assert "saved views in s3a://bucket/views/one/daily: could not be deleted" in out
    assert "add --spark" in out


def test_a_run_forgotten_by_force_stops_at_its_next_record_and_prune_finds_the_rest(
    spark: SparkSession, script: Script, pipeline: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real attempt with real saved views: its record does not come back, and no view is left for ever."""
    running, go_on = threading.Event(), threading.Event()
    ended: list[int] = []

    def wait() -> None:
        running.set()
        assert go_on.wait(120)

    script.on("gate", wait)
    command = ["run", pipeline, "--store", store, "--run-id", "one"]
    worker = threading.Thread(target=lambda: ended.append(run_command_line(command)))
    worker.start()
    assert running.wait(120)
    saved = Path(store) / ".session_state" / "one" / "daily"
    assert json.loads((saved / MARKER).read_text())["run_id"] == "one"

    prune = ["prune", "--store", store, "--older-than", "0m"]
    assert run_command_line(prune) == 0
    assert "may be running" in capsys.readouterr().out
    assert list(saved.rglob("*.parquet"))
    assert run_command_line(["forget", "one", "--store", store]) == 1
    assert run_command_line(["forget", "one", "--store", store, "--force"]) == 0
    assert not list(saved.rglob("*.parquet"))
    go_on.set()
    worker.join(120)

    assert ended == [1]
    assert "StaleAttemptError: the checkpoint of" in capsys.readouterr().err
    assert list(LocalCheckpointStore(store).list()) == []
    assert script.take_calls() == ["gate"]
    assert run_command_line([*prune, "--presume-dead-after", "0m"]) == 0
    assert "no longer belongs to a checkpoint" in capsys.readouterr().out
    assert not saved.exists()


def test_a_run_id_that_several_checkpoints_share_must_be_told_apart(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(store, "one")
    save(store, "one", scope=("dag", "task", "-1"))
    assert run_command_line(["forget", "one", "--store", store]) == 1
    assert "2 checkpoints have run id 'one'; choose one" in capsys.readouterr().err
    assert run_command_line(["forget", "one", "--store", store, "--scope", "dag", "task", "-1"]) == 0
    assert [state.scope for state in LocalCheckpointStore(store).list()] == [()]


def test_prune_deletes_what_has_expired(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Checkpoints, what was set aside, and saved views with them; the dry run lists the same and deletes nothing."""
    save(store, "old", age=timedelta(days=31))
    save(store, "new", age=timedelta(days=29))
    aside = Path(store) / "x" / "p" / "000000.checkpoint.json.corrupt-20240101T000000.000000"
    aside.parent.mkdir(parents=True)
    aside.write_text("torn")
    place = store_address(LocalCheckpointStore(store))
    old, new = RunKey((), "old", "daily"), RunKey((), "new", "daily")
    for key, age in ((old, timedelta(days=31)), (new, timedelta(days=29))):
        files = DirectoryStorage(Path(store) / ".session_state")
        leave_views(files, key, path=key.path, at=datetime.now(UTC) - age, checkpoint=place)

    command = ["prune", "--older-than", "30d", "--store", store]
    assert run_command_line([*command, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "3 of 5 would be deleted" in out
    assert [state.run_id for state in LocalCheckpointStore(store).list()] == ["new", "old"]
    assert run_command_line(command) == 0
    assert "3 of 5 deleted" in capsys.readouterr().out
    assert [state.run_id for state in LocalCheckpointStore(store).list()] == ["new"]
    assert not aside.exists()
    assert [path.name for path in (Path(store) / ".session_state").iterdir()] == ["new"]


def test_prune_without_a_place_or_with_a_wrong_age_is_refused(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["prune"]) == 1
    assert "give --store, --session-state-url, or both" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        run_command_line(["prune", "--older-than", "soon", "--store", store])
    assert refused.value.code == 2
    assert "'soon' is not an age; write it as 30d, 12h or 90m" in capsys.readouterr().err


def test_an_unknown_checkpoint_is_an_error_and_an_empty_store_is_not(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["list", "--store", store]) == 0
    assert run_command_line(["show", "nope", "--store", store]) == 1
    assert "no such checkpoint" in capsys.readouterr().err
