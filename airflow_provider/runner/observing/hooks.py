"""Lifecycle hooks: callbacks around a run, and the ways to combine them.

These are not Airflow hooks, which are connection clients.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

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
from airflow_provider.runner.observing.hook_signature import CALLBACKS, is_event, is_ours
from airflow_provider.runner.observing.peer_hooks import call_hook, each_of, for_any_arguments
from airflow_provider.runner.record.checkpoint_state import CheckpointState

logger = logging.getLogger(__name__)


class PipelineHooks(Protocol):
    """What the runner calls. Subclass :class:`NoOpHooks` and override what you need.

    What a hook raises is logged and the run goes on, except a
    :class:`~airflow_provider.errors.CheckpointError`, which ends the attempt.

    Each body is a ``return``, which tells type checkers that :class:`NoOpHooks` need not override it.

    >>> class Notify(NoOpHooks):
    ...     def on_component_failure(self, event):
    ...         print(f"{event.component.name} failed: {event.error}")
    """

    @for_any_arguments
    def before_pipeline(self, event: PipelineStarted) -> None:
        """The plan is made, nothing has run yet."""
        return

    @for_any_arguments
    def after_pipeline(self, event: PipelineFinished) -> None:
        """Nothing more will run in this attempt. Not called when the attempt is killed.

        Also called when something else than a component failed: Spark did not start, or the record cannot be saved. The
        result is a failure then, without components.
        """
        return

    @for_any_arguments
    def before_component(self, event: ComponentStarted) -> None:
        """A component is about to run."""
        return

    @for_any_arguments
    def after_component(self, event: ComponentCompleted) -> None:
        """A component's ``run()`` returned."""
        return

    @for_any_arguments
    def on_component_failure(self, event: ComponentFailed) -> None:
        """A component failed, after its own retries."""
        return

    @for_any_arguments
    def on_component_reuse(self, event: ComponentReused) -> None:
        """A component finished in an earlier attempt and does not run again."""
        return

    @for_any_arguments
    def on_session_state_saved(self, event: SessionStateSaved) -> None:
        """The session state of a completed component was saved: the attempt fails, or what it had read changes."""
        return

    @for_any_arguments
    def on_retry_attempt(self, event: RetryScheduled) -> None:
        """A try of a component failed and another one will follow."""
        return

    @for_any_arguments
    def on_circuit_breaker_state_change(self, event: CircuitChanged) -> None:
        """A component's circuit breaker changed its state."""
        return


@runtime_checkable
class TakesOver(Protocol):
    """Hooks that keep a record of the run, which an attempt takes over before it plans."""

    def take_over(self, config: PipelineConfig) -> CheckpointState | None:
        """Fence off every earlier attempt, and return what had been recorded until then.

        :raises CheckpointError: it cannot be taken over
        """


class NoOpHooks(PipelineHooks):
    """Hooks that do nothing, to subclass.

    >>> class Progress(NoOpHooks):
    ...     def before_component(self, event):
    ...         print(f"{event.position} of {event.total}: {event.component.name}")
    >>> result = SimplePipelineRunner(config, hooks=Progress(), spark=spark).run()
    1 of 2: load
    2 of 2: clean
    """


class CompositeHooks(NoOpHooks):
    """Calls several hooks in order.

    Each of them is called even if one before it raised. A
    :class:`~airflow_provider.errors.CheckpointError` is raised again at the end; anything else is logged.

    Hooks that were written for ``pyspark-pipeline-framework`` are called as they expect, see
    :mod:`airflow_provider.runner.observing.peer_hooks`.

    >>> metrics = MetricsHooks()
    >>> hooks = CompositeHooks(LoggingHooks(), metrics)
    >>> result = SimplePipelineRunner(config, hooks=hooks, spark=spark).run()

    :param hooks: the hooks, or lists of them
    :raises PipelineConfigError: an argument is not a hook, such as a class instead of an object of it
    """

    def __init__(self, *hooks: PipelineHooks | Iterable[PipelineHooks]) -> None:
        self._hooks: tuple[PipelineHooks, ...] = tuple(
            single for hook in each_of(hooks) for single in (hook._hooks if type(hook) is CompositeHooks else (hook,))
        )

    def take_over(self, config: PipelineConfig) -> CheckpointState | None:
        """Let those of the hooks take over that keep a record, and return the first one's."""
        found = [hook.take_over(config) for hook in self._hooks if isinstance(hook, TakesOver)]
        return next((state for state in found if state is not None), None)

    def after_an_error(self, event: PipelineFinished) -> None:
        """Call ``after_pipeline`` of authors' hooks when something else than a component failed.

        Spark did not start, or the record was lost. Hooks of this package are not called: the caller raises that error,
        and the record stays as it is.
        """
        for hook in self._hooks:
            if not is_ours(getattr(hook, "after_pipeline", None)):
                try:
                    call_hook(hook, "after_pipeline", event)
                except (Exception, SystemExit):
                    logger.exception("hook %s.after_pipeline failed", type(hook).__name__)

    def _call_each(self, callback: str, event: object, *by_hand: object) -> None:
        fatal: CheckpointError | None = None
        for hook in self._hooks:
            try:
                if is_event(event):
                    call_hook(hook, callback, event)
                else:  # called by hand, as that package's runner does: each hook knows these arguments
                    getattr(hook, callback)(event, *by_hand)
            except CheckpointError as error:
                fatal = fatal or error
            except (Exception, SystemExit) as error:
                # An author's hook may call a command that ends with sys.exit(). Our hooks only do so on purpose.
                if isinstance(error, SystemExit) and is_ours(getattr(hook, callback)):
                    raise
                logger.exception("hook %s.%s failed; the run goes on", type(hook).__name__, callback)
        if fatal is not None:
            raise fatal


def _calls_each(callback: str) -> Callable[..., None]:
    """Return the method of :class:`CompositeHooks` that calls one callback of all its hooks.

    :param callback: its name
    """

    def method(self: CompositeHooks, event: object, *by_hand: object) -> None:
        self._call_each(callback, event, *by_hand)

    method.__name__, method.__doc__ = callback, getattr(PipelineHooks, callback).__doc__
    return method


for _callback in CALLBACKS:
    setattr(CompositeHooks, _callback, _calls_each(_callback))
