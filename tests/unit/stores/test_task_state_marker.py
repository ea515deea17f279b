"""The row that tells whether a clear has kept the task state."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.stores.task_state_marker import MARKER_KEY, TaskStateMarker, leave_marker
from tests.samples.harness.stores import FakeTaskState


def marker_in(rows: FakeTaskState) -> TaskStateMarker:
    marker = leave_marker(rows)
    assert marker is not None
    return marker


def test_the_marker_lives_as_long_as_the_task_state() -> None:
    """Each attempt finds the one that the first has left; where the task state was discarded there is a new one."""
    first = FakeTaskState()
    one = marker_in(first)
    second = first.successor()
    two = marker_in(second)
    second.rows.clear()
    three = marker_in(second.successor())

    assert (one.found, two.found, three.found) == (False, True, False)
    assert one.id == two.id != three.id
    assert first.retention[MARKER_KEY] == timedelta.max  # it must not expire before the record


@pytest.mark.parametrize("row", ["text", {}, {"id": 3}, {"id": ""}, ["id"], 0])
def test_what_a_person_typed_there_is_no_marker(row: Any) -> None:
    """It is written again."""
    rows = FakeTaskState({MARKER_KEY: json.dumps(row)})

    assert not marker_in(rows).found
    assert marker_in(rows).found


def test_an_airflow_without_task_state_has_no_marker() -> None:
    """Before 3.3 there is no store to ask."""
    assert leave_marker(None) is None


def test_a_replaced_attempt_is_refused() -> None:
    """It reads as if nothing were there, and Airflow refuses what it writes; any other error is what it is."""
    zombie = FakeTaskState()
    zombie.successor()
    with pytest.raises(StaleAttemptError, match="a newer attempt has replaced this one"):
        leave_marker(zombie)

    cut_off = FakeTaskState()
    cut_off.broken = ConnectionError("the API server is away")
    with pytest.raises(ConnectionError, match="the API server is away"):
        leave_marker(cut_off)
