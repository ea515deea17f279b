"""Collects the facts that a plan follows from: what is recorded, what the session has, what is damaged on storage."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.changed_code import entered_before
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.planning.server_session import why_not_live
from airflow_provider.runner.planning.source_facts import SourceFacts, compare_sources
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.needed_state import readers_of_missing_state
from airflow_provider.runner.session_state.kinds.import_path import IMPORT_PATH
from airflow_provider.runner.session_state.live import LiveSession

logger = logging.getLogger(__name__)


class PlanningSession(Protocol):
    """What a plan needs to know of the session and the data. An attempt's session knows it, a preview's only a part."""

    @property
    def live(self) -> LiveSession | None:
        """The session that a server may have kept since the last attempt, None if there can be none."""

    def give_up_live(self) -> None:
        """Begin with an empty session, although :attr:`live` was attached."""

    def present(self) -> set[str]:
        """Return the components whose session state is in the session already."""

    def left_in_process(self, record: SessionStateRecord) -> Collection[str]:
        """Return what a component left in the Python process and the attempt's process has, in words."""

    def damage(self, record: SessionStateRecord, dropped: Collection[str]) -> str | None:
        """Return what is wrong with what a component saved, None if nothing is.

        :param record: what is recorded of it
        :param dropped: databases and tables that later components dropped
        """

    def look_again(self, source: SourceRecord) -> SourceRecord:
        """Return how a source is now."""


def find_plan(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    restarts: Sequence[RestartFrom],
    session: PlanningSession,
    *,
    cleared: bool = False,
) -> RunPlan:
    """Decide what an attempt does, from all that can be found out.

    Arguments and errors are those of :func:`collect_facts`, and the plan's obstacle is raised.
    """
    plan = decide(config, collect_facts(config, checkpoint, restarts, session, cleared=cleared))
    if plan.obstacle is not None:
        raise plan.obstacle
    return plan


def collect_facts(
    config: PipelineConfig,
    checkpoint: CheckpointState | None,
    restarts: Sequence[RestartFrom],
    session: PlanningSession,
    *,
    cleared: bool = False,
) -> Facts:
    """Find out what a plan follows from.

    It looks only at what the attempt would use, and starts Spark only if that lies on storage that needs it.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts, None if there is none
    :param restarts: what was requested to run again, by the config's ``restart_from``, too
    :param session: the attempt's session
    :param cleared: whether a person cleared the task
    :raises PipelineConfigError: a requested restart makes no sense for this pipeline
    :raises RestartRefusedError: a requested restart would keep results of what it replaces
    :raises ConfigChangedError: the config has changed and the policy is to fail
    :raises CodeChangedError: code has changed and the policy is to fail
    :raises SourceChangedError: a source has changed and the policy is to fail, or no plan would be right
    """
    facts = Facts(checkpoint, tuple(restarts))
    if checkpoint is None:
        return facts
    states = {
        n: record.session_state for n, record in checkpoint.components.items() if record.session_state is not None
    }
    added_to_path = [left.name for state in states.values() for left in IMPORT_PATH.left(state) if left.is_new]
    code = read_code_of_components(config, entered_before(checkpoint), search=added_to_path)
    there = {name: session.left_in_process(state) for name, state in states.items()}
    facts = replace(facts, hashes=ConfigHashes.of(config), code=code, in_process=there)
    if checkpoint.status != "completed" or restarts:
        facts = replace(facts, sources=_sources(checkpoint, session, cleared=cleared))
    if session.live is not None:
        live = _in_live_session(config, checkpoint, facts, session, session.live)
        if live is not None:
            return live
    facts = _with_damage(config, replace(facts, present=session.present()), session)
    return replace(facts, readers=readers_of_missing_state(config, decide(config, facts).decisions))


def _sources(checkpoint: CheckpointState, session: PlanningSession, *, cleared: bool) -> SourceFacts:
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
    """Return the databases and tables that components after a position dropped, or replaced so that they are lost."""
    later = (decision.session_state for decision in plan.decisions[position:])
    return {name for state in later if state is not None for name in (*state.dropped_objects, *state.lost)}


def _in_live_session(
    config: PipelineConfig, checkpoint: CheckpointState, facts: Facts, session: PlanningSession, live: LiveSession
) -> Facts | None:
    """Begin with the session that the server has kept; None if it no longer has it, or it is not right."""
    record, plan = checkpoint.live_session, decide(config, facts)
    if record is None or record.copy_id is None or not plan.runs_until:
        return None
    why_not = why_not_live(plan, checkpoint, record, live.origin)
    if why_not is not None:
        logger.info("cannot go on in the session on the server: %s", why_not)
        return None
    if not live.attach(record.copy_id):
        return None
    facts = replace(facts, present=record.present, live=True)
    if not _with_damage(config, facts, session).damaged:
        return facts
    logger.info("cannot go on in the session on the server: saved views that it reads are damaged")
    session.give_up_live()
    return None


def _with_damage(config: PipelineConfig, facts: Facts, session: PlanningSession) -> Facts:
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
