"""Weighs everything that is known of a component: is it known to be harmless, and does it come out the same?"""

from __future__ import annotations

from airflow_provider.runner.session_state.effects.driver import DriverSeen
from airflow_provider.runner.session_state.effects.executors import missing
from airflow_provider.runner.session_state.effects.harmless import Verdict
from airflow_provider.runner.session_state.snapshot import Effects

UNREAD = Verdict(("its code cannot be read",), ())
"""What follows when there is no reading."""


def weigh(seen: DriverSeen, read: Verdict, effects: Effects, *, python_is_known: bool) -> Verdict:
    """Return what keeps a component from being known to be harmless, and why it may come out differently.

    :param seen: what its Python did while it ran
    :param read: what its code may do; without reasons for a ready-made component that does no harm
    :param effects: what it let Spark do
    :param python_is_known: whether the code of all components that may have left functions or views before it is known
        to be harmless: an action runs theirs on executors as well
    """
    reasons = [f"it {act}" for act in seen.acts]
    if seen.truncated:
        reasons.append("it did more than was noted")
    reasons += [*read.missing, *missing(effects)]
    if effects.ran_python and not python_is_known:
        reasons.append("it ran Python code of an earlier component that is not known to be harmless")
    return Verdict(tuple(reasons), read.varying)
