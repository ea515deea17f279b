"""The runner: collects the facts, decides on a plan and carries it out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.checkpoint.resume import CompletedComponents
from airflow_provider.runner.config.absolute_paths import absolute_url
from airflow_provider.runner.config.config_loader import config_warnings, load_pipeline_config
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.observing.events import PipelineFinished, PipelineStarted, SessionStateSaved
from airflow_provider.runner.observing.hooks import CompositeHooks, PipelineHooks
from airflow_provider.runner.observing.progress import Progress, ProgressLog
from airflow_provider.runner.observing.result import ComponentResult, PipelineResult, PipelineResultStatus
from airflow_provider.runner.planning.decide import plan_skipping
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.planning.restart_plan import pending_config_restart
from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.running.attempt_facts import find_plan
from airflow_provider.runner.running.attempt_session import AttemptSession
from airflow_provider.runner.running.component_contexts import ComponentContexts
from airflow_provider.runner.running.component_runner import ComponentRunner
from airflow_provider.runner.running.execute import PlanExecution
from airflow_provider.runner.running.scheduler import Schedule
from airflow_provider.runner.running.view_use_facts import with_dependency_warnings
from airflow_provider.runner.session_state.live import LiveSession
from airflow_provider.runner.session_state.saved.directory_marker import Ownership, SavedDirectory
from airflow_provider.runner.spark.lost import session_is_gone

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunnerEnvironment:
    """Injectable dependencies of a run: clock, sleep, progress, live session.

    :param live: the session that the runner is given, if its server keeps it for the next attempt
    :param owner: the run to which the saved views belong; None for no run in particular
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    :param progress: reports on a long component while it runs; default: a line in the log per minute
    """

    live: LiveSession | None = None
    owner: Ownership | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    progress: Progress = field(default_factory=ProgressLog)


class Planner(Protocol):
    """Makes a plan that continues from a checkpoint."""

    def __call__(self, restarts: Sequence[RestartFrom], *, cleared: bool) -> RunPlan:
        """Return the plan.

        :param restarts: what is to run again, by the config's ``restart_from``, too
        :param cleared: whether a person cleared the Airflow task, so that it is more than a retry
        """


class SimplePipelineRunner:
    """Runs a pipeline in one Spark session.

    >>> runner = SimplePipelineRunner(config, hooks=LoggingHooks(), spark=spark)
    >>> runner.run().completed_components
    ['load', 'clean']

    :param config: the pipeline
    :param hooks: callbacks around the run, or a list of them; default: none
    :param spark: the session, or a function that opens it, called when the first component runs. Default: the
        active session, or a new one from the ``spark`` section of the config. The runner never stops it
    :param session_state_url: directory for the temp views of this run, one of its own for each run; any that Spark
        can write; a relative path starts in the working directory that the process has now. Default: nothing is saved;
        a component whose views are needed is replayed if running it again is known to do no harm, otherwise the attempt
        fails with instructions
    :param keep_session_state: keep the saved views when the pipeline has succeeded; otherwise nothing can read them
        then, this session included
    :param fail_fast: False: continue after a failure with what does not depend on it, as ``on_failure: continue`` does
    :param environment: clock, sleep and the like
    :raises PipelineConfigError: ``config`` is not a :class:`PipelineConfig`, or a hook has no callbacks
    """

    def __init__(
        self,
        config: PipelineConfig,
        *,
        hooks: PipelineHooks | Sequence[PipelineHooks] | None = None,
        spark: SparkSession | Callable[[], SparkSession] | None = None,
        session_state_url: str | None = None,
        keep_session_state: bool = False,
        fail_fast: bool = True,
        environment: RunnerEnvironment | None = None,
    ) -> None:
        if not isinstance(config, PipelineConfig):
            kind = type(config)
            message = (
                f"expected a PipelineConfig, got a {kind.__module__}.{kind.__qualname__}; make one with "
                "load_pipeline_config(…)"
            )
            raise PipelineConfigError([ConfigProblem(message)])
        if not fail_fast:
            config = config.model_copy(update={"on_failure": "continue"})
        environment = environment or RunnerEnvironment()
        self._config = config
        self._hooks = CompositeHooks(hooks) if hooks is not None else CompositeHooks()
        owner = environment.owner or Ownership()
        saved = SavedDirectory(absolute_url(session_state_url), owner) if session_state_url else None
        self._session = AttemptSession(config, spark, saved, environment.live, environment.clock)
        self._keep_session_state = keep_session_state
        self._clock, self._sleep = environment.clock, environment.sleep
        run = repr((owner.deployment, owner.key)) if owner.key is not None else ""
        self._components = ComponentRunner(
            self._hooks,
            ComponentContexts(config, run),
            continues_after_failure=config.on_failure == "continue",
            clock=environment.clock,
            sleep=environment.sleep,
            progress=environment.progress,
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> Self:
        """Load a pipeline file and return a runner for it.

        :param path: see :func:`~airflow_provider.runner.load_pipeline_config`
        :param options: what the class itself takes beside the config
        :raises PipelineConfigError: with every problem that was found
        """
        return cls(load_pipeline_config(path), **options)

    def plan(
        self,
        checkpoint: CheckpointState | None = None,
        *,
        restarts: Sequence[RestartFrom] = (),
        cleared: bool = False,
    ) -> RunPlan:
        """Decide what an attempt would do, and run nothing.

        :param checkpoint: the record of the earlier attempts, None if there is none
        :param restarts: what is to run again, in addition to the config's ``restart_from``, unless that has been
            carried out under this checkpoint
        :param cleared: whether a person cleared the Airflow task, so that it is more than a retry
        :raises PipelineConfigError: a component cannot be imported or does not take its config
        :raises ConfigChangedError: the config has changed and ``on_config_change`` is ``fail``
        :raises SourceChangedError: a source has changed and ``on_source_change`` is ``fail``, or no plan would be right
        :raises RestartRefusedError: what is to run again would leave old results of it
        """
        load_pipeline_config(self._config)
        return self._plan(checkpoint, restarts, cleared=cleared)

    def planner(self, checkpoint: CheckpointState | None) -> Planner:
        """Return what plans an attempt with this runner's session, for a caller that has checked the config.

        :param checkpoint: the record of the earlier attempts, None if there is none
        """
        return partial(find_plan, self._config, checkpoint, session=self._session)

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
        if plan is None:
            load_pipeline_config(self._config)
            recorded = self._hooks.take_over(self._config)
            plan = self._plan_for(() if completed_components is None else completed_components, recorded)
        plan = with_dependency_warnings(plan, self._config)
        for warning in config_warnings(self._config):
            logger.warning("%s", warning)
        began, spark_before = self._clock(), self._session.opening_seconds
        try:
            results = self._carry_out(plan)
        except Exception:
            result = PipelineResult(self._config.name, PipelineResultStatus.FAILURE, (), self._clock() - began)
            self._hooks.after_an_error(PipelineFinished(self._config, result))
            raise
        complete = all(result.success for result in results)
        status = PipelineResultStatus.SUCCESS if complete else PipelineResultStatus.FAILURE
        spark_seconds = self._session.opening_seconds - spark_before
        result = PipelineResult(self._config.name, status, tuple(results), self._clock() - began, spark_seconds)
        self._hooks.after_pipeline(PipelineFinished(self._config, result))
        if complete and not self._keep_session_state:
            self._session.end_of_success()
        return result

    def _carry_out(self, plan: RunPlan) -> list[ComponentResult]:
        self._hooks.before_pipeline(PipelineStarted(self._config, plan, self._session.url))
        results = self._execute(plan)
        failed = [result for result in results if not result.success]
        if failed and not any(session_is_gone(result.error) for result in results):
            results = self._saved_after_a_failure(results)
        return results

    def _execute(self, plan: RunPlan) -> list[ComponentResult]:
        attempt = self._config, plan, self._session, self._components, self._hooks, self._clock
        earlier = plan.before.components if plan.before is not None else {}
        schedule = Schedule.of(self._config, plan, {name: record.duration_seconds for name, record in earlier.items()})
        if schedule.limits.components > 1 and plan.runs_until:
            # Not before it is needed: most pipelines never do, and each start of a task would pay for it.
            from airflow_provider.runner.running.side_by_side import SideBySideExecution

            return SideBySideExecution(*attempt, self._sleep, schedule).run()
        return PlanExecution(*attempt).run(fail_fast=self._config.on_failure != "continue")

    def _saved_after_a_failure(self, results: list[ComponentResult]) -> list[ComponentResult]:
        """Save what would be costly to bring back, and add that time to the results."""
        took: dict[str, float] = {}
        began = self._clock()
        for name, state in self._session.saved_after_a_failure():
            self._hooks.on_session_state_saved(SessionStateSaved(name, state))
            took[name], began = self._clock() - began, self._clock()
        return [
            replace(result, saving_seconds=result.saving_seconds + took.get(result.component_name, 0.0))
            for result in results
        ]

    def _plan(
        self, checkpoint: CheckpointState | None, restarts: Sequence[RestartFrom] = (), *, cleared: bool = False
    ) -> RunPlan:
        in_config = pending_config_restart(self._config, checkpoint)
        asked = (*restarts, *([in_config] if in_config is not None else []))
        return find_plan(self._config, checkpoint, asked, self._session, cleared=cleared)

    def _plan_for(self, completed: Collection[str], recorded: CheckpointState | None) -> RunPlan:
        """Return the plan for what a caller says is complete.

        :param completed: what the caller says
        :param recorded: what the takeover found, None if nothing is recorded or no hook keeps a record
        """
        if not isinstance(completed, CompletedComponents) or not completed <= completed.valid:
            return plan_skipping(self._config, completed)
        recorded = recorded or completed.checkpoint
        if recorded is None:
            return plan_skipping(self._config, completed)
        before = completed.checkpoint.completed_components if completed.checkpoint else []
        since = [name for name in recorded.completed_components if name not in before]
        if since:
            logger.warning(
                "another attempt completed these after the checkpoint was loaded, so they count as completed, too: %s",
                ", ".join(map(repr, since)),
            )
        taken_out = completed.valid - completed
        still = [name for name in recorded.completed_components if name not in taken_out]
        plan = self._plan(recorded.model_copy(update={"completed_components": still}))
        return replace(plan, recorded_when_planned=frozenset(recorded.completed_components))
