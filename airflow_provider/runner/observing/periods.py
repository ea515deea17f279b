"""Periods of time that may overlap, and how much time they take together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple


class Period(NamedTuple):
    """A period of time.

    :param start: in seconds
    :param end: in seconds, from the same moment on
    """

    start: float
    end: float


def any_overlap(periods: Iterable[Period]) -> bool:
    """Return whether any two periods have time in common."""
    return any(later.start < earlier.end for earlier, later in pairwise(sorted(periods)))


def seconds_together(periods: Iterable[Period]) -> float:
    """Return the length of the time that is in at least one period."""
    total, reached = 0.0, float("-inf")
    for period in sorted(periods):
        total += max(0.0, period.end - max(period.start, reached))
        reached = max(reached, period.end)
    return total


def seconds_taken(kinds: Mapping[str, Iterable[Period]]) -> dict[str, float]:
    """Return how much time each kind takes; time in which there are several kinds counts for the first one."""
    before: list[Period] = []
    found = {}
    for kind, periods in kinds.items():
        both = [*before, *periods]
        found[kind] = max(0.0, seconds_together(both) - seconds_together(before))
        before = both
    return found


def one_after_another(after: Iterable[tuple[Period | None, float]]) -> list[Period]:
    """Return the periods of what one thread does after each of some periods, in the order in which they end.

    :param after: periods, and for how many seconds the thread does something after each
    """
    found: list[Period] = []
    free = float("-inf")
    for end, seconds in sorted((period.end, seconds) for period, seconds in after if period is not None):
        begin = max(end, free)
        free = begin + seconds
        found.append(Period(begin, free))
    return found
