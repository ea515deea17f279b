"""How the pieces of evidence are weighed."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.effects.acts import Act
from airflow_provider.runner.session_state.effects.driver import DriverSeen
from airflow_provider.runner.session_state.effects.evidence import UNREAD, weigh
from airflow_provider.runner.session_state.effects.harmless import Verdict
from airflow_provider.runner.session_state.snapshot import Effects

NOTHING_SEEN = DriverSeen((), (), False, 0.0)
NOTHING_READ = Verdict((), ())

CASES: dict[str, tuple[DriverSeen, Verdict, Effects, bool, tuple[str, ...]]] = {
    # what was seen, read and run; whether earlier Python is known; what is missing
    "nothing": (NOTHING_SEEN, NOTHING_READ, Effects(), False, ()),
    "an act": (
        DriverSeen((Act("file", "removed", "x", "orders.py:3"),), (), False, 0.0),
        NOTHING_READ,
        Effects(),
        True,
        ("it removed 'x' (orders.py:3)",),
    ),
    "too many": (DriverSeen((), (), True, 0.0), NOTHING_READ, Effects(), True, ("it did more than was noted",)),
    "not read": (NOTHING_SEEN, UNREAD, Effects(), True, ("its code cannot be read",)),
    "a write": (NOTHING_SEEN, NOTHING_READ, Effects("wrote data (X)"), True, ("wrote data (X)",)),
    "Spark Connect": (
        NOTHING_SEEN,
        NOTHING_READ,
        Effects("may have written", certain=False),
        True,
        ("may have written",),
    ),
    "a job": (
        NOTHING_SEEN,
        NOTHING_READ,
        Effects(outside_sql=("foreach at orders.py:3",)),
        True,
        ("ran a job outside SQL (foreach at orders.py:3)",),
    ),
    "Java": (NOTHING_SEEN, NOTHING_READ, Effects(java=("added a jar",)), True, ("added a jar",)),
    "Python that is known": (NOTHING_SEEN, NOTHING_READ, Effects(ran_python=True), True, ()),
    "Python that is not": (
        NOTHING_SEEN,
        NOTHING_READ,
        Effects(ran_python=True),
        False,
        ("it ran Python code of an earlier component that is not known to be harmless",),
    ),
}


@pytest.mark.parametrize(("seen", "read", "effects", "known", "missing"), CASES.values(), ids=CASES)
def test_each_piece_of_evidence_can_be_missing(
    seen: DriverSeen, read: Verdict, effects: Effects, known: bool, missing: tuple[str, ...]
) -> None:
    """Invariant 11: all of it is needed, and each piece that is missing is a reason of its own."""
    assert weigh(seen, read, effects, python_is_known=known) == Verdict(missing, ())


def test_what_varies_is_no_harm() -> None:
    read = Verdict((), ("reads the clock: time.time (orders.py:3)",))
    assert weigh(NOTHING_SEEN, read, Effects(), python_is_known=True) == read
