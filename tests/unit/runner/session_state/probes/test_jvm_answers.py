"""What the JVM of a classic session answers, as plain data."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner.session_state.probes.jvm_answers import LastAnswer


def answer(number: int, since: int, *, unknown: dict[str, str] | None = None, **sections: Any) -> dict[str, Any]:
    return {"number": number, "since": since, "next_execution": 0, "next_job": 0, "unknown": unknown or {}, **sections}


def test_a_section_in_which_nothing_has_changed_is_the_same_object() -> None:
    """Then nobody has to compare it."""
    known = LastAnswer()
    first = known.updated(answer(1, 0, views=[{"v": "1"}, []], settings=[{"k": "x"}, []])).sections
    second = known.updated(answer(2, 1, views=[{"w": "2"}, []], settings=[{}, []])).sections
    assert second["settings"] is first["settings"]
    assert (first["views"], second["views"]) == ({"v": "1"}, {"v": "1", "w": "2"})
    third = known.updated(answer(3, 2, views=[{}, ["v"]], settings=[{}, []])).sections
    assert (second["views"], third["views"]) == ({"v": "1", "w": "2"}, {"w": "2"})


def test_an_answer_of_which_the_one_before_was_lost_has_everything() -> None:
    known = LastAnswer()
    known.updated(answer(1, 0, views=[{"v": "1"}, []]))
    assert known.updated(answer(3, 0, views=[{}, []])).sections["views"] == {}


def test_a_section_that_cannot_be_looked_at_is_as_it_was_the_next_time() -> None:
    known = LastAnswer()
    first = known.updated(answer(1, 0, views=[{"v": "1"}, []])).sections
    second = known.updated(answer(2, 1, unknown={"views": "gone"})).sections
    with pytest.raises(LookupError, match="gone"):
        second["views"]
    assert known.updated(answer(3, 2, views=[{}, []])).sections["views"] == first["views"]
