"""The plan: for every component of this attempt a decision and its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from airflow_provider.errors import PySparkPipelineError
from airflow_provider.runner.fingerprint.code import CodeChange
from airflow_provider.runner.fingerprint.config_changes import ConfigChange
from airflow_provider.runner.planning.reasons import Reason
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.process_needs import NeededState


class Action(StrEnum):
    """What an attempt does with a component.

    ``RUN`` it; ``REUSE`` it: it finished earlier and is left alone, its session state is restored; ``REPLAY`` it: it
    finished earlier but must run again, because what it left in the session is needed and was not saved.
    """

    RUN = "RUN"
    REUSE = "REUSE"
    REPLAY = "REPLAY"


@dataclass(frozen=True)
class Decision:
    """What happens to one component, and why.

    :param component: name of the component
    :param action: run, reuse or replay
    :param reason: why; ``str()`` of it is the sentence for people
    :param seconds_saved: how long the component ran when it ran, if it is reused
    :param session_state: what it left in the session, if it is reused
    :param sources: what it had read, if it stays completed
    :param restore: whether later components need that and the session does not have it
    :param lacking: what it left in the Python process that is lost and that later components may need
    :param may_do_harm: whether a replay of it may do harm, which nothing rules out
    """

    component: str
    action: Action
    reason: Reason
    seconds_saved: float = 0.0
    session_state: SessionStateRecord | None = None
    restore: bool = False
    may_do_harm: bool = False
    sources: tuple[SourceRecord, ...] = ()
    lacking: tuple[NeededState, ...] = ()


@dataclass(frozen=True)
class RequestOutcome:
    """What a plan does about a restart request.

    :param request: the request; None if the one in the store cannot be read
    :param set_aside: why the plan ignores it; None if the plan carries it out
    """

    request: RestartRequest | None
    set_aside: str | None = None


@dataclass(frozen=True)
class RunPlan:
    """One decision per enabled component, in the order of execution.

    :param pipeline_name: name of the pipeline
    :param decisions: the decisions
    :param config_changed: whether the checkpoint was made under another config
    :param config_changes: what differs from the config of the checkpoint, as far as it is known
    :param code_changes: completed component to what changed in its code
    :param kept_by_rerun_affected: components that ``rerun_affected`` would have kept where everything is restarted
    :param restarted_by: the policy that restarts everything, if one does
    :param notes: what else the person who reads the plan should know
    :param obstacle: why it must not be carried out, None if it may
    :param live: whether the session begins with what the server has kept of the last attempt's
    :param requests: what this plan does about each restart request
    :param before: the checkpoint when the plan was made, also if it is left aside; None if there was none
    :param left_out: components that do not run in this attempt although they are not complete, or need not be replayed
        then, because only a part of the pipeline was asked for
    :param recorded_when_planned: the components that the checkpoint had as completed when the plan was made; None if
        the caller said what is complete
    """

    pipeline_name: str
    decisions: tuple[Decision, ...]
    config_changed: bool = False
    config_changes: tuple[ConfigChange, ...] = ()
    code_changes: Mapping[str, Sequence[CodeChange]] = field(default_factory=dict)
    kept_by_rerun_affected: tuple[str, ...] = ()
    restarted_by: str = ""
    notes: tuple[str, ...] = ()
    obstacle: PySparkPipelineError | None = None
    live: bool = False
    requests: tuple[RequestOutcome, ...] = ()
    before: CheckpointState | None = field(default=None, compare=False, repr=False)
    left_out: frozenset[str] = frozenset()
    recorded_when_planned: frozenset[str] | None = None

    @property
    def kept(self) -> list[str]:
        """Names of the components that stay completed: the reused and the replayed ones."""
        return [d.component for d in self.decisions if d.action is not Action.RUN]

    @property
    def runs_until(self) -> int:
        """Number of decisions up to and including the last one to run; 0 if nothing runs."""
        running = (
            i
            for i, d in enumerate(self.decisions, start=1)
            if d.action is Action.RUN and d.component not in self.left_out
        )
        return max(running, default=0)
