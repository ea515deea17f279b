"""What becomes of the session state that a component left: every policy with every fact, and the reason given."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from airflow_provider.runner.config.policies import SessionStatePolicy
from airflow_provider.runner.session_state.strategy import (
    VOUCH,
    RestoreStrategy,
    StrategyChoice,
    StrategyFacts,
    choose_strategy,
)

KEEP, SAVE, REPLAY, UNREPEATABLE, NONE = RestoreStrategy

HARMLESS = StrategyFacts(has_views=True, unsavable=None, doubts=(), work_seconds=9.94, nowhere=None)
LIMIT = 10.0

FUNCTION = "registered temp function 'f', which cannot be saved"
POSTS = "orders.enrich reaches 'requests' (orders.py:12)"
NOWHERE = "there is no session_state_url to save to"
POLICIES: tuple[SessionStatePolicy, ...] = ("auto", "save", "replay", "none")
APART = f"{VOUCH}, or split it in two: one component for the side effect, one for the registration"
SOMEWHERE = f"set session_state_url; or, {VOUCH}"
KNOWN = "known to be harmless, 9.9 s of work"

CASES: dict[str, tuple[SessionStatePolicy, dict[str, Any], StrategyChoice]] = {
    # rule: (policy, how the facts differ from a cheap, harmless component with views) -> what becomes of it
    "auto replays what is cheap and harmless": ("auto", {}, StrategyChoice(REPLAY, KNOWN)),
    "auto replays what is harmless and took as much work as the limit, which is costly": (
        "auto",
        {"work_seconds": 10.0},
        StrategyChoice(REPLAY, "known to be harmless, 10.0 s of work", costly=True),
    ),
    "auto saves what is not known to be harmless, however cheap": (
        "auto",
        {"doubts": (POSTS,), "work_seconds": 0.0},
        StrategyChoice(SAVE, POSTS, VOUCH),
    ),
    "auto gives all its reasons": (
        "auto",
        {"doubts": (POSTS, "wrote t")},
        StrategyChoice(SAVE, f"{POSTS}; wrote t", VOUCH),
    ),
    "auto needs no place to save to for what is harmless": (
        "auto",
        {"nowhere": NOWHERE},
        StrategyChoice(REPLAY, KNOWN),
    ),
    "auto never repeats what is not known to be harmless, also with nowhere to save": (
        "auto",
        {"doubts": (POSTS,), "nowhere": NOWHERE},
        StrategyChoice(UNREPEATABLE, f"{NOWHERE}, and it must not run again: {POSTS}", SOMEWHERE),
    ),
    "auto replays a function of a harmless component": (
        "auto",
        {"unsavable": FUNCTION, "has_views": False},
        StrategyChoice(REPLAY, f"{FUNCTION}; {KNOWN}"),
    ),
    "auto never repeats a component for its function if that may do harm": (
        "auto",
        {"unsavable": FUNCTION, "doubts": (POSTS,)},
        StrategyChoice(UNREPEATABLE, f"{FUNCTION}, and it must not run again: {POSTS}", APART),
    ),
    "auto replays a harmless component for what others would miss": (
        "auto",
        {"missable": FUNCTION, "has_views": False},
        StrategyChoice(REPLAY, f"{FUNCTION}; {KNOWN}"),
    ),
    "auto never refuses because of what nobody can miss without an error": (
        "auto",
        {"missable": FUNCTION, "has_views": False, "doubts": (POSTS,)},
        StrategyChoice(KEEP, "left no view"),
    ),
    "auto saves the views beside what nobody can miss without an error": (
        "auto",
        {"missable": FUNCTION, "doubts": (POSTS,)},
        StrategyChoice(SAVE, POSTS, VOUCH),
    ),
    "save keeps what nobody can miss without an error": (
        "save",
        {"missable": FUNCTION, "has_views": False},
        StrategyChoice(KEEP, "left no view"),
    ),
    "the author's word brings back what others would miss": (
        "replay",
        {"missable": FUNCTION, "has_views": False, "doubts": (POSTS,)},
        StrategyChoice(REPLAY, "session_state is 'replay'"),
    ),
    "auto keeps what left no view, whatever it did": (
        "auto",
        {"has_views": False, "doubts": (POSTS,), "work_seconds": 61.0, "nowhere": NOWHERE},
        StrategyChoice(KEEP, "left no view"),
    ),
    "save saves what is harmless": ("save", {}, StrategyChoice(SAVE, "session_state is 'save'")),
    "save saves what is not": (
        "save",
        {"doubts": (POSTS,)},
        StrategyChoice(SAVE, "session_state is 'save'"),
    ),
    "save never repeats a component, also where it cannot save": (
        "save",
        {"unsavable": FUNCTION},
        StrategyChoice(UNREPEATABLE, f"{FUNCTION}, and it must not run again: session_state is 'save'", APART),
    ),
    "save never repeats a component, also with nowhere to save": (
        "save",
        {"nowhere": NOWHERE},
        StrategyChoice(UNREPEATABLE, f"{NOWHERE}, and it must not run again: session_state is 'save'", SOMEWHERE),
    ),
    "save keeps what left no view": (
        "save",
        {"has_views": False},
        StrategyChoice(KEEP, "left no view"),
    ),
    "replay replays what its author vouches for": (
        "replay",
        {"doubts": (POSTS,), "unsavable": FUNCTION, "work_seconds": 61.0},
        StrategyChoice(REPLAY, "session_state is 'replay'"),
    ),
    "replay keeps what left no view": (
        "replay",
        {"has_views": False},
        StrategyChoice(KEEP, "left no view"),
    ),
    "none does neither": (
        "none",
        {"doubts": (POSTS,), "unsavable": FUNCTION},
        StrategyChoice(NONE, "session_state is 'none'"),
    ),
}


@pytest.mark.parametrize(("policy", "facts", "expected"), CASES.values(), ids=CASES)
def test_decision(policy: SessionStatePolicy, facts: dict[str, Any], expected: StrategyChoice) -> None:
    """Each row states a rule."""
    assert choose_strategy(policy, dataclasses.replace(HARMLESS, **facts), LIMIT) == expected


EVERY = [
    StrategyFacts(has_views=views, unsavable=unsavable, doubts=doubts, work_seconds=work, nowhere=nowhere)
    for views, unsavable, doubts, work, nowhere in itertools.product(
        (True, False), (None, FUNCTION), ((), (POSTS,)), (0.0, 61.0), (None, NOWHERE)
    )
]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("facts", EVERY, ids=repr)
def test_only_what_is_harmless_or_vouched_for_is_ever_repeated(
    policy: SessionStatePolicy, facts: StrategyFacts
) -> None:
    """Invariant 11, over all facts and policies."""
    handling = choose_strategy(policy, facts, LIMIT)
    if handling.strategy is REPLAY:
        assert policy == "replay" or (policy == "auto" and not facts.doubts)
    if handling.strategy is UNREPEATABLE:
        assert handling.remedy
        assert "session_state: replay" in handling.remedy
    if handling.strategy is SAVE:
        assert facts.has_views
        assert facts.unsavable is None
        assert facts.nowhere is None
