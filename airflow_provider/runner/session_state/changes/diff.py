"""What a component changed in the session: the difference between two snapshots, kind by kind.

A kind that cannot be looked at, or whose change cannot be told, is not known for this component; the others are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.kind_context import Assessment
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
    SessionSnapshot,
)
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.probes.session_look import SessionLook


def take_snapshot(
    probe: SessionProbe,
    last: SessionSnapshot | None = None,
    refuse_lost_session: Callable[[Exception], None] | None = None,
) -> SessionSnapshot:
    """Return what is in a session now. A classic session is asked in one call.

    :param last: an earlier snapshot; what cannot be looked at counts as it was then
    :param refuse_lost_session: raises if an error means that the session is lost; without it every error of the session
        as a whole is raised
    :raises Exception: what the session raises if it is lost
    """
    parts: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    look: SessionLook | None = None
    blind = ""
    try:
        look = probe.look({kind.name: kind.jvm_section for kind in kinds.KINDS if kind.jvm_section})
    except Exception as error:
        if refuse_lost_session is None:
            raise
        refuse_lost_session(error)
        blind = describe(error)
    for kind in kinds.KINDS:
        try:
            if look is None:
                raise LookupError(blind)
            parts[kind.name] = kind.capture(look)
        except Exception as error:  # noqa: BLE001 - Spark and catalogs raise anything
            if refuse_lost_session is not None and look is not None:
                refuse_lost_session(error)
            unknown[kind.name] = blind or describe(error)
            parts[kind.name] = last.parts[kind.name] if last is not None else kind.unseen()
    return SessionSnapshot(parts, look.mark if look is not None else None, unknown)


def session_changes(before: SessionSnapshot, after: SessionSnapshot) -> SessionChanges:
    """Compare the session before and after a component."""
    parts: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    assessed: dict[str, Assessment] = {}
    for kind in kinds.KINDS:
        why = after.unknown.get(kind.name) or before.unknown.get(kind.name)
        try:
            parts[kind.name] = kind.unchanged() if why is not None else kind.changes(before, after)
        except Exception as error:  # noqa: BLE001 - what one kind stumbles over must not hide the others
            why, parts[kind.name] = describe(error), kind.unchanged()
        if why is not None:
            unknown[kind.name] = why
            assessed[kind.name] = kind.assess_unknown(why, before)
    return SessionChanges(parts, unknown=unknown, unknown_assessed=assessed)
