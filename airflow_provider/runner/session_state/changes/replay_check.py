"""Whether a component that was replayed left what it had left before."""

from __future__ import annotations

from airflow_provider.errors import ReplayDiffersError
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
)


def check_replay(component: str, recorded: SessionStateRecord, outcome: ReplayOutcome) -> None:
    """Raise if a replay left other session state than the run that it repeats.

    A setting, database or function that was there before is no difference, so what is there afterwards counts; what the
    component left anew, and what it dropped of earlier components, must be in the record. A kind that is not known is
    not compared.

    :param recorded: what it had left
    :param outcome: what it left this time
    :raises ReplayDiffersError: it is not the same
    """
    known = [kind for kind in kinds.KINDS if kind.name not in outcome.left.unknown]
    found = [what for kind in known for what in kind.differences(recorded, outcome)]
    if found:
        raise ReplayDiffersError(component, found)
