"""Which arguments a callback of a hook was written for: our one event, or those of ``pyspark-pipeline-framework``.

That is decided for each callback by itself, so that a class may mix them: what came from this package takes an event;
else the number of arguments tells. Where both would do (``before_pipeline(config)``, ``*args``) annotations and names
tell, then the other callbacks of the object, then its base classes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, Literal

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
from airflow_provider.runner.observing.peer_views import PACKAGE

Style = Literal["event", "arguments"]

CALLBACKS = (
    "before_pipeline",
    "after_pipeline",
    "before_component",
    "after_component",
    "on_component_failure",
    "on_component_reuse",
    "on_session_state_saved",
    "on_retry_attempt",
    "on_circuit_breaker_state_change",
)

_OURS = "airflow_provider."

_NAMES: Mapping[str, tuple[str, ...]] = {
    "before_pipeline": ("config",),
    "after_pipeline": ("config", "result"),
    "before_component": ("config", "index", "total"),
    "after_component": ("config", "index", "total", "duration_ms"),
    "on_component_failure": ("config", "index", "error"),
    "on_retry_attempt": ("config", "attempt", "max_attempts", "delay_ms", "error"),
    "on_circuit_breaker_state_change": ("component_name", "old_state", "new_state"),
}

_EVENTS = {
    PipelineStarted,
    PipelineFinished,
    ComponentStarted,
    ComponentCompleted,
    ComponentFailed,
    ComponentReused,
    SessionStateSaved,
    RetryScheduled,
    CircuitChanged,
}

_EVENT_NAMES = {kind.__name__ for kind in _EVENTS}

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def is_event(what: object) -> bool:
    """Return whether this is one of the events that our hooks take."""
    return isinstance(what, tuple(_EVENTS))


def style_of(hook: Any, callback: str, method: Any) -> tuple[Style | None, tuple[str, ...]]:
    """Return what a callback expects, and the names of its arguments if it takes them by keyword only.

    :param hook: the hook
    :param callback: which of :data:`CALLBACKS`
    :param method: the callback itself
    :return: None for the style stands for: either, which only happens where the two are one argument each
    """
    verdict, by_keyword = _by_itself(callback, method)
    if verdict is not None or callback not in _NAMES:
        return verdict or "event", by_keyword
    votes = {
        found
        for name in CALLBACKS
        if name != callback and (other := getattr(hook, name, None)) is not None
        for found in [None if is_ours(other) else _by_itself(name, other)[0]]
        if found is not None
    }
    either = callback == "before_pipeline" and not _takes_anything(method)  # an event can have what both would read
    if votes == {"event"}:
        return None if either else "event", ()
    if votes == {"arguments"}:
        return "arguments", ()
    if any(kind.__module__.startswith(f"{PACKAGE}.") for kind in type(hook).__mro__):
        return "arguments", ()
    return None if either else "event", ()


def is_ours(method: Any) -> bool:
    """Return whether a callback is one of this package's."""
    return str(getattr(inspect.unwrap(getattr(method, "__func__", method)), "__module__", "")).startswith(_OURS)


def _by_itself(callback: str, method: Any) -> tuple[Style | None, tuple[str, ...]]:
    """Return what a callback expects as far as its own signature tells, None if that is open."""
    if is_ours(method):
        return "event", ()
    try:
        signature = inspect.signature(_written(callback, method))
    except (TypeError, ValueError):
        return "event", ()
    names = _NAMES.get(callback)
    with_event = _binds(signature, 1)
    with_arguments = names is not None and _binds(signature, len(names))
    if with_event and not with_arguments:
        return "event", ()
    if with_arguments and not with_event:
        return "arguments", ()
    if not with_event:
        return _by_keyword(signature, names)
    return _by_name(callback, signature), ()


def _written(callback: str, method: Any) -> Any:
    """Return the function that the author wrote, if a decorator that does not say so stands around it."""
    function = getattr(method, "__func__", method)
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        return method
    inside = inspect.getclosurevars(function).nonlocals.values()
    found = [item for item in inside if inspect.isfunction(item) and item.__name__ == callback]
    if not found:
        return method
    bound = getattr(method, "__self__", None)
    return functools.partial(found[0], bound) if bound is not None else found[0]


def _binds(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _by_keyword(signature: inspect.Signature, names: tuple[str, ...] | None) -> tuple[Style, tuple[str, ...]]:
    """Decide for a callback that can be called neither way by position."""
    if names is not None:
        try:
            signature.bind(**dict.fromkeys(names))
        except TypeError:
            pass
        else:
            return "arguments", names
    needed = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]
    return "event", tuple(needed) if len(needed) == 1 else ()


def _by_name(callback: str, signature: inspect.Signature) -> Style | None:
    """Decide by annotations and names for a callback that can be called both ways."""
    parameters = [p for p in signature.parameters.values() if p.kind in _POSITIONAL]
    if not parameters:
        return None
    annotation = parameters[0].annotation
    kind = getattr(annotation, "__name__", str(annotation)).rpartition(".")[2].strip("'\"")
    if kind in _EVENT_NAMES or parameters[0].name in ("event", "_event"):
        return "event"
    if kind in ("PipelineConfig", "ComponentConfig"):
        return "arguments"
    if callback == "before_pipeline":
        return None
    more = {parameter.name for parameter in parameters[1:]}
    return "arguments" if more.intersection(_NAMES[callback][1:]) else None


def _takes_anything(method: Any) -> bool:
    """Return whether a callback names no argument."""
    return not any(p.kind in _POSITIONAL for p in inspect.signature(method).parameters.values())
