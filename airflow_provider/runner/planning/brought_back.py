"""Whether everything that a plan needs of completed components can be brought back."""

from __future__ import annotations

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner.planning.plan import RunPlan


def refuse_what_cannot_be_brought_back(plan: RunPlan) -> None:
    """Raise if a plan needs what a component left that was not saved, and that component must not run again.

    :param plan: what an attempt is about to do
    :raises SessionStateNotSavedError: with each such component, why, and what to do
    """
    lost = [
        (decision.component, decision.session_state.reason, decision.session_state.remedy or "")
        for decision in plan.decisions
        if decision.restore and decision.session_state and decision.session_state.handling == "unrepeatable"
    ]
    if lost:
        raise SessionStateNotSavedError(plan.pipeline_name, lost)
