"""Which of Airflow's rows a checkpoint belongs to."""

from __future__ import annotations

import pytest

from airflow_provider.commands.airflow.metastore import MetastoreAccessor
from airflow_provider.errors import CheckpointReadError
from airflow_provider.runner.record.run_key import RunKey


@pytest.mark.parametrize(
    "scope",
    [
        ("dag", "task"),
        ("dag", "task", "first"),
        ("dag", "task", "-2"),
        ("dag", "task", "-1", "0"),
        ("dag", "task", "-1", "no region", "0"),
        ("dag", "task", "-1", "00000000-0000-0000-0000-000000000001"),
        ("dag", "task", "-1", "00000000-0000-0000-0000-000000000001", "last"),
        ("dag", "task", "-1", "00000000-0000-0000-0000-000000000001", "0", "more"),
    ],
)
def test_a_scope_that_names_no_task_instance_is_refused(scope: tuple[str, ...]) -> None:
    """Typed on a command line: one error that says what it takes, before anything is asked for."""
    with pytest.raises(CheckpointReadError, match="does not name a task instance; give a DAG, a task and a map index"):
        MetastoreAccessor.of(RunKey(scope, "run", "pipeline"))
