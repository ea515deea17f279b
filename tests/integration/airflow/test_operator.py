"""The operator in a real Airflow with a real Spark: ``dag.test()`` with automatic retries and Airflow's own store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("airflow")

FILE = "behaviour.py"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where each execution of a component leaves a line."""
    return tmp_path / "journal"


def executed(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def test_a_retry_continues_after_the_last_component_that_succeeded(airflow: Any, journal: Path) -> None:
    """Completed components run exactly once, the failed one and its dependents run in the retry (invariants 1, 2)."""
    ended = airflow.run(FILE, "fails_once", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["a", "b", "c", "c", "d"]
    assert [(t.number, t.state) for t in ended.tries["work", -1]] == [(1, "up_for_retry"), (2, "success")]

    summary = ended.returned["work", -1]
    assert (summary["status"], summary["attempt"], summary["run_id"]) == ("success", 2, ended.run_id)
    assert ended.actions("work") == {"a": "REUSE", "b": "REUSE", "c": "RUN", "d": "RUN"}
    reasons = {part["name"]: part["reason"] for part in summary["components"]}
    assert reasons["a"].startswith("completed in attempt 1 at ")
    assert reasons["c"] == "failed in attempt 1"
    assert reasons["d"] == "not completed in attempt 1"

    first, second = (t.messages for t in ended.tries["work", -1])
    assert any(f"run {ended.run_id!r}, try 1: first attempt" in line for line in first)
    assert any("try 2: retry after an unfinished attempt" in line for line in second)
    assert "[3/4] c: started" in first
    assert any(line.startswith("[3/4] c: FAILED after ") and "not up yet" in line for line in first)
    assert any("plan of this attempt: 2 to RUN, 2 to REUSE" in line for line in second)
    row = next(line.split(maxsplit=2) for line in second if line.startswith("a "))
    assert row[1] == "REUSE"
    assert row[2].startswith("completed in attempt 1")
    assert "[1/4] a: started" not in second
    assert any(line.startswith("reuse saved") for line in second)


def test_after_two_failures_the_third_attempt_repeats_nothing_that_any_attempt_completed(
    airflow: Any, journal: Path
) -> None:
    """A second failure does not make the checkpoint forget the first attempt (invariant 1)."""
    ended = airflow.run(FILE, "fails_twice", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["a", "b", "b", "c", "d", "d"]
    assert ended.actions("work") == {"a": "REUSE", "b": "REUSE", "c": "REUSE", "d": "RUN"}
    reasons = [part["reason"].partition(" at ")[0] for part in ended.returned["work", -1]["components"]]
    assert reasons == [
        "completed in attempt 1",
        "completed in attempt 2",
        "completed in attempt 2",
        "failed in attempt 2",
    ]


def test_a_failing_component_fails_the_task_in_the_way_that_airflow_retries(airflow: Any, journal: Path) -> None:
    """The error is whole: cause, line, progress, what comes next; out of retries, the DAG run fails (invariant 10)."""
    ended = airflow.run(FILE, "fails_always", journal=str(journal))

    assert ended.state == "failed"
    assert executed(journal) == ["a", "b", "b"]
    tries = ended.tries["work", -1]
    assert [(t.number, t.state) for t in tries] == [(1, "up_for_retry"), (2, "failed")]
    assert ("work", -1) not in ended.returned
    for error in (t.error for t in tries):
        assert error["type"] == "ComponentFailedError"
        first, where, complete, following = error["message"].splitlines()
        assert first == "pipeline 'chain': component 'b' (2 of 3) failed: ConnectionError: the service is not up yet"
        assert where.startswith(f"where: {airflow.dags_folder / 'steps.py'}:")
        assert ", in ask_the_service: raise ConnectionError(" in where
        assert complete == "complete: 1 of 3: 'a'"
        assert following == "next: a retry or a clear of this task resumes at 'b'"
        assert error["cause"] is None  # or Airflow would log a second traceback
    assert "ask_the_service" in ended.output


def test_a_wrong_config_fails_at_once_without_using_up_retries(airflow: Any, journal: Path) -> None:
    """The message names file, component, field and remedy, and nothing has run (invariant 10)."""
    ended = airflow.run(FILE, "wrong_config", journal=str(journal))

    assert (ended.state, executed(journal)) == ("failed", [])
    (only,) = ended.tries["work", -1]
    assert only.state == "failed"
    assert only.error["type"] == "AirflowFailException"
    assert only.error["cause"] is None  # the message says it all
    for part in (
        str(airflow.dags_folder / "wrong.yaml"),
        "component 'publish'",
        "field 'depends_on'",
        "did you mean 'load'?",
    ):
        assert part in only.error["message"]


def test_lost_state_that_must_not_be_replayed_uses_up_no_further_retries(airflow: Any, journal: Path) -> None:
    """The retry names the component and the remedy, runs nothing, and is the last (invariants 10 and 11)."""
    ended = airflow.run(FILE, "not_saved", journal=str(journal))

    assert (ended.state, executed(journal)) == ("failed", ["a", "b"])
    first, second = ended.tries["work", -1]
    assert first.error["type"] == "ComponentFailedError"
    assert second.state == "failed"
    assert second.error["type"] == "AirflowFailException"
    assert "component 'a': registered temp function 'upper', which" in second.error["message"]
    assert "or split it in two: one component for the side effect, one for the registration" in second.error["message"]


def test_a_template_that_cannot_be_rendered_is_a_config_error(airflow: Any, journal: Path) -> None:
    """A syntax error in a template of a pipeline file names the file and uses up no retries."""
    ended = airflow.run(FILE, "wrong_template", journal=str(journal))

    assert (ended.state, executed(journal)) == ("failed", [])
    (only,) = ended.tries["work", -1]
    assert only.error["type"] == "AirflowFailException"
    assert str(airflow.dags_folder / "wrong_template.yaml") in only.error["message"]
    assert "template" in only.error["message"]


def test_a_connection_that_does_not_exist_fails_at_once(airflow: Any, journal: Path) -> None:
    """The message names the connection and says what to do; no retry is used up."""
    ended = airflow.run(FILE, "no_such_connection", journal=str(journal))

    assert (ended.state, executed(journal)) == ("failed", [])
    (only,) = ended.tries["work", -1]
    assert only.error["type"] == "AirflowFailException"
    assert "connection 'nowhere' does not exist" in only.error["message"]
    assert "create it" in only.error["message"]


def test_templates_are_rendered_in_a_file_a_dict_and_a_config_object(airflow: Any, journal: Path) -> None:
    """``params`` and the rest of the context are at hand wherever the author wrote the pipeline."""
    ended = airflow.run(FILE, "templates", journal=str(journal), word="hello")

    assert ended.state == "success"
    assert sorted(executed(journal)) == [
        "dict hello a",
        f"file hello {ended.run_id}",
        "object hello a",
        f"path hello {ended.run_id}",
    ]


def test_the_indices_of_a_mapped_task_do_not_touch_each_others_checkpoints(airflow: Any, journal: Path) -> None:
    """Only the index that failed is tried again, and only it reuses anything (invariant 7)."""
    ended = airflow.run(FILE, "mapped_pipelines", journal=str(journal))

    assert ended.state == "success"
    assert sorted(executed(journal)) == ["0a", "0b", "0c", "1a", "1b", "1b", "1c", "2a", "2b", "2c"]
    assert [len(ended.tries["work", index]) for index in range(3)] == [1, 2, 1]
    assert ended.actions("work", 0) == {"a": "RUN", "b": "RUN", "c": "RUN"}
    assert ended.actions("work", 1) == {"a": "REUSE", "b": "RUN", "c": "RUN"}
    assert ended.actions("work", 2) == {"a": "RUN", "b": "RUN", "c": "RUN"}


def test_mapped_indices_that_share_a_store_and_a_pipeline_run_one_by_one(airflow: Any, journal: Path) -> None:
    """With one store for all and the same pipeline, each index still has its own record and its own settings."""
    ended = airflow.run(FILE, "mapped_settings", journal=str(journal))

    assert ended.state == "success"
    assert sorted(executed(journal)) == ["Asia/Tokyo", "Europe/Oslo"]
    assert [ended.actions("work", index) for index in range(2)] == [{"note": "RUN"}] * 2


def test_two_tasks_with_the_same_pipeline_and_store_do_not_reuse_each_others_record(
    airflow: Any, journal: Path
) -> None:
    """Same store, same pipeline name, same run id, another task: nothing is reused (invariant 7)."""
    ended = airflow.run(FILE, "shared_store", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["a", "b", "a", "b"]
    assert ended.actions("second") == {"a": "RUN", "b": "RUN"}


def test_without_a_task_state_store_checkpoints_go_to_airflow_home_with_one_warning(
    airflow: Any, journal: Path
) -> None:
    """Before Airflow 3.3 the operator resumes too, and says once per attempt that this serves a single host."""
    ended = airflow.run(FILE, "older_airflow", journal=str(journal))

    assert ended.state == "success"
    assert executed(journal) == ["a", "b", "b"]
    directory = airflow.home / "pyspark_pipeline" / "checkpoints"
    assert [path for path in directory.rglob("*") if path.is_file()]
    for attempt in ended.tries["work", -1]:
        (warning,) = [text for text in attempt.warnings if "single host" in text]
        assert str(directory) in warning
        assert "checkpoint_url" in warning
