"""What is changed in a document where it is kept: the attempts before, and the end of one that could not say so."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner.observing.progress_document import progress_document
from airflow_provider.runner.observing.progress_history import (
    earlier_attempts,
    ended_document,
    with_earlier,
)
from airflow_provider.runner.record.progress_record import ProgressState
from tests.samples.harness.progress_rows import NOW, row, snapshot


def test_the_next_attempt_tells_of_the_ones_before() -> None:
    """Newest first. One that never said that it ended was killed: what ran then counts as failed."""
    first = progress_document(snapshot([row("a"), row("b", ProgressState.RUNNING)]), NOW)
    first["attempt"] |= {"number": 1, "try_number": 1}
    [entry] = earlier_attempts(first, "etl", 2)
    assert (entry["number"], entry["state"], entry["states"]) == (1, "failed", "cf")
    assert entry["ended_at"] == "2026-11-30T19:30:00.123Z"
    assert "killed" in entry["error"]["headline"]

    second = with_earlier(progress_document(snapshot([row("a"), row("b")]), NOW), [entry])
    again = earlier_attempts(second, "etl", 3)
    assert [found["number"] for found in again] == [2, 1]

    other = progress_document(snapshot([row("a"), row("c")]), NOW)
    other["attempt"] |= {"number": 3, "try_number": 3}
    other = with_earlier(other, again)
    assert ["states" in found for found in other["earlier"]] == [False, False]  # of other components


@pytest.mark.parametrize(
    "damaged", [None, "x", [], {}, {"format": 2}, {"format": 1}, {"format": 1, "pipeline": "etl", "attempt": 1}]
)
def test_a_row_that_a_person_has_edited_tells_of_nothing(damaged: Any) -> None:
    """And never fails."""
    assert earlier_attempts(damaged, "etl", 2) == []


def test_an_attempt_that_cannot_say_that_it_ended_is_told_as_ended() -> None:
    """A driver that was killed: what ran failed, what waited did not run, and an error that it told of stays."""
    rows = [row("a"), row("b", ProgressState.RUNNING), row("c", ProgressState.WAITING)]
    document = progress_document(snapshot(rows), NOW)
    ended = ended_document(document, NOW, "DriverError: exit status 137")
    assert (ended["states"], ended["attempt"]["state"]) == ("cfn", "failed")
    assert ended["attempt"]["error"] == {"headline": "DriverError: exit status 137"}
    assert ended_document(document, NOW, None)["attempt"]["state"] == "succeeded"
    document["attempt"]["error"] = {"headline": "ValueError: no"}
    assert ended_document(document, NOW, "x")["attempt"]["error"] == {"headline": "ValueError: no"}
