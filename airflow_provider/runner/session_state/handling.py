"""Decides what becomes of the session state that a component left: save it, replay the component, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_provider.runner.config.policies import SessionStatePolicy


@dataclass(frozen=True)
class Handling:
    """The decision and its reason.

    :param action: ``keep`` (nothing to save, the record is enough), ``save`` the views, ``replay`` or ``none``
    :param reason: why
    """

    action: Literal["keep", "save", "replay", "none"]
    reason: str


@dataclass(frozen=True)
class Facts:
    """What is known of the component that has just run.

    :param seconds: how long it ran
    :param wrote: a few words about what Spark wrote while it ran, None if nothing
    :param is_sink: whether its author declared it ``component_type: sink``
    :param has_views: whether it left views
    :param cannot_save: why something that it left cannot be saved, None if nothing stands in the way
    :param unstable: which view would come out differently if it were computed again, None if none is known to
    :param nowhere: why there is no place to save to, None if there is one
    """

    seconds: float
    wrote: str | None
    is_sink: bool
    has_views: bool
    cannot_save: str | None
    unstable: str | None
    nowhere: str | None


def decide(policy: SessionStatePolicy, facts: Facts, replay_below_seconds: float) -> Handling:
    """Return what becomes of the session state.

    ``auto`` replays what was cheap and harmless and saves the views of the rest: a component that only defines lazy
    views costs nothing to run again, while a saved view costs a write and loses Spark's fusion of steps. A view that
    is not deterministic is saved too, or what earlier components made of it would no longer fit to it.

    :param policy: what the author asked for
    :param facts: what is known of the component
    :param replay_below_seconds: a run that took less counts as cheap
    """
    if policy == "none":
        return Handling("none", "session_state is 'none'")
    if facts.cannot_save is not None:
        return Handling("replay", facts.cannot_save)
    if not facts.has_views:
        return Handling("keep", "left no view")
    if policy == "replay":
        return Handling("replay", "session_state is 'replay'")
    if policy == "save":
        why = "session_state is 'save'"
    else:
        costly = facts.seconds >= replay_below_seconds
        if not (costly or facts.wrote or facts.is_sink or facts.unstable):
            return Handling("replay", f"ran only {facts.seconds:.1f} s and wrote nothing")
        reasons = [
            f"ran {facts.seconds:.1f} s" if costly else "",
            facts.wrote or "",
            "is a sink" if facts.is_sink else "",
            facts.unstable or "",
        ]
        why = ", ".join(filter(None, reasons))
    if facts.nowhere is not None:
        return Handling("replay", f"{why}, but {facts.nowhere}")
    return Handling("save", why)
