"""Runs one component: builds it, tries it, keeps what it left in the session and tells the hooks."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from airflow_provider.errors import CheckpointError, ComponentError, SparkLostError, describe
from airflow_provider.runner.config.absolute import working_directory
from airflow_provider.runner.config.component import DataFlow, build
from airflow_provider.runner.config.context import ComponentContext, Declared
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.config.outcome import look_at, settled
from airflow_provider.runner.fingerprint.code.called_functions import watching
from airflow_provider.runner.observing.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentStarted,
    RetryScheduled,
    SessionStateSaved,
)
from airflow_provider.runner.observing.failure import Failure, explain
from airflow_provider.runner.observing.hooks import PipelineHooks
from airflow_provider.runner.observing.missing_view import missing_view
from airflow_provider.runner.observing.progress import Progress
from airflow_provider.runner.observing.result import ComponentResult, ComponentStatus
from airflow_provider.runner.observing.taken_location import taken_location
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.running.resilience import CircuitBreaker, run_with_retries
from airflow_provider.runner.session_state.saved.files import local_path
from airflow_provider.runner.session_state.tracker import ComponentFindings, ComponentTiming, SessionStateTracker
from airflow_provider.runner.spark.lost import session_is_gone, spark_lost

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class ComponentRunner:
    """Runs the components of one pipeline, and remembers their circuit breakers.

    :param hooks: what to tell
    :param config: the pipeline
    :param goes_on_after_failure: whether further components may run after one that failed
    :param clock: a monotonic clock in seconds
    :param sleep: pauses for so many seconds
    :param progress: tells people how a long component goes on
    :param run: tells this run from all others; empty if nobody told
    """

    def __init__(
        self,
        hooks: PipelineHooks,
        config: PipelineConfig,
        *,
        goes_on_after_failure: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Progress,
        run: str = "",
    ) -> None:
        self._run_token = run
        self._left_by: dict[str, str] = {}
        self._to_run: set[str] | None = None
        self._is_mended = False
        self._hooks = hooks
        self._config = config
        self._goes_on_after_failure = goes_on_after_failure
        self._clock = clock
        self._sleep = sleep
        self._progress = progress
        self._breakers: dict[str, CircuitBreaker] = {}

    def begin(self, plan: RunPlan) -> None:
        """Take note of what an attempt is about to do."""
        self._to_run = {d.component for d in plan.decisions if d.action is not Action.REUSE} - set(plan.left_out)
        self._left_by = {}
        self._is_mended = False
        for decision in plan.decisions:
            if decision.action is Action.REUSE:
                self._note_views(decision.component, decision.session_state)

    def run(
        self,
        component: ComponentConfig,
        decision: Decision,
        position: int,
        total: int,
        spark: Any,
        keeper: SessionStateTracker | None,
    ) -> ComponentResult:
        """Run one component. If it fails, that is in the result, not raised.

        :param component: its config
        :param decision: what the plan says about it
        :param position: its place in the order of execution, from 1
        :param total: number of enabled components
        :param spark: the session
        :param keeper: records what it leaves in the session; None to record nothing
        :raises CheckpointError: its completion could not be recorded, or a newer attempt has taken over
        """
        self._mend_once(spark, keeper)
        self._hooks.before_component(ComponentStarted(component, position, total, decision))
        with self._progress.watching(component.name, position, total, spark):
            return self._run(component, decision, position, total, spark, keeper)

    def _run(
        self,
        component: ComponentConfig,
        decision: Decision,
        position: int,
        total: int,
        spark: Any,
        keeper: SessionStateTracker | None,
    ) -> ComponentResult:
        config = copy.deepcopy(component.config)  # what it does to it would be another config for the next attempt
        began = self._clock()
        saving = 0.0
        try:
            with watching() as entered, keeper.watching(component.name) if keeper is not None else nullcontext():
                context, texts = self._context(component, keeper), component.texts
                work = build(component.target(), config, spark, self._config.base_dir, texts, context)
                retries = run_with_retries(
                    lambda: look_at(_blaming_spark(lambda: settled(work()), spark), component.name),
                    component.retry_policy,
                    self._breaker(component),
                    lambda tried, pause, error: self._announce_retry(component, tried, pause, error),
                    self._sleep,
                )
            took = self._clock() - began
            ran = ComponentTiming(took, entered.names())
            found = _blaming_spark(lambda: _keep(keeper, component, decision, position, ran), spark)
            if found.has_saved:
                saving = self._clock() - began - took
        except CheckpointError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the author's code raises
            took = self._clock() - began
            failure = self._explained(error, component, keeper, spark)
            can_look = keeper is not None and not session_is_gone(error)
            failed = (
                keeper.after_failure(component.name, goes_on=self._goes_on_after_failure)
                if keeper and can_look
                else ComponentFindings()
            )
            self._tell_saved(failed.saved)
            left = tuple(failed.touched.left) if failed.touched else ()
            self._hooks.on_component_failure(ComponentFailed(component, position, total, took, error, left, failure))
            return ComponentResult(
                component.name,
                decision.action,
                decision.reason,
                ComponentStatus.FAILED,
                duration_seconds=took,
                error=error,
                failure=failure,
            )
        self._note_views(component.name, found.session_state or decision.session_state)
        if isinstance(declared := component.config.get("output_view"), str):  # also if it is as it was before
            self._left_by[declared.lower()] = component.name
        self._tell_saved(found.saved)  # first: once it is recorded, what they would read again is another thing
        self._hooks.after_component(
            ComponentCompleted(
                component,
                position,
                total,
                decision,
                took,
                retries,
                session_state=found.session_state,
                entered=tuple(ran.entered),
                touched=found.touched,
                code=found.code,
            )
        )
        return ComponentResult(
            component.name,
            decision.action,
            decision.reason,
            ComponentStatus.COMPLETED,
            duration_seconds=took,
            saving_seconds=saving,
            retries=retries,
        )

    def _mend_once(self, spark: Any, keeper: SessionStateTracker | None) -> None:
        """Let components mend what earlier attempts left half done, before the first one runs."""
        if self._is_mended:
            return
        self._is_mended = True
        for component in self._config.ordered:
            target = component.target() if self._to_run is None or component.name in self._to_run else None
            if inspect.isclass(target) and issubclass(target, DataFlow):
                try:
                    target.before_attempt(component.config, spark, self._context(component, keeper))
                except Exception as error:  # noqa: BLE001 - if it matters, the component itself will fail
                    logger.warning(
                        "%s: what an earlier attempt left cannot be mended: %s", component.name, describe(error)
                    )

    def _note_views(self, component: str, left: SessionStateRecord | None) -> None:
        self._left_by.update({str(view).lower(): component for view in (left.left_views if left else ())})

    def _context(self, component: ComponentConfig, keeper: SessionStateTracker | None) -> ComponentContext:
        order = self._config.ordered
        later = order[order.index(component) + 1 :]
        return ComponentContext(
            component.name,
            self._config.name,
            later=tuple(
                Declared(c.name, c.class_path, _with_statement(c), _target(c))
                for c in later
                if self._to_run is None or c.name in self._to_run
            ),
            left_by=self._left_by,
            run=self._run_token,
            keeps=_places(self._config, keeper),
        )

    def _explained(
        self, error: BaseException, component: ComponentConfig, keeper: SessionStateTracker | None, spark: Any
    ) -> Failure:
        package = component.class_path.partition(".")[0]
        if session_is_gone(error):
            return explain(error, package=package)
        views, lost = (keeper.view_names(), keeper.lost) if keeper is not None else ((), {})
        hints = missing_view(error, component.name, self._config, views, lost)
        return explain(error, [*hints, *taken_location(error, spark)], package)

    def _tell_saved(self, saved: Iterable[tuple[str, SessionStateRecord]]) -> None:
        for name, state in saved:
            self._hooks.on_session_state_saved(SessionStateSaved(name, state))

    def _breaker(self, component: ComponentConfig) -> CircuitBreaker | None:
        policy = component.breaker_policy
        if policy is None:
            return None
        if component.name not in self._breakers:
            self._breakers[component.name] = CircuitBreaker(
                component.name,
                policy,
                lambda old, new: self._hooks.on_circuit_breaker_state_change(CircuitChanged(component, old, new)),
                self._clock,
            )
        return self._breakers[component.name]

    def _announce_retry(self, component: ComponentConfig, tried: int, pause: float, error: BaseException) -> None:
        attempts = component.retry_policy.max_attempts if component.retry_policy else 1
        self._hooks.on_retry_attempt(RetryScheduled(component, tried, attempts, pause, error))


def _target(component: ComponentConfig) -> Any:
    try:
        return component.target()
    except LookupError:
        return None  # it fails when its turn comes


def _places(config: PipelineConfig, keeper: SessionStateTracker | None) -> tuple[Path, ...]:
    """Return the local directories that the run itself needs."""
    saved = local_path(keeper.url) if keeper is not None and keeper.url else None
    return (working_directory(), config.base_dir, *([saved] if saved is not None else []))


def _with_statement(component: ComponentConfig) -> Mapping[str, Any]:
    """Return the config of a component, with the text of its SQL file, rendered, as its statement."""
    text = component.texts.get(str(component.config.get("sql_file")))
    return component.config if text is None else {**component.config, "sql": text}


def _blaming_spark(work: Callable[[], Result], spark: Any) -> Result:
    """Do something with Spark, and blame Spark and not the component if it is lost meanwhile."""
    try:
        return work()
    except (CheckpointError, SparkLostError):
        raise
    except Exception as error:
        lost = spark_lost(spark, error)
        if lost is None:
            raise
        raise lost from error


def _keep(
    keeper: SessionStateTracker | None,
    component: ComponentConfig,
    decision: Decision,
    position: int,
    ran: ComponentTiming,
) -> ComponentFindings:
    if keeper is None:
        return ComponentFindings()
    try:
        if decision.action is Action.REPLAY:
            return keeper.after_replay(component, position, ran, decision.session_state)
        return keeper.after_success(component, position, ran)
    except ComponentError:
        raise
    except Exception as error:
        raise ComponentError(
            f"after component {component.name!r} the Spark session cannot be looked at ({describe(error)}); a "
            "component must not stop the session that it is given"
        ) from error
