"""What a component changed in the session: the difference between two snapshots, kind by kind."""

from __future__ import annotations

from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
    SessionSnapshot,
)
from airflow_provider.runner.session_state.probes.probe import SessionProbe


def take_snapshot(probe: SessionProbe) -> SessionSnapshot:
    """Return what is in a session now. A classic session is asked in one call.

    :raises Exception: what the session raises if it is lost
    """
    look = probe.look({kind.name: kind.jvm_section for kind in kinds.KINDS if kind.jvm_section})
    return SessionSnapshot({kind.name: kind.capture(look) for kind in kinds.KINDS}, look.mark)


def session_changes(before: SessionSnapshot, after: SessionSnapshot) -> SessionChanges:
    """Compare the session before and after a component."""
    return SessionChanges({kind.name: kind.changes(before, after) for kind in kinds.KINDS})
