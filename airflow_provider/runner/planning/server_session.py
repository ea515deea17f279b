"""Whether an attempt may continue in the session that a server has kept."""

from __future__ import annotations

from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.planning.reuse_reasons import ProcessStateNeeded
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.session_state.kinds.recorded_state import left_something


def why_not_live(plan: RunPlan, checkpoint: CheckpointState, record: LiveSessionRecord, origin: str) -> str | None:
    """Return why the copy must not be used, None if it is what a session would be that never failed.

    It is all or nothing: what one component left in a session cannot be taken out of it again.

    :param plan: what this attempt is to do
    :param checkpoint: what is recorded of the components
    :param record: where the copy is
    :param origin: what the session would begin with today
    """
    if record.origin != origin:
        return "the connection or the Spark properties have changed since"
    for decision in plan.decisions:
        if isinstance(decision.reason, ProcessStateNeeded):
            return f"{decision.component!r} runs again for what it left in the Python process, which has ended"
    kept = [decision.component for decision in plan.decisions if decision.action is not Action.RUN]
    runs = next((decision.component for decision in plan.decisions if decision.action is Action.RUN), None)
    after = False
    for name in [decision.component for decision in plan.decisions]:
        after = after or name == runs
        if after and name in kept and _left_something(checkpoint, name):
            return f"{runs!r} runs before {name!r}, which completed and left something in it"
    for name in record.present:
        if name not in kept and _left_something(checkpoint, name):
            return f"it has what {name!r} left, which no longer counts"
    for name in kept:
        if name not in record.present and _left_something(checkpoint, name):
            return f"it lacks what {name!r} left"
        if _touched_global_view(checkpoint, name):
            return f"{name!r} made or dropped a global temp view, and all sessions of the server share those"
    return None


def _left_something(checkpoint: CheckpointState, name: str) -> bool:
    record = checkpoint.components.get(name)
    return record is None or record.session_state is None or left_something(record.session_state)


def _touched_global_view(checkpoint: CheckpointState, name: str) -> bool:
    record = checkpoint.components.get(name)
    state = record.session_state if record else None
    return state is not None and any(view.is_global for view in (*state.left_views, *state.dropped_views))
