"""The exit status of the commands: 2 if trying again cannot help."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.config.config_loader import load_pipeline_config
from tests.samples.sketches import checkpoint

PIPELINE = """
name: p
components:
  - {name: a, class_path: tests.samples.components.basic.scripted, config: {name: a}}
  - {name: b, class_path: tests.samples.components.basic.scripted, config: {name: b}, depends_on: [a]}
"""


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_is_needed_and_must_not_be_made_again_ends_with_status_2(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the component and the remedy, and nothing has run (invariant 11)."""
    path = tmp_path / "p.yaml"
    path.write_text(PIPELINE)
    store = LocalCheckpointStore(tmp_path / "store")
    state = checkpoint(load_pipeline_config(path), "a:unrepeatable", failed_component="b", status="failed")
    store.save(state)

    assert run_command_line([command, str(path), "--store", str(tmp_path / "store"), "--run-id", "run-1"]) == 2

    told = capsys.readouterr().err
    assert "component 'a': registered temp function 'f', which cannot be saved; make two components of it" in told
    assert "No component was re-run" in told
    stored = store.load("run-1", "p")
    assert stored is not None
    assert stored.completed_components == ["a"]
