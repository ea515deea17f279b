"""Session state across real processes: what the first one left in its session, the second one finds in its own.

``tests/reliability`` does this for every place where the pipeline can fail.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.every_failure.attempts import attempt, let_fail, python, runs


def test_a_new_process_finds_everything_that_the_first_one_left(tmp_path: Path) -> None:
    """Invariants 1 and 6: views, a temp function, settings, the current database and a table, as late as possible."""
    let_fail(tmp_path, "write_all")
    first = attempt(tmp_path)
    assert list(first["failed"]) == ["write_all"]
    before = runs(tmp_path)
    second = attempt(tmp_path)
    assert second["failed"] == {}
    actions = {name: action for name, (action, _) in second["plan"].items()}
    assert actions == dict.fromkeys(actions, "REUSE") | {
        "read": "REPLAY",
        "function": "REPLAY",
        "clean": "REPLAY",
        "write_all": "RUN",
    }
    assert set(runs(tmp_path) - before) == {"read", "function", "clean", "write_all"}
    outputs = second["outputs"]
    assert outputs["random_first"] == outputs["random_second"]
    assert outputs["session"] == ["Row(p=1001, d='torture', z='America/New_York')"]
    assert {row.rpartition("z=")[2] for row in outputs["hours"]} == {"'Asia/Tokyo')"}
    assert len(outputs["on_table"]) == 28
    assert all("run='1'" in row for row in outputs["on_table"])
    assert len(outputs["cost"]) == 4
    assert not (tmp_path / "state").exists()


@pytest.mark.torture
def test_saved_views_that_vanish_between_two_processes_are_made_again(tmp_path: Path) -> None:
    """The plan says so before Spark is started for it."""
    let_fail(tmp_path, "write_random")
    attempt(tmp_path)
    saved = [path.parent for path in tmp_path.glob("state/attempt-*/*/0")]
    assert len(saved) == 2
    for path in saved:
        path.rename(tmp_path / f"moved-{path.name}")
    second = attempt(tmp_path)
    assert second["failed"] == {}
    for name, view in (("costly", "cost"), ("random", "dice")):
        action, reason = second["plan"][name]
        assert action == "RUN"
        assert reason.startswith(f"its saved view '{view}' is gone from")
    assert second["outputs"]["random_first"] == second["outputs"]["random_second"]


STOPPING = """
from pathlib import Path
from airflow_provider.runner import SimplePipelineRunner, load_pipeline_config
from tests.reliability.every_failure.driver import open_spark

step = {"name": "a", "class_path": "tests.reliability.every_failure.steps.stop_spark"}
runner = SimplePipelineRunner(load_pipeline_config({"name": "p", "components": [step]}), spark=open_spark(Path.cwd()))
[(name, error)] = runner.run().failed_components
print(type(error).__name__, error)
"""


def test_a_component_that_stops_spark_fails_with_that_reason(tmp_path: Path) -> None:
    """Invariant 2: what it left can no longer be seen, so it is not recorded as complete."""
    done = python("-c", STOPPING, directory=tmp_path)
    assert done.returncode == 0, done.stderr[-5000:]
    said = done.stdout.splitlines()[-1]
    assert said.startswith("ComponentError cannot inspect the Spark session after component 'a' (")
    assert said.endswith("Components must not stop the session they are given")
