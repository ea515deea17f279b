"""Collects the facts that a plan follows from: what is recorded, what the session has, what is damaged on storage."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.code.component_code import read_components
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.changed_code import entered_before
from airflow_provider.runner.planning.changed_sources import SourceFacts, compare_sources
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.planning.restart_plan import from_config
from airflow_provider.runner.planning.server_session import why_not_live
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.attempt_session import AttemptSession

logger = logging.getLogger(__name__)


def find_plan(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    restarts: Sequence[RestartFrom],
    session: AttemptSession,
    *,
    cleared: bool = False,
) -> RunPlan:
    """Decide what an attempt does, from all that can be found out.

    Arguments and errors are those of :func:`inspect`, and the plan's obstacle is raised.
    """
    standing = from_config(config, checkpoint)
    wanted = (*restarts, standing) if standing is not None else tuple(restarts)
    plan = decide(config, inspect(config, checkpoint, wanted, session, cleared=cleared))
    if plan.obstacle is not None:
        raise plan.obstacle
    return plan


def inspect(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    restarts: tuple[RestartFrom, ...],
    session: AttemptSession,
    *,
    cleared: bool = False,
) -> Facts:
    """Find out what there is.

    Only what the attempt would use is looked at; Spark is started only if that lies on storage that needs it.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param restarts: what somebody asked to run again
    :param session: the attempt's session
    :param cleared: whether a person cleared the task
    :raises PipelineConfigError: what was asked for makes no sense for this pipeline
    :raises RestartRefusedError: what was asked for would keep results of what it replaces
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises CodeChangedError: code has changed and the policy is to fail
    :raises SourceChangedError: a source has changed and the policy is to fail, or nothing right can be done
    """
    facts = Facts(checkpoint, restarts)
    if checkpoint is None:
        return facts
    code = read_components(config, entered_before(checkpoint))
    facts = replace(facts, hashes=ConfigHashes.of(config), code=code)
    if checkpoint.status != "completed" or restarts:
        facts = replace(facts, sources=_sources(checkpoint, session, cleared=cleared))
    if session.may_be_live:
        live = _in_live_session(config, checkpoint, facts, session)
        if live is not None:
            return live
    return _with_damage(config, replace(facts, present=session.present()), session)


def _sources(checkpoint: CheckpointState, session: AttemptSession, *, cleared: bool) -> SourceFacts:
    """Look at what completed components had read, once at each source."""
    looked_at: dict[tuple[str, ...], SourceRecord] = {}

    def look(source: SourceRecord) -> SourceRecord:
        if source.state != "seen":
            return source
        if source.key not in looked_at:
            looked_at[source.key] = session.look_again(source)
        return looked_at[source.key]

    return compare_sources(checkpoint, look, cleared=cleared)


def dropped_after(plan: RunPlan, position: int) -> set[str]:
    """Return the databases and tables that components after a position dropped, or made anew so that they are lost."""
    later = (decision.session_state for decision in plan.decisions[position:])
    return {name for state in later if state is not None for name in (*state.dropped_objects, *state.lost)}


def _in_live_session(
    config: PipelineConfig, checkpoint: CheckpointState, facts: Facts, session: AttemptSession
) -> Facts | None:
    """Begin with the session that the server has kept; None if it no longer has it, or it is not right."""
    record, plan = checkpoint.live_session, decide(config, facts)
    if record is None or record.copy_id is None or not plan.runs_until:
        return None
    why_not = why_not_live(plan, checkpoint, record, session.origin)
    if why_not is not None:
        logger.info("cannot go on in the session on the server: %s", why_not)
        return None
    if not session.attach(record):
        return None
    facts = replace(facts, present=record.present, live=True)
    if not _with_damage(config, facts, session).damaged:
        return facts
    logger.info("cannot go on in the session on the server: saved views that it reads are damaged")
    session.detach()
    return None


def _with_damage(config: PipelineConfig, facts: Facts, session: AttemptSession) -> Facts:
    """Look at what the plan would restore; what is damaged changes the plan, and then there may be more to look at."""
    looked_at: set[str] = set()
    damaged: dict[str, str] = {}
    while True:
        plan = decide(config, replace(facts, damaged=damaged))
        before = len(damaged)
        for position, decision in enumerate(plan.decisions, start=1):
            name, state = decision.component, decision.session_state
            needed = decision.restore or (plan.live and decision.action is Action.REUSE)
            if not needed or state is None or name in looked_at or state.handling == "unrepeatable":
                continue  # what cannot be restored anyway is no reason to run it again
            looked_at.add(name)
            if what := session.damage(state, dropped_after(plan, position)):
                damaged[name] = what
        if len(damaged) == before:
            return replace(facts, damaged=damaged)
