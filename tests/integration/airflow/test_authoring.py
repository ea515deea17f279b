"""The ways to write a pipeline and the operator's options, in a real Airflow with a real Spark (``dag.test()``)."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import InMemoryCheckpointStore, LocalCheckpointStore
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import MARKER
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.stores.task_state import TASK_STATE_ADDRESS
from airflow_provider.stores.task_state_marker import MARKER_KEY
from scripts.local_airflow import RELEASE
from tests.samples.harness.saved_directories import leave_views

pytestmark = pytest.mark.xdist_group("airflow")

FILE = "authoring.py"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where each execution of a component leaves a line."""
    return tmp_path / "journal"


def executed(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def query(airflow: Any, statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Ask Airflow's database."""
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        return database.execute(statement, values).fetchall()


def pushed(ended: Any, task: str, key: str) -> Any:
    """Return what a task has pushed under a key."""
    return ended.pushed[task, -1, key]


def rendered(airflow: Any, ended: Any, task: str) -> dict[str, Any]:
    """Return what Airflow shows under "Rendered Template"."""
    if RELEASE >= (3, 4):
        table = "rtif_v2 JOIN task_instance ON task_instance.id = rtif_v2.task_instance_id"
    else:
        table = "rendered_task_instance_fields"
    statement = f"SELECT rendered_fields FROM {table} WHERE run_id = ? AND task_id = ?"
    ((fields,),) = query(airflow, statement, ended.run_id, task)
    return json.loads(fields)


@pytest.mark.parametrize(
    ("dag_id", "lines", "actions"),
    [
        ("functions", ["a", "b", "c", "c"], {"a": "REUSE", "b": "REUSE", "c": "RUN"}),
        ("functions_in_a_dict", ["a", "b", "b"], {"a": "REUSE", "b": "RUN"}),
    ],
)
def test_functions_and_classes_of_the_dag_file_are_components(
    airflow: Any, journal: Path, dag_id: str, lines: list[str], actions: dict[str, str]
) -> None:
    """They need no module of their own, and the retry recognises them."""
    ended = airflow.run(FILE, dag_id, journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == lines
    assert ended.actions("work") == actions


@pytest.mark.parametrize("name", ["etl", "ml"])
def test_two_dag_files_of_one_name_keep_their_own_functions(airflow: Any, journal: Path, name: str) -> None:
    """Both are loaded before either runs, as a test of a whole DAG folder does, and the retry recognises them."""
    ended = airflow.run("same_name", f"{name}_jobs", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == [name, name, name]
    assert ended.actions("work") == {"a": "REUSE", "b": "RUN"}


def test_a_decorated_function_builds_the_pipeline_from_another_tasks_result(airflow: Any, journal: Path) -> None:
    """Templates in what it returns are rendered, context variables are handed in, and a retry resumes."""
    ended = airflow.run(FILE, "decorated", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["oslo", "rome", "last", "last", "x"]
    assert ended.actions("per_shop") == {"oslo": "REUSE", "rome": "REUSE", "last": "RUN"}
    assert ended.actions("as_config") == {"x": "RUN"}


def test_a_decorated_function_that_returns_no_pipeline_fails_at_once(airflow: Any, journal: Path) -> None:
    """It is a config error: no retry is used up (invariant 10)."""
    ended = airflow.run(FILE, "decorated_wrong", journal=str(journal))

    (only,) = ended.tries["returns_nothing", -1]
    assert only.error["type"] == "AirflowFailException"
    assert "got nothing" in only.error["message"]


def test_a_decorated_function_can_be_mapped(airflow: Any, journal: Path) -> None:
    """Each index builds and runs a pipeline of its own."""
    ended = airflow.run(FILE, "decorated_and_mapped", journal=str(journal))

    assert ended.state == "success"
    assert sorted(executed(journal)) == ["p", "q"]
    assert [ended.actions("one", index) for index in range(2)] == [{"p": "RUN"}, {"q": "RUN"}]


def test_a_template_that_differs_between_attempts_is_named(airflow: Any, journal: Path) -> None:
    """It looks like a changed config, so everything runs again, and the log says which field to mend."""
    ended = airflow.run(FILE, "unstable_template", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["a1", "b", "a2", "b"]
    first, second = ended.tries["work", -1]
    assert not [line for line in first.warnings if "template" in line]
    (warning,) = [line for line in second.warnings if "template" in line]
    assert warning.startswith("component 'a', field 'config.line': its template has another value than in attempt 1")


def test_restart_from_at_the_trigger_is_carried_out_once(airflow: Any, journal: Path) -> None:
    """The first attempt runs everything anyway, and the retry does not restart again."""
    ended = airflow.run(FILE, "asked_at_the_trigger", journal=str(journal), restart_from="a")

    assert ended.state == "success"
    assert executed(journal) == ["a", "b", "b"]


@pytest.mark.parametrize("asked", ["x", {"work": "x"}])
def test_restart_from_at_the_trigger_is_checked(airflow: Any, journal: Path, asked: Any) -> None:
    """A component that the pipeline does not have fails the task at once, and nothing runs."""
    ended = airflow.run(FILE, "asked_at_the_trigger", journal=str(journal), restart_from=asked)

    (only,) = ended.tries["work", -1]
    assert only.error["type"] == "AirflowFailException"
    assert "field 'restart_from': unknown or disabled component 'x'" in only.error["message"]
    assert executed(journal) == []


def test_restart_from_for_another_task_does_not_concern_this_one(airflow: Any, journal: Path) -> None:
    """In the conf of a run with several pipelines, each task finds what is meant for it."""
    ended = airflow.run(FILE, "asked_at_the_trigger", journal=str(journal), restart_from={"other": "x"})

    assert ended.state == "success"


def test_outlets_work_as_for_any_operator(airflow: Any, journal: Path) -> None:
    """A successful run makes an asset event."""
    ended = airflow.run(FILE, "with_outlet", journal=str(journal))

    events = query(airflow, "SELECT count(*) FROM asset_event WHERE source_run_id = ?", ended.run_id)
    assert events == [(1,)]


def test_checkpoints_go_where_checkpoint_url_says(airflow: Any, journal: Path) -> None:
    """A directory (templated) and an address of object storage; each resumes from there."""
    ended = airflow.run(FILE, "elsewhere", journal=str(journal))

    assert ended.state == "success"
    assert sorted(executed(journal)) == ["a", "b", "b", "c", "d", "d"]
    kept = list(LocalCheckpointStore(airflow.home / "elsewhere" / "elsewhere").list())
    assert [(state.scope[1], state.status, state.attempt) for state in kept] == [("directory", "completed", 2)]
    assert list((airflow.home / "elsewhere" / "objects").rglob("*.json"))
    rows = set(query(airflow, "SELECT key FROM task_state_store WHERE run_id = ?", ended.run_id))
    assert rows == {(MARKER_KEY,), ("pyspark_pipeline_progress/chain",)}  # for people; nothing of the checkpoint
    messages = ended.tries["object_storage", -1][1].messages
    assert any(f"checkpoints in object storage file://{airflow.home}/elsewhere/objects" in line for line in messages)


def test_the_task_state_store_keeps_checkpoints_for_90_days_or_as_configured(airflow: Any, journal: Path) -> None:
    """Long enough for a long weekend and more; ``retention_days=0`` keeps them for ever."""
    usual = airflow.run(FILE, "with_outlet", journal=str(journal))
    ever = airflow.run(FILE, "kept_for_ever", journal=str(journal))

    statement = "SELECT expires_at FROM task_state_store WHERE run_id = ? AND key != ?"
    rows = query(airflow, statement, usual.run_id, MARKER_KEY)
    assert rows
    for (expires,) in rows:
        days = (datetime.fromisoformat(expires).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() / 86400
        assert 89.9 < days <= 90
    assert set(query(airflow, "SELECT expires_at FROM task_state_store WHERE run_id = ?", ever.run_id)) == {(None,)}


def test_the_link_to_sparks_ui_is_pushed_while_the_task_runs(airflow: Any, journal: Path) -> None:
    """It is an XCom under the key that the extra link reads; without a History Server it is empty in the end."""
    ended = airflow.run(FILE, "with_outlet", journal=str(journal))

    assert any(line.startswith("Spark UI: http://") for line in ended.tries["work", -1][0].messages)
    assert pushed(ended, "work", "pyspark_pipeline_spark_ui") == ""


def test_a_failed_task_shows_its_pipeline_and_how_far_it_came(airflow: Any, journal: Path) -> None:
    """Rendered Template has the file as it was rendered, without secrets; the summary is an XCom of its own."""
    ended = airflow.run(FILE, "shown", journal=str(journal), rows=7)

    assert ended.states == {("file", -1): "failed", ("built", -1): "success"}
    shown = rendered(airflow, ended, "file")["pipeline"]
    assert (
        "    sql: |-\n      SELECT id, 'file' AS task\n      FROM range(7)\n      WHERE :api_token IS NOT NULL\n"
        in shown
    )
    assert "api_token: '***'" in shown
    assert "hunter2" not in shown
    assert shown.startswith("name: shown\nsession_state: save\ncomponents:\n- name: numbers\n")
    assert re.search(r"class_path: \S*authoring\.note\n", rendered(airflow, ended, "built")["pipeline"])
    summary = pushed(ended, "file", "pyspark_pipeline_summary")
    assert (summary["status"], summary["run_id"], summary["attempt"]) == ("failure", ended.run_id, 1)
    statuses = {part["name"]: part["status"] for part in summary["components"]}
    assert statuses == {"numbers": "completed", "stops": "failed", "told": "not_run"}
    assert summary["components"][1]["error"].startswith("ConnectionError: ")
    assert ("file", -1) not in ended.returned
    assert pushed(ended, "built", "pyspark_pipeline_summary") == ended.returned["built", -1]


def test_two_tasks_that_run_one_file_and_share_every_place_never_meet(airflow: Any, journal: Path) -> None:
    """Each resumes from its own checkpoint and restores the views that it saved itself (invariant 7)."""
    ended = airflow.run(FILE, "twins", journal=str(journal))

    assert ended.state == "success"
    assert sorted(executed(journal)) == ["one", "one", "two", "two"]
    for name in ("one", "two"):
        assert ended.actions(name) == {"numbers": "REUSE", "stops": "RUN", "told": "RUN"}
        rows = [line for part in Path(f"{journal}.{name}").glob("*.csv") for line in part.read_text().splitlines()]
        assert sorted(rows) == [f"{number},{name}" for number in range(3)]
    kept = LocalCheckpointStore(airflow.home / "elsewhere" / "twins").list()
    assert sorted(state.scope for state in kept) == [("twins", "one", "-1"), ("twins", "two", "-1")]


def test_sparks_lineage_knows_the_task_as_its_parent(airflow: Any, journal: Path) -> None:
    """On a par with the operators of Airflow's Spark provider."""
    airflow.run(FILE, "lineage", journal=str(journal))

    assert executed(journal) == [
        "spark.openlineage.parentJobName=lineage.work",
        "spark.openlineage.parentJobNamespace=default",
    ]


def test_a_store_and_its_address_are_not_given_together(tmp_path: Path) -> None:
    """The error comes when the DAG file is parsed and names the task."""
    with pytest.raises(ValueError, match="task 't': give checkpoint_store or checkpoint_url, not both"):
        PySparkPipelineOperator(
            task_id="t", pipeline="p.yaml", checkpoint_store=InMemoryCheckpointStore(), checkpoint_url=str(tmp_path)
        )


def told(
    airflow: Any, airflow_environment: Callable[[Path, Path], dict[str, str]], *words: str
) -> subprocess.CompletedProcess[str]:
    """Give a command to ``airflow pyspark-pipeline``."""
    return subprocess.run(
        [sys.executable, "-m", "airflow", "pyspark-pipeline", *words],
        env=airflow_environment(airflow.home, airflow.dags_folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_airflows_command_line_shows_restarts_and_forgets(
    airflow: Any,
    journal: Path,
    airflow_environment: Callable[[Path, Path], dict[str, str]],
) -> None:
    """``airflow pyspark-pipeline`` works on the task state store; errors name the component and the remedy."""
    ended = airflow.run(FILE, "functions_in_a_dict", journal=str(journal))
    task = ("functions_in_a_dict", "work", ended.run_id)

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return told(airflow, airflow_environment, *words)

    listed = command("list", "--dag-id", "functions_in_a_dict").stdout
    assert "/".join((*task[:2], "-1")) in listed
    assert "2 of 2" in listed
    shown = command("show", *task).stdout
    assert f"run {ended.run_id!r}, pipeline 'chain': completed, attempt 2" in shown
    assert "\nattempt 2: succeeded, began " in shown
    assert "\nattempt 1: failed, began " in shown
    wrong = command("restart-from", *task, "bb")
    assert wrong.returncode == 1
    assert "pipeline 'chain' has no component 'bb'; did you mean 'b'?" in wrong.stderr
    asked = command("restart-from", *task, "b", "--clear")
    assert "will restart from 'b' with all descendants, once\ncleared, keeping the task state: work\n" in asked.stdout
    assert "pending request for the next attempt: restart from 'b'" in command("show", *task).stdout
    forgotten = command("forget", *task)
    assert (forgotten.returncode, forgotten.stdout.splitlines()) == (
        0,
        [
            f"checkpoint of pipeline 'chain' of functions_in_a_dict/work/-1, run {ended.run_id!r}: deleted",
            "request to restart: deleted",
            f"saved views in {airflow.home}/pyspark_pipeline/session_state/"
            f"{quote('functions_in_a_dict')}/work/-1/{quote(ended.run_id, safe='')}/chain: was not there",
        ],
    )
    gone = command("show", *task)
    assert gone.returncode == 1
    assert "no checkpoint of task functions_in_a_dict.work" in gone.stderr
    assert "--store" in gone.stderr
    assert query(airflow, "SELECT key FROM task_state_store WHERE run_id = ?", ended.run_id) == [(MARKER_KEY,)]


def test_a_run_whose_dag_no_longer_has_the_task_is_shown_and_forgotten(
    airflow: Any, journal: Path, airflow_environment: Callable[[Path, Path], dict[str, str]]
) -> None:
    """What the record says does not need the DAG: the task was renamed, or its instances are gone."""
    ended = airflow.run(FILE, "kept_for_ever", journal=str(journal))
    task = ("kept_for_ever", "work", ended.run_id)
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        database.execute("DELETE FROM task_instance WHERE run_id = ?", (ended.run_id,))
        database.execute("DELETE FROM serialized_dag WHERE dag_id = 'kept_for_ever'")

    shown = told(airflow, airflow_environment, "show", *task)
    assert shown.stdout.splitlines()[0] == f"run {ended.run_id!r}, pipeline 'chain': completed, attempt 1", shown.stderr
    gone = told(airflow, airflow_environment, "forget", *task)
    assert "checkpoint of pipeline 'chain'" in gone.stdout, gone.stderr


def test_airflows_command_line_prunes_what_belongs_to_no_run_and_nothing_else(
    airflow: Any,
    journal: Path,
    airflow_environment: Callable[[Path, Path], dict[str, str]],
) -> None:
    """While the task instance runs nothing goes; once the DAG run is deleted its views do, with their directory."""
    base = airflow.home / "pyspark_pipeline" / "session_state"
    shutil.rmtree(base.parent, ignore_errors=True)  # checkpoints and views that other tests have left in this home
    ended = airflow.run(FILE, "leaves_views", journal=str(journal))
    key = RunKey(("leaves_views", "work", "-1"), ended.run_id, "saves")
    mine = Path(key.directory(str(base)))
    marker = json.loads((mine / MARKER).read_text())
    assert (marker["run_id"], marker["checkpoint"], marker["retention_days"]) == (ended.run_id, TASK_STATE_ADDRESS, 14)
    # Of another Airflow that saves to the same place: what this one does not know of says nothing about it.
    other = RunKey(("their_dag", "work", "-1"), "r", "p")
    leave_views(
        DirectoryStorage(base),
        other,
        path=other.path,
        at=datetime.now(UTC),
        checkpoint=TASK_STATE_ADDRESS,
        deployment="https://another",
    )

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return told(airflow, airflow_environment, *words)

    def state(value: str) -> None:
        with sqlite3.connect(airflow.home / "airflow.db") as database:
            database.execute("UPDATE task_instance SET state = ? WHERE run_id = ?", (value, ended.run_id))

    kept = command("prune")
    assert (kept.returncode, "0 of 2 deleted" in kept.stdout) == (0, True), kept.stdout + kept.stderr
    assert "kept for 14 days after that" in kept.stdout
    state("running")
    said = "Airflow's database says the task instance is 'running' (try 1) since 20"
    busy = command("prune", "--older-than", "0m")
    assert said in busy.stdout
    assert list(mine.rglob("*.parquet"))
    refused = command("forget", *key.scope[:2], ended.run_id)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Nothing was deleted" in refused.stderr
    state("failed")

    with sqlite3.connect(airflow.home / "airflow.db") as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM dag_run WHERE run_id = ?", (ended.run_id,))
    listed = command("prune", "--dry-run")
    assert "1 of 2 would be deleted" in listed.stdout, listed.stderr
    assert "no longer belongs to a checkpoint" in listed.stdout
    assert list(mine.rglob("*.parquet"))
    pruned = command("prune")
    assert "1 of 2 deleted" in pruned.stdout
    assert [path.name for path in base.iterdir()] == ["their_dag"]
