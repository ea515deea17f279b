"""Calls of ``CheckpointHooks`` by hand, from a loop of your own in place of the runner.

::

    hooks.before_pipeline(config)
    for index, component in enumerate(config.ordered):
        try:
            ...  # run it, unless it is complete
        except Exception as error:
            hooks.on_component_failure(component, index, error)
            raise
        hooks.after_component(component, index, len(config.ordered), duration_ms)
    hooks.after_pipeline(config, result)

The arguments are those of ``pyspark-pipeline-framework``. Everything that was recorded and is still valid
stays recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from airflow_provider.errors import CheckpointWriteError
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.config.problems import with_article
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.observing.events import (
    ComponentCompleted,
    ComponentFailed,
    PipelineFinished,
    PipelineStarted,
    Step,
)
from airflow_provider.runner.observing.peer_views import origin_of
from airflow_provider.runner.observing.result import PipelineResult, PipelineResultStatus
from airflow_provider.runner.planning.changed_code import entered_before
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import CalledByHand
from airflow_provider.runner.record.checkpoint_state import CheckpointState

Hooks = TypeVar("Hooks")
Event = TypeVar("Event")

_EVENTS = (PipelineStarted, PipelineFinished, ComponentCompleted, ComponentFailed)


def may_be_called_by_hand(callback: Callable[[Hooks, Event], None]) -> Callable[[Hooks, Event], None]:
    """Let a callback accept the arguments of a call by hand as well as its event.

    Anything else raises CheckpointWriteError: what cannot be recorded must not look as if it were.
    """

    @functools.wraps(callback)
    def either(hooks: Any, *args: Any, **named: Any) -> None:
        given = [*args, *named.values()]
        is_event = len(given) == 1 and isinstance(given[0], _EVENTS)
        event: Any = given[0] if is_event else _event(callback, hooks, args, named)
        callback(hooks, event)

    return either


def _event(callback: Callable[..., object], hooks: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    name = callback.__name__
    make, subject = _MAKERS[name]
    if args:
        args = (origin_of(args[0]), *args[1:])
    elif "config" in named:
        named = {**named, "config": origin_of(named["config"])}
    config = args[0] if args else named.get("config")
    if isinstance(config, subject):
        try:
            return make(hooks, *args, **named)
        except TypeError as error:
            raise CheckpointWriteError(f"CheckpointHooks.{name}: {error}; nothing was recorded") from error
    raise CheckpointWriteError(
        f"CheckpointHooks.{name} got {with_article(type(config).__name__)}, so nothing was recorded; pass the hooks to "
        f"the runner as hooks=, in a CompositeHooks with others, or call this with our {subject.__name__}"
    )


def _started(hooks: Any, config: PipelineConfig) -> PipelineStarted:
    recorded: CheckpointState | None = hooks.take_over(config)
    code = read_code_of_components(config, entered_before(recorded)) if recorded is not None else None
    return PipelineStarted(config, decide(config, Facts(recorded, code=code)))


def _completed(hooks: Any, config: ComponentConfig, index: int, total: int, duration_ms: float) -> ComponentCompleted:
    return ComponentCompleted(_step(config, index, total), duration_ms / 1000, retries=0)


def _failed(hooks: Any, config: ComponentConfig, index: int, error: BaseException) -> ComponentFailed:
    return ComponentFailed(_step(config, index, index + 1), 0.0, error)


def _step(config: ComponentConfig, index: int, total: int) -> Step:
    return Step(config, Decision(config.name, Action.RUN, CalledByHand()), index + 1, total)


def _finished(hooks: Any, config: PipelineConfig, result: Any) -> PipelineFinished:
    if not isinstance(result, PipelineResult):  # a loop of its own has its own
        status = PipelineResultStatus.SUCCESS if result.status == "success" else PipelineResultStatus.FAILURE
        result = PipelineResult(config.name, status)
    return PipelineFinished(config, result)


_MAKERS: dict[str, tuple[Callable[..., Any], type]] = {
    "before_pipeline": (_started, PipelineConfig),
    "after_pipeline": (_finished, PipelineConfig),
    "after_component": (_completed, ComponentConfig),
    "on_component_failure": (_failed, ComponentConfig),
}
