"""Decides how the session state of a component can be brought back: saved, made again by a replay, or not at all.

Running a finished component again is right only if running it twice is the same as once (invariant 11). So what is not
known to be harmless is saved when it completes, and never run again; what is known to be harmless is replayed when it
is needed, and where that would be costly its views are saved if the attempt fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_provider.runner.config.policies import SessionStatePolicy

VOUCH = "if running it twice does no harm, set session_state: replay"


class RestoreStrategy(StrEnum):
    """How an attempt can bring back what a component left.

    ``KEEP``: nothing is to be saved, the record is enough. ``SAVE`` its views. ``REPLAY`` the component when what it
    left is needed. ``UNREPEATABLE``: not everything can be saved, and the component must not run again, so an attempt
    that needs what it left fails. ``NONE``: nothing later needs it.
    """

    KEEP = "keep"
    SAVE = "save"
    REPLAY = "replay"
    UNREPEATABLE = "unrepeatable"
    NONE = "none"


@dataclass(frozen=True)
class StrategyChoice:
    """The decision and its reason.

    :param strategy: how it can be brought back
    :param reason: why
    :param remedy: what the author can do to avoid it, None if there is nothing to avoid
    :param costly: whether a replay would take more work than the author wants
    """

    strategy: RestoreStrategy
    reason: str
    remedy: str | None = None
    costly: bool = False


@dataclass(frozen=True)
class StrategyFacts:
    """What is known of the component that has just run.

    :param has_views: whether it left views
    :param unsavable: what else it left that cannot be saved, None if nothing
    :param missable: what else it left that cannot be saved, but that no component lacks without an error, such as a
        temp function; None if nothing. It is reason to replay, never to refuse
    :param doubts: why it is not known to be harmless; empty if it is
    :param work_seconds: the processor time that it took
    :param nowhere: why there is no place to save to, None if there is one
    """

    has_views: bool
    unsavable: str | None
    doubts: tuple[str, ...]
    work_seconds: float
    nowhere: str | None
    missable: str | None = None


def choose_strategy(
    policy: SessionStatePolicy, facts: StrategyFacts, replay_below_cpu_seconds: float
) -> StrategyChoice:
    """Return what becomes of the session state.

    ``auto`` replays what is known to be harmless: a component that only defines lazy views costs nothing to run again,
    while a saved view costs a write and loses Spark's fusion of steps. It saves the views of everything else.

    :param policy: what the author asked for
    :param facts: what is known of the component
    :param replay_below_cpu_seconds: a run that took less work counts as cheap
    """
    if policy == "none":
        return StrategyChoice(RestoreStrategy.NONE, "session_state is 'none'")
    if not facts.has_views and facts.unsavable is None and facts.missable is None:
        return StrategyChoice(RestoreStrategy.KEEP, "left no view")
    if policy == "replay":
        return StrategyChoice(RestoreStrategy.REPLAY, "session_state is 'replay'")
    if policy == "auto" and not facts.doubts:
        return _harmless(facts, replay_below_cpu_seconds)
    if not facts.has_views and facts.unsavable is None:
        return StrategyChoice(RestoreStrategy.KEEP, "left no view")
    why = "session_state is 'save'" if policy == "save" else "; ".join(facts.doubts)
    remedy = None if policy == "save" else VOUCH
    if facts.unsavable is not None:
        apart = f"{VOUCH}, or split it in two: one component for the side effect, one for the registration"
        return StrategyChoice(
            RestoreStrategy.UNREPEATABLE, f"{facts.unsavable}, and it must not run again: {why}", apart
        )
    if facts.nowhere is not None:
        somewhere = f"set session_state_url; or, {VOUCH}"
        return StrategyChoice(
            RestoreStrategy.UNREPEATABLE, f"{facts.nowhere}, and it must not run again: {why}", somewhere
        )
    return StrategyChoice(RestoreStrategy.SAVE, why, remedy)


def _harmless(facts: StrategyFacts, replay_below_cpu_seconds: float) -> StrategyChoice:
    costly = facts.work_seconds >= replay_below_cpu_seconds
    reason = f"known to be harmless, {facts.work_seconds:.1f} s of work"
    unsavable = facts.missable or facts.unsavable
    if unsavable is not None:
        reason = f"{unsavable}; {reason}"
    return StrategyChoice(RestoreStrategy.REPLAY, reason, costly=costly)
