"""What components usually take: the figures that one run hands to the next, and how a run compares with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner.observing.progress_budget import json_size
from airflow_provider.runner.observing.usual_costs import UsualCosts, read_usual, usual_to_json, with_this_run
from airflow_provider.runner.record.progress_record import SparkCosts


def document(**components: tuple[str, float]) -> dict[str, Any]:
    return {
        "names": list(components),
        "states": "".join(state for state, _ in components.values()),
        "seconds": [seconds for _, seconds in components.values()],
        "details": {"0": {"costs": {"spilled_bytes": 5}}},
    }


def test_a_run_that_succeeded_adds_its_figures_and_the_next_one_reads_them() -> None:
    """Of the last ten runs. A reused component counts with what it took; a replay, or what is gone today, does not."""
    usual = {"a": UsualCosts(tuple(map(float, range(10)))), "gone": UsualCosts((1.0,)), "p": UsualCosts((3.0,))}
    today = with_this_run(usual, document(a=("c", 12.3), b=("r", 7.0), p=("p", 99.0), never=("s", -1)))

    assert len(today["a"].seconds) == 10
    assert read_usual(usual_to_json("etl", today), "etl") == {
        "a": UsualCosts((*map(float, range(1, 10)), 12.3), (5,)),
        "b": UsualCosts((7.0,)),
        "p": UsualCosts((3.0,)),
    }
    assert read_usual(usual_to_json("etl", today), "another pipeline") == {}


@pytest.mark.parametrize(
    ("seconds", "spilled", "said"),
    [
        (31.0, 0, "3.1 × its usual time of 10.0 s"),
        (12.0, 0, ""),
        (15.0, 0, ""),  # half as much again, but what are five seconds
        (10.0, 4 * 10**9, "spilled 4.0 GB, never before"),
        (40.0, 4 * 10**9, "4.0 × its usual time of 10.0 s; spilled 4.0 GB, never before"),
        (10.0, 1000, ""),
    ],
)
def test_only_what_matters_is_said(seconds: float, spilled: int, said: str) -> None:
    usual = UsualCosts((9.0, 10.0, 50.0), (0, 0))
    assert usual.compared(seconds, SparkCosts(spilled_bytes=spilled)) == said


def test_much_less_than_usual_is_said_too() -> None:
    """It may have had no data."""
    assert UsualCosts((100.0,)).compared(4.0, None) == "4.0 s instead of its usual 1 min 40 s"
    assert UsualCosts().compared(4.0, None) == ""


@given(st.integers(1, 3_000), st.integers(1, 10), st.text(max_size=40))
def test_the_figures_of_a_large_pipeline_stay_small(components: int, runs: int, name: str) -> None:
    """Of fewer runs, and at last of fewer components."""
    usual = {f"{name}{n}": UsualCosts((12345.6,) * runs, (10**12,) * runs) for n in range(components)}
    found = usual_to_json("etl", usual)
    assert json_size(found) <= 48_000
    assert read_usual(found, "etl")


@pytest.mark.parametrize(
    "edited",
    [
        None,
        [],
        {"format": 1, "pipeline": "etl"},
        {
            "format": 1,
            "pipeline": "etl",
            "components": {"a": 1, "b": {"seconds": "x"}, "c": {"seconds": [True, -1, None]}},
        },
    ],
)
def test_what_a_person_has_edited_fails_nothing(edited: Any) -> None:
    assert not any(costs.seconds for costs in read_usual(edited, "etl").values())
