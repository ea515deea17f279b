"""Session variables. Spark lists none of them, so a component's statements are all that tells of them."""

from __future__ import annotations

from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
    StatementOnlyKind,
)

_WHY = "set a session variable, which cannot be saved"


class SessionVariables(StatementOnlyKind):
    """What ``DECLARE`` and ``SET VARIABLE`` leave. Their values are not recorded."""

    name = "session variables"

    def renamed(self, changes: SessionChanges) -> list[str]:
        return ["@"] if changes.statements.set_variables else []

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        statements = changes.statements
        if not statements.set_variables:
            return Assessment()
        return Assessment(
            lost={f"variable {quote(name.strip('`'))}": _WHY for name in statements.declared},
            changes_answers=None if statements.declared else _WHY,  # it set a variable of another component
        )


SESSION_VARIABLES = SessionVariables()
