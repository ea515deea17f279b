"""What becomes of the session state that a component left: every policy with every fact, and the reason given."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from airflow_provider.runner.config.policies import SessionStatePolicy
from airflow_provider.runner.session_state.handling import Facts, Handling, decide

CHEAP = Facts(seconds=9.94, wrote=None, is_sink=False, has_views=True, cannot_save=None, unstable=None, nowhere=None)
LIMIT = 10.0

FUNCTION = "registered temp function 'f', which cannot be saved"
WROTE = "wrote 3 files to file:/out"
RANDOM = "view 'sample' is not deterministic"
NOWHERE = "there is no session_state_url to save to"
POLICIES: tuple[SessionStatePolicy, ...] = ("auto", "save", "replay", "none")

CASES: dict[str, tuple[SessionStatePolicy, dict[str, Any], str, str]] = {
    # rule: (policy, how the facts differ from a cheap, harmless component with views) -> (action, reason)
    "auto replays what was cheap and harmless": ("auto", {}, "replay", "ran only 9.9 s and wrote nothing"),
    "auto saves what ran as long as the limit": ("auto", {"seconds": 10.0}, "save", "ran 10.0 s"),
    "auto saves what ran longer than the limit": ("auto", {"seconds": 3723.0}, "save", "ran 3723.0 s"),
    "auto saves what wrote": ("auto", {"wrote": WROTE}, "save", WROTE),
    "auto saves a sink": ("auto", {"is_sink": True}, "save", "is a sink"),
    "auto saves what would come out differently": ("auto", {"unstable": RANDOM}, "save", RANDOM),
    "auto gives all its reasons": (
        "auto",
        {"seconds": 61.0, "wrote": WROTE, "is_sink": True, "unstable": RANDOM},
        "save",
        f"ran 61.0 s, {WROTE}, is a sink, {RANDOM}",
    ),
    "auto replays what it has nowhere to save": (
        "auto", {"seconds": 61.0, "nowhere": NOWHERE}, "replay", f"ran 61.0 s, but {NOWHERE}",
    ),
    "auto does not miss a place to save when it saves nothing": (
        "auto", {"nowhere": NOWHERE}, "replay", "ran only 9.9 s and wrote nothing",
    ),
    "auto keeps what left no view": ("auto", {"has_views": False}, "keep", "left no view"),
    "auto keeps what left no view, however costly": (
        "auto",
        {"has_views": False, "seconds": 61.0, "wrote": WROTE, "is_sink": True, "nowhere": NOWHERE},
        "keep",
        "left no view",
    ),
    "auto replays what cannot be saved": ("auto", {"cannot_save": FUNCTION}, "replay", FUNCTION),
    "auto replays what cannot be saved, however costly": (
        "auto", {"cannot_save": FUNCTION, "seconds": 61.0, "wrote": WROTE, "is_sink": True}, "replay", FUNCTION,
    ),
    "auto replays what cannot be saved, views or not": (
        "auto", {"cannot_save": FUNCTION, "has_views": False}, "replay", FUNCTION,
    ),
    "save saves what was cheap": ("save", {}, "save", "session_state is 'save'"),
    "save saves whatever it cost": (
        "save",
        {"seconds": 61.0, "wrote": WROTE, "is_sink": True, "unstable": RANDOM},
        "save",
        "session_state is 'save'",
    ),
    "save keeps what left no view": ("save", {"has_views": False}, "keep", "left no view"),
    "save replays what cannot be saved": ("save", {"cannot_save": FUNCTION}, "replay", FUNCTION),
    "save replays what it has nowhere to save": (
        "save", {"nowhere": NOWHERE}, "replay", f"session_state is 'save', but {NOWHERE}",
    ),
    "save needs no place for what left no view": (
        "save", {"has_views": False, "nowhere": NOWHERE}, "keep", "left no view",
    ),
    "replay replays what was cheap": ("replay", {}, "replay", "session_state is 'replay'"),
    "replay replays whatever it cost": (
        "replay", {"seconds": 61.0, "wrote": WROTE, "is_sink": True}, "replay", "session_state is 'replay'",
    ),
    "replay has no use for a place": ("replay", {"nowhere": NOWHERE}, "replay", "session_state is 'replay'"),
    "replay keeps what left no view": ("replay", {"has_views": False}, "keep", "left no view"),
    "replay names what could not be saved anyway": ("replay", {"cannot_save": FUNCTION}, "replay", FUNCTION),
    "none leaves it alone": ("none", {}, "none", "session_state is 'none'"),
    "none leaves alone what left no view": ("none", {"has_views": False}, "none", "session_state is 'none'"),
    "none leaves it alone, whatever it cost": (
        "none",
        {"seconds": 61.0, "wrote": WROTE, "is_sink": True, "unstable": RANDOM, "nowhere": NOWHERE},
        "none",
        "session_state is 'none'",
    ),
    "none leaves alone what cannot be saved": ("none", {"cannot_save": FUNCTION}, "none", "session_state is 'none'"),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "facts", "action", "reason"), CASES.values(), ids=CASES)
def test_what_becomes_of_the_session_state(
    policy: SessionStatePolicy, facts: dict[str, Any], action: str, reason: str
) -> None:
    """The case says the rule; the reason is given word for word, because it stands in the record and the log."""
    assert decide(policy, dataclasses.replace(CHEAP, **facts), LIMIT) == Handling(action, reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "limit", "action"),
    [(0.0, 0.0, "save"), (59.9, 60.0, "replay"), (60.0, 60.0, "save"), (1e9, float("inf"), "replay")],
)
def test_the_author_says_what_counts_as_cheap(seconds: float, limit: float, action: str) -> None:
    """``replay_below_seconds: 0`` saves everything, infinity replays whatever is harmless."""
    assert decide("auto", dataclasses.replace(CHEAP, seconds=seconds), limit).action == action


ALL_FACTS = [
    Facts(*values)
    for values in itertools.product(
        (0.0, 61.0), (None, WROTE), (False, True), (False, True), (None, FUNCTION), (None, RANDOM), (None, NOWHERE)
    )
]


@pytest.mark.parametrize("policy", POLICIES)
def test_whatever_the_facts_nothing_is_promised_that_cannot_be_kept(policy: SessionStatePolicy) -> None:
    """All 128 combinations: each rule here is one that a resumed attempt relies on."""
    for facts in ALL_FACTS:
        handling = decide(policy, facts, LIMIT)
        assert handling.reason, facts
        assert (handling.action == "none") == (policy == "none"), facts
        if handling.action == "save":
            assert facts.has_views, facts
            assert facts.nowhere is None, facts
            assert policy in ("auto", "save"), facts
        if handling.action in ("save", "keep"):
            assert facts.cannot_save is None, facts
        if handling.action == "keep":
            assert not facts.has_views, facts
        if handling.action == "replay" and policy == "auto" and (facts.wrote or facts.is_sink or facts.unstable):
            assert facts.cannot_save or facts.nowhere, facts
