"""What `prune` decides, from facts alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider.runner.housekeeping.activity import Activity, ActivityKind
from airflow_provider.runner.housekeeping.prune import (
    CheckpointLookup,
    PruneRules,
    checkpoint_verdict,
    set_aside_verdict,
    views_verdict,
)
from airflow_provider.runner.session_state.saved.directory_marker import DirectoryMarker, Ownership
from tests.samples.harness.records import state
from tests.samples.harness.saved_directories import KEY, LONG_AGO, NOW, RECENTLY

RULES = PruneRules(NOW)
RUNNING = Activity(ActivityKind.RUNNING, 2, NOW, airflow_state="running")
ENDED = Activity(ActivityKind.ENDED, 2, airflow_state="failed")
WEEKS_AGO = NOW - timedelta(days=20)


def marker(at: Any, days: float | None = 90.0) -> DirectoryMarker:
    return DirectoryMarker.of(Ownership(KEY, retention_days=days), LONG_AGO, at)


def checkpoint(at: Any, status: str = "failed") -> Any:
    return state(updated_at=at, status=status)


VIEWS: dict[str, tuple[DirectoryMarker, CheckpointLookup, PruneRules, bool, str]] = {
    "expired": (marker(LONG_AGO), CheckpointLookup(), RULES, True, "expired: last used"),
    "not yet expired": (marker(WEEKS_AGO), CheckpointLookup(), RULES, False, "kept for 90 days after that"),
    "kept for ever": (marker(LONG_AGO, None), CheckpointLookup(), RULES, False, "kept for ever"),
    "a retention of its own": (marker(WEEKS_AGO, 14), CheckpointLookup(), RULES, True, "kept for 14 days"),
    "an age that was asked for wins": (
        marker(WEEKS_AGO, None),
        CheckpointLookup(),
        PruneRules(NOW, older_than=timedelta(10)),
        True,
        "",
    ),
    "used by the checkpoint since": (
        marker(LONG_AGO),
        CheckpointLookup(True, checkpoint(WEEKS_AGO), ENDED),
        RULES,
        False,
        "last used 2026-11-05",
    ),
    "no checkpoint, Airflow says ended": (
        marker(RECENTLY),
        CheckpointLookup(True, None, ENDED),
        RULES,
        True,
        "no longer belongs to",
    ),
    "no checkpoint, long silent": (
        marker(WEEKS_AGO),
        CheckpointLookup(True),
        RULES,
        True,
        "no longer belongs to a checkpoint",
    ),
    "no checkpoint, but maybe one soon": (marker(RECENTLY), CheckpointLookup(True), RULES, False, "may be running"),
    "not looked, so no orphan": (
        marker(WEEKS_AGO),
        CheckpointLookup(False, None, ENDED),
        RULES,
        False,
        "kept for 90 days",
    ),
    "Airflow says running": (
        marker(LONG_AGO),
        CheckpointLookup(True, None, RUNNING),
        RULES,
        False,
        "task instance is 'running'",
    ),
    "may be running": (
        marker(LONG_AGO, 0.01),
        CheckpointLookup(True, checkpoint(RECENTLY, "in_progress")),
        RULES,
        False,
        "may be running",
    ),
    "ended, as its checkpoint says": (
        marker(LONG_AGO, 0.01),
        CheckpointLookup(True, checkpoint(RECENTLY)),
        RULES,
        True,
        "expired",
    ),
    "ended, but another attempt has begun": (
        marker(RECENTLY, 0.01),
        CheckpointLookup(True, checkpoint(WEEKS_AGO)),
        RULES,
        False,
        "may be running",
    ),
    "a clock that goes ahead": (
        marker(NOW + timedelta(days=5), 0.0),
        CheckpointLookup(),
        RULES,
        False,
        "may be running",
    ),
    "asked for everything, may be running": (
        marker(RECENTLY),
        CheckpointLookup(True, checkpoint(RECENTLY, "in_progress")),
        PruneRules(NOW, older_than=timedelta(0)),
        False,
        "may be running",
    ),
}


@pytest.mark.parametrize("case", VIEWS)
def test_saved_views_go_when_they_have_expired_or_belong_to_nothing(case: str) -> None:
    """And never while an attempt may be running, whatever was asked for."""
    mark, known, rules, delete, reason = VIEWS[case]
    verdict = views_verdict(mark, known, rules)
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
        (LONG_AGO, "completed", None, PruneRules(NOW, None), False),
        (RECENTLY, "failed", None, PruneRules(NOW, older_than=timedelta(hours=1)), True),
        (RECENTLY, "in_progress", None, PruneRules(NOW, older_than=timedelta(hours=1)), False),
        (None, "failed", None, RULES, False),
    ],
)
def test_a_checkpoint_goes_when_it_has_expired_and_nobody_may_write_it(
    at: Any, status: str, activity: Activity | None, rules: PruneRules, delete: bool
) -> None:
    """The same retention and the same caution as for saved views."""
    assert checkpoint_verdict(checkpoint(at, status), activity, rules).delete is delete


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
    assert set_aside_verdict(f"run/p/{name}", RULES).delete is delete
