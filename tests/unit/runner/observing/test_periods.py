"""How much time overlapping periods take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner.observing.periods import (
    Period,
    any_overlap,
    one_after_another,
    seconds_taken,
    seconds_together,
)

PERIODS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda p: Period(p[0], p[0] + p[1])))


def ticks(periods: list[Period]) -> list[int]:
    return [second for start, end in periods for second in range(int(start), int(end))]


@given(PERIODS)
def test_each_second_counts_once(periods: list[Period]) -> None:
    assert seconds_together(periods) == len(set(ticks(periods)))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda p: Period(p[0], p[0] + p[1]))))
def test_two_overlap_if_a_second_is_in_both(periods: list[Period]) -> None:
    assert any_overlap(periods) == (len(set(ticks(periods))) < len(ticks(periods)))


@given(PERIODS, PERIODS)
def test_a_second_of_two_kinds_counts_for_the_first(one: list[Period], other: list[Period]) -> None:
    only = set(ticks(other)).difference(ticks(one))
    assert seconds_taken({"one": one, "other": other}) == {"one": len(set(ticks(one))), "other": len(only)}


def test_one_thread_does_one_thing_after_another() -> None:
    after = [(Period(0, 10), 3.0), (None, 1.0), (Period(5, 9), 2.0), (Period(0, 20), 1.0)]
    assert one_after_another(after) == [(9, 11), (11, 14), (20, 21)]
