"""What `prune` decides, from facts alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider.runner.housekeeping.activity import Activity
from airflow_provider.runner.housekeeping.prune import (
    Known,
    Rules,
    judge_checkpoint,
    judge_set_aside,
    judge_views,
)
from airflow_provider.runner.session_state.saved.directory_marker import Marker, Ownership
from tests.samples.harness.records import state
from tests.samples.harness.saved_directories import KEY, LONG_AGO, NOW, RECENTLY

RULES = Rules(NOW)
RUNNING = Activity(True, "Airflow says running")
ENDED = Activity(False, "Airflow says failed")
WEEKS_AGO = NOW - timedelta(days=20)


def marker(at: Any, days: float | None = 90.0) -> Marker:
    return Marker.of(Ownership(KEY, retention_days=days), LONG_AGO, at)


def checkpoint(at: Any, status: str = "failed") -> Any:
    return state(updated_at=at, status=status)


VIEWS: dict[str, tuple[Marker, Known, Rules, bool, str]] = {
    "expired": (marker(LONG_AGO), Known(), RULES, True, "expired: last used"),
    "not yet expired": (marker(WEEKS_AGO), Known(), RULES, False, "kept for 90 days after that"),
    "kept for ever": (marker(LONG_AGO, None), Known(), RULES, False, "kept for ever"),
    "a retention of its own": (marker(WEEKS_AGO, 14), Known(), RULES, True, "kept for 14 days"),
    "an age that was asked for wins": (
        marker(WEEKS_AGO, None),
        Known(),
        Rules(NOW, older_than=timedelta(10)),
        True,
        "",
    ),
    "used by the checkpoint since": (
        marker(LONG_AGO),
        Known(True, checkpoint(WEEKS_AGO), ENDED),
        RULES,
        False,
        "last used 2026-11-05",
    ),
    "no checkpoint, Airflow says ended": (marker(RECENTLY), Known(True, None, ENDED), RULES, True, "belongs to no"),
    "no checkpoint, long silent": (marker(WEEKS_AGO), Known(True), RULES, True, "belongs to no checkpoint"),
    "no checkpoint, but maybe one soon": (marker(RECENTLY), Known(True), RULES, False, "may be running"),
    "not looked, so no orphan": (marker(WEEKS_AGO), Known(False, None, ENDED), RULES, False, "kept for 90 days"),
    "Airflow says running": (marker(LONG_AGO), Known(True, None, RUNNING), RULES, False, "Airflow says running"),
    "may be running": (
        marker(LONG_AGO, 0.01),
        Known(True, checkpoint(RECENTLY, "in_progress")),
        RULES,
        False,
        "may be running",
    ),
    "ended, as its checkpoint says": (
        marker(LONG_AGO, 0.01),
        Known(True, checkpoint(RECENTLY)),
        RULES,
        True,
        "expired",
    ),
    "ended, but another attempt has begun": (
        marker(RECENTLY, 0.01),
        Known(True, checkpoint(WEEKS_AGO)),
        RULES,
        False,
        "may be running",
    ),
    "a clock that goes ahead": (marker(NOW + timedelta(days=5), 0.0), Known(), RULES, False, "may be running"),
    "asked for everything, may be running": (
        marker(RECENTLY),
        Known(True, checkpoint(RECENTLY, "in_progress")),
        Rules(NOW, older_than=timedelta(0)),
        False,
        "may be running",
    ),
}


@pytest.mark.parametrize("case", VIEWS)
def test_saved_views_go_when_they_have_expired_or_belong_to_nothing(case: str) -> None:
    """And never while an attempt may be running, whatever was asked for."""
    mark, known, rules, delete, reason = VIEWS[case]
    verdict = judge_views(mark, known, rules)
    assert verdict.delete is delete
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("at", "status", "activity", "rules", "delete"),
    [
        (LONG_AGO, "failed", None, RULES, True),
        (LONG_AGO, "in_progress", None, RULES, True),
        (LONG_AGO, "in_progress", RUNNING, RULES, False),
        (LONG_AGO, "completed", RUNNING, RULES, False),
        (WEEKS_AGO, "completed", None, RULES, False),
        (LONG_AGO, "completed", None, Rules(NOW, None), False),
        (RECENTLY, "failed", None, Rules(NOW, older_than=timedelta(hours=1)), True),
        (RECENTLY, "in_progress", None, Rules(NOW, older_than=timedelta(hours=1)), False),
        (None, "failed", None, RULES, False),
    ],
)
def test_a_checkpoint_goes_when_it_has_expired_and_nobody_may_write_it(
    at: Any, status: str, activity: Activity | None, rules: Rules, delete: bool
) -> None:
    """The same retention and the same caution as for saved views."""
    assert judge_checkpoint(checkpoint(at, status), activity, rules).delete is delete


@pytest.mark.parametrize(
    ("name", "delete"),
    [
        ("000000.checkpoint.json.corrupt-20240101T000000.000001", True),
        ("000000.checkpoint.json.corrupt-20261124T000000.000001", False),
        ("000000.checkpoint.json.corrupt-99999999T999999.9", False),
        ("000000.checkpoint.json.corrupt-", False),
    ],
)
def test_what_was_set_aside_goes_when_it_has_expired_and_not_before(name: str, delete: bool) -> None:
    """Its name says since when; without a date it stays."""
    assert judge_set_aside(f"run/p/{name}", RULES).delete is delete
