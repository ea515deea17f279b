"""Lifecycle hooks: callbacks around a run, and the ways to combine them.

These are not Airflow hooks, which are connection clients.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from airflow_provider.errors import CheckpointError
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.observing.events import (
    CircuitChanged,
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    ComponentStarted,
    PipelineFinished,
    PipelineStarted,
    RetryScheduled,
    SessionStateSaved,
)
from airflow_provider.runner.observing.hook_signature import is_event, is_ours
from airflow_provider.runner.observing.peer_hooks import each_of, for_any_arguments, tell
from airflow_provider.runner.record.checkpoint_state import CheckpointState

logger = logging.getLogger(__name__)


class PipelineHooks(Protocol):
    """What the runner calls. Subclass :class:`NoOpHooks` and override what you need.

    What a hook raises is logged and the run goes on, except a
    :class:`~airflow_provider.errors.CheckpointError`, which ends the attempt.
    """

    def before_pipeline(self, event: PipelineStarted) -> None: ...

    def after_pipeline(self, event: PipelineFinished) -> None: ...

    def before_component(self, event: ComponentStarted) -> None: ...

    def after_component(self, event: ComponentCompleted) -> None: ...

    def on_component_failure(self, event: ComponentFailed) -> None: ...

    def on_component_reuse(self, event: ComponentReused) -> None: ...

    def on_session_state_saved(self, event: SessionStateSaved) -> None: ...

    def on_retry_attempt(self, event: RetryScheduled) -> None: ...

    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None: ...


@runtime_checkable
class TakesOver(Protocol):
    """Hooks that keep a record of the run, which an attempt takes over before it plans."""

    def take_over(self, config: PipelineConfig) -> CheckpointState | None:
        """Shut every earlier attempt out of the record, and return what had been recorded until then.

        :raises CheckpointError: it cannot be taken over
        """


class NoOpHooks:
    """Hooks that do nothing, to subclass."""

    @for_any_arguments
    def before_pipeline(self, event: PipelineStarted) -> None:
        """The plan is made, nothing has run yet."""

    @for_any_arguments
    def after_pipeline(self, event: PipelineFinished) -> None:
        """Nothing more will run in this attempt. Not called when the attempt is killed.

        Also called when something else than a component failed: Spark did not start, or the record cannot be saved. The
        result is a failure then, without components.
        """

    @for_any_arguments
    def before_component(self, event: ComponentStarted) -> None:
        """A component is about to run."""

    @for_any_arguments
    def after_component(self, event: ComponentCompleted) -> None:
        """A component's ``run()`` returned."""

    @for_any_arguments
    def on_component_failure(self, event: ComponentFailed) -> None:
        """A component failed, after its own retries."""

    def on_component_reuse(self, event: ComponentReused) -> None:
        """A component finished in an earlier attempt and is left alone."""

    def on_session_state_saved(self, event: SessionStateSaved) -> None:
        """What a completed component left was saved later on: the attempt fails, or what it had read changes."""

    @for_any_arguments
    def on_retry_attempt(self, event: RetryScheduled) -> None:
        """A try of a component failed and another one will follow."""

    @for_any_arguments
    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        """A component's circuit breaker changed its state."""


class CompositeHooks(NoOpHooks):
    """Calls several hooks in order.

    Each of them is called even if one before it raised. A
    :class:`~airflow_provider.errors.CheckpointError` is raised again at the end; anything else is logged.

    Hooks that were written for ``pyspark-pipeline-framework`` are called as they expect, see
    :mod:`airflow_provider.runner.observing.peer_hooks`.

    :param hooks: the hooks; a list counts as those in it
    :raises PipelineConfigError: what is no hook, such as a class instead of an object of it
    """

    def __init__(self, *hooks: PipelineHooks | Iterable[PipelineHooks]) -> None:
        self._hooks: tuple[PipelineHooks, ...] = tuple(
            single for hook in each_of(hooks) for single in (hook._hooks if type(hook) is CompositeHooks else (hook,))
        )

    def take_over(self, config: PipelineConfig) -> CheckpointState | None:
        """Let those of the hooks take over that keep a record, and return the first one's."""
        found = [hook.take_over(config) for hook in self._hooks if isinstance(hook, TakesOver)]
        return next((state for state in found if state is not None), None)

    def before_pipeline(self, event: PipelineStarted, *by_hand: Any) -> None:
        self._tell("before_pipeline", event, *by_hand)

    def after_pipeline(self, event: PipelineFinished, *by_hand: Any) -> None:
        self._tell("after_pipeline", event, *by_hand)

    def after_an_error(self, event: PipelineFinished) -> None:
        """Let authors' hooks end what they began in :meth:`before_pipeline`, as something else than a component failed.

        Spark did not start, or the record was lost. Hooks of this package are not called: that error has its own way
        to people, and the record stays as it is.
        """
        for hook in self._hooks:
            if not is_ours(getattr(hook, "after_pipeline", None)):
                try:
                    tell(hook, "after_pipeline", event)
                except (Exception, SystemExit):
                    logger.exception("hook %s.after_pipeline failed", type(hook).__name__)

    def before_component(self, event: ComponentStarted, *by_hand: Any) -> None:
        self._tell("before_component", event, *by_hand)

    def after_component(self, event: ComponentCompleted, *by_hand: Any) -> None:
        self._tell("after_component", event, *by_hand)

    def on_component_failure(self, event: ComponentFailed, *by_hand: Any) -> None:
        self._tell("on_component_failure", event, *by_hand)

    def on_component_reuse(self, event: ComponentReused, *by_hand: Any) -> None:
        self._tell("on_component_reuse", event, *by_hand)

    def on_session_state_saved(self, event: SessionStateSaved, *by_hand: Any) -> None:
        self._tell("on_session_state_saved", event, *by_hand)

    def on_retry_attempt(self, event: RetryScheduled, *by_hand: Any) -> None:
        self._tell("on_retry_attempt", event, *by_hand)

    def on_circuit_breaker_state_change(self, event: CircuitChanged, *by_hand: Any) -> None:
        self._tell("on_circuit_breaker_state_change", event, *by_hand)

    def _tell(self, method: str, event: object, *by_hand: object) -> None:
        fatal: CheckpointError | None = None
        for hook in self._hooks:
            try:
                if is_event(event):
                    tell(hook, method, event)
                else:  # called by hand, as that package's runner does: each hook knows what to make of it
                    getattr(hook, method)(event, *by_hand)
            except CheckpointError as error:
                fatal = fatal or error
            except (Exception, SystemExit) as error:
                # What an author's hook calls may end with sys.exit(), as commands do. Ours have another reason to.
                if isinstance(error, SystemExit) and is_ours(getattr(hook, method)):
                    raise
                logger.exception("hook %s.%s failed; the run goes on", type(hook).__name__, method)
        if fatal is not None:
            raise fatal
