"""Walks the plan: restores, runs and replays components one after the other and tells the hooks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider.errors import SparkSessionError, describe
from airflow_provider.runner.checkpoint.resume import CompletedComponents
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig, load_pipeline_config
from airflow_provider.runner.observing.events import ComponentReused, PipelineFinished, PipelineStarted
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.result import (
    ComponentResult,
    ComponentStatus,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.planning.decide import plan_from_checkpoint, plan_skipping
from airflow_provider.runner.planning.live import why_not_live
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.record.session_state import SessionStateRecord
from airflow_provider.runner.record.state import CheckpointState
from airflow_provider.runner.running.component_runner import ComponentRunner
from airflow_provider.runner.running.spark_session import open_session, running_session
from airflow_provider.runner.session_state.keeper import SessionStateKeeper
from airflow_provider.runner.session_state.live import LiveSession
from airflow_provider.runner.session_state.probes.probe import probe_for
from airflow_provider.runner.session_state.saved.files import files_for, local_path, remove_attempts
from airflow_provider.runner.session_state.saved.views import damage

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class SimplePipelineRunner:
    """Runs a pipeline in one Spark session.

    :param config: the pipeline
    :param hooks: what to tell about the run; default: nothing
    :param spark: the session, or a function that opens it, called when the first component runs. Default: the
        active session, or a new one from the ``spark`` section of the config. The runner never stops it
    :param session_state_url: directory for the temp views of this run, one of its own for each run; any that Spark
        can write. Default: nothing is saved, components whose views are needed are replayed
    :param keep_session_state: leave the saved views there when the pipeline has succeeded; otherwise they can no longer
        be read then, also in this session
    :param live: the session that ``spark`` opens, if its server keeps it for the next attempt
    :param fail_fast: stop at the first failure; False: go on with what does not depend on it
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    """

    def __init__(
        self,
        config: PipelineConfig,
        *,
        hooks: PipelineHooks | None = None,
        spark: SparkSession | Callable[[], SparkSession] | None = None,
        session_state_url: str | None = None,
        keep_session_state: bool = False,
        live: LiveSession | None = None,
        fail_fast: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._hooks = CompositeHooks(hooks) if hooks is not None else CompositeHooks()
        self._open_spark = spark if callable(spark) else None
        self._spark = None if callable(spark) else spark
        self._session_state_url = session_state_url
        self._keep_session_state = keep_session_state
        self._live = live
        self._fail_fast = fail_fast
        self._clock = clock
        self._components = ComponentRunner(
            self._hooks, config.base_dir, goes_on_after_failure=not fail_fast, clock=clock, sleep=sleep
        )
        self._keeper: SessionStateKeeper | None = None

    def plan(self, checkpoint: CheckpointState | None = None, *, restart_from: str | None = None) -> RunPlan:
        """Decide what an attempt would do, and run nothing.

        Saved views that are needed are looked at; Spark is started only if they are on storage that needs it.

        :param checkpoint: the record of the earlier attempts, None if there is none
        :param restart_from: run this component again with all its descendants. Default: the config's, if that has
            not been carried out under this checkpoint
        :raises PipelineConfigError: a component cannot be imported or does not take its config
        :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
        """
        load_pipeline_config(self._config)
        wanted = self._config.restart_from
        if restart_from is None and wanted is not None and checkpoint is not None and checkpoint.restart_from != wanted:
            restart_from = wanted
        make = partial(plan_from_checkpoint, self._config, checkpoint, restart_from=restart_from)
        held = self._attach(self._live, checkpoint, make()) if self._live and checkpoint and not self._keeper else None
        if self._live and held is not None:
            plan = make(present=held, live=True)
            if not self._lost(plan):
                return plan
            logger.info("the session on the server is not used: saved views that it reads are lost")
            self._live.detach()
            self._spark = None
        present = self._keeper.present() if self._keeper else ()
        plan = make(present=present)
        lost = self._lost(plan)
        return make(present=present, lost=lost) if lost else plan

    def run(
        self, completed_components: Collection[str] | None = None, *, plan: RunPlan | None = None
    ) -> PipelineResult:
        """Run the pipeline. A component that fails is in the result, not raised.

        :param completed_components: names of the components to leave out. What
            :func:`~airflow_provider.runner.load_checkpoint_for_resume` returned brings their session state along
        :param plan: what :meth:`plan` returned, instead of ``completed_components``
        :raises PipelineConfigError: a component cannot be imported or does not take its config
        :raises SparkSessionError: Spark did not start, or was lost while session state was restored
        :raises CheckpointError: progress could not be recorded, or a newer attempt has taken over
        """
        load_pipeline_config(self._config)
        if plan is None:
            plan = self._plan_for(() if completed_components is None else completed_components)
        began = self._clock()
        self._hooks.before_pipeline(PipelineStarted(self._config, plan, self._session_state_url))
        results = self._walk(plan)
        complete = all(result.success for result in results)
        status = PipelineResultStatus.SUCCESS if complete else PipelineResultStatus.FAILURE
        result = PipelineResult(self._config.name, status, tuple(results), self._clock() - began)
        self._hooks.after_pipeline(PipelineFinished(self._config, result))
        if complete and not self._keep_session_state:
            self._remove_session_state()
        return result

    def _attach(self, live: LiveSession, checkpoint: CheckpointState, plan: RunPlan) -> list[str] | None:
        """Begin with the session that the server has kept, and return which components' session state is in it.

        None if it is no longer there, or not right for this attempt.
        """
        record = checkpoint.live_session
        if record is None or record.copy_id is None or not plan.runs_until:
            return None
        why_not = why_not_live(plan, checkpoint, record, live.origin)
        if why_not is not None:
            logger.info("the session on the server is not used: %s", why_not)
        return record.holds if why_not is None and live.attach(record.copy_id) else None

    def _lost(self, plan: RunPlan) -> dict[str, str]:
        """Return component to what is wrong with what it saved, as far as this attempt reads it."""
        return {
            decision.component: what
            for position, decision in enumerate(plan.decisions, start=1)
            if (decision.restore or (plan.live and decision.action is Action.REUSE))
            and decision.session_state is not None
            and (what := self._damage(decision.session_state, _dropped_after(plan, position)))
        }

    def _plan_for(self, completed: Collection[str]) -> RunPlan:
        if not isinstance(completed, CompletedComponents) or completed.checkpoint is None:
            return plan_skipping(self._config, completed)
        if not completed <= completed.valid:
            return plan_skipping(self._config, completed)
        taken_out = completed.valid - completed
        still = [name for name in completed.checkpoint.completed_components if name not in taken_out]
        return self.plan(completed.checkpoint.model_copy(update={"completed_components": still}))

    def _walk(self, plan: RunPlan) -> list[ComponentResult]:
        components = {component.name: component for component in self._config.components}
        depends_on = {name: component.depends_on for name, component in components.items()}
        total = len(plan.decisions)
        if plan.runs_until:
            self._prepare(plan)
        results: list[ComponentResult] = []
        failed: set[str] = set()
        blocked: set[str] = set()
        for position, decision in enumerate(plan.decisions, start=1):
            component = components[decision.component]
            if decision.action is Action.REUSE:
                stopped = bool(failed) and self._fail_fast
                decision = decision if stopped else self._restore(decision, _dropped_after(plan, position))
            if decision.action is Action.REUSE:
                self._hooks.on_component_reuse(ComponentReused(component, position, total, decision))
                result = _not_run(decision, ComponentStatus.COMPLETED, decision.reason)
            elif failed and (self._fail_fast or component.name in blocked):
                # What had completed earlier stays complete, even if it was to be replayed.
                status = ComponentStatus.NOT_RUN if decision.action is Action.RUN else ComponentStatus.COMPLETED
                why = f"{next(iter(failed))!r} failed before it" if self._fail_fast else "depends on a failed component"
                result = _not_run(decision, status, why)
            else:
                spark = self._session()  # before the clock starts: its start-up is no component's time
                result = self._components.run(component, decision, position, total, spark, self._keeper)
            results.append(result)
            if result.error is not None:
                failed.add(component.name)
                blocked = descendants(depends_on, failed)
        return results

    def _prepare(self, plan: RunPlan) -> None:
        spark = self._session()
        probe = probe_for(spark)
        if self._keeper is None and probe is not None:
            self._keeper = SessionStateKeeper(spark, probe, self._config, self._session_state_url)
            if plan.live:
                self._keeper.attached({d.component: d.session_state for d in plan.decisions if d.session_state})
        if self._keeper is not None:
            self._keeper.settle()
            self._keeper.remove_others(d.session_state for d in plan.decisions if d.session_state is not None)

    def _restore(self, decision: Decision, gone: Collection[str]) -> Decision:
        """Bring back what a reused component left. If that fails, it is replayed instead."""
        if not decision.restore or self._keeper is None or decision.session_state is None:
            return decision
        try:
            self._keeper.restore(decision.component, decision.session_state, gone)
        except Exception as error:
            if not self._keeper.answers():
                raise SparkSessionError(
                    f"the Spark session was lost while what {decision.component!r} left in it was restored: "
                    f"{describe(error)}; nothing ran again, and the next attempt restores it"
                ) from error
            # Otherwise it is whatever the catalog or the storage object to.
            reason = f"its session state cannot be restored: {describe(error)}"
            logger.warning("%s: %s; it is replayed", decision.component, reason)
            return Decision(decision.component, Action.REPLAY, reason)
        return decision

    def _damage(self, record: SessionStateRecord, gone: Collection[str]) -> str | None:
        for view in record.views:
            if what := damage(files_for(view.url, self._spark_for(view.url)), view):
                return what
        for item in record.objects:
            if item.name in gone or not item.location:
                continue
            if not files_for(item.location, self._spark_for(item.location)).exists(item.location):
                return f"its table {item.name} is gone from {item.location}"
        return None

    def _spark_for(self, url: str) -> SparkSession | None:
        return None if local_path(url) is not None else self._session()

    def _remove_session_state(self) -> None:
        url = self._session_state_url
        if url and (self._spark is not None or local_path(url) is not None):
            remove_attempts(files_for(url, self._spark), url)

    def _session(self) -> SparkSession:
        if self._spark is None:
            self._spark = self._open_spark() if self._open_spark else self._default_session()
        return self._spark

    def _default_session(self) -> SparkSession:
        running = running_session()
        if running is not None:
            return running
        return open_session(self._config.spark.to_spark_conf(), self._config.name)


def _dropped_after(plan: RunPlan, position: int) -> set[str]:
    """Return the databases and tables that components after a position dropped when they completed."""
    later = (decision.session_state for decision in plan.decisions[position:])
    return {name for state in later if state is not None for name in state.dropped_objects}


def _not_run(decision: Decision, status: ComponentStatus, reason: str) -> ComponentResult:
    return ComponentResult(decision.component, decision.action, reason, status, seconds_saved=decision.seconds_saved)
