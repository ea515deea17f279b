"""Files, archives and jars that a component gave the session with ``ADD FILE`` and the like."""

from __future__ import annotations

from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
    StatementOnlyKind,
)


class AddedFiles(StatementOnlyKind):
    """What statements added."""

    name = "added files"

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        added = changes.statements.added
        return Assessment({added: f"added {added} to the session, which Spark forgets with it"} if added else {})


ADDED_FILES = AddedFiles()
