"""Calls lifecycle hooks as they were written: with one event, as ours take, or as ``pyspark-pipeline-framework`` does.

Its hooks take ``before_pipeline(config)``, ``after_component(config, index, total, duration_ms)`` and so on. Which of
the two a callback expects is decided for each callback by itself, so that a class may mix them: what came from this
package takes an event; else the number of arguments tells. Where both would do (``before_pipeline(config)``, ``*args``)
annotations and names tell, then the other callbacks of the object, then its base classes. What remains open gets an
event that has the attributes of the config, too.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, cast

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.problems import with_article
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
from airflow_provider.runner.observing.peer_views import (
    PACKAGE,
    StartedOrConfig,
    component_view,
    pipeline_view,
    result_view,
    word,
)

logger = logging.getLogger(__name__)

Callback = TypeVar("Callback", bound=Callable[..., object])

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

_LIBRARIES = (_OURS, f"{PACKAGE}.", "builtins", "unittest.")

_ARGUMENTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "before_pipeline": lambda e: {"config": pipeline_view(e.config)},
    "after_pipeline": lambda e: {"config": pipeline_view(e.config), "result": result_view(e.result)},
    "before_component": lambda e: {
        "config": component_view(e.component),
        "index": e.position - 1,
        "total": e.total,
    },
    "after_component": lambda e: {
        "config": component_view(e.component),
        "index": e.position - 1,
        "total": e.total,
        "duration_ms": int(e.duration_seconds * 1000),
    },
    "on_component_failure": lambda e: {
        "config": component_view(e.component),
        "index": e.position - 1,
        "error": e.error,
    },
    "on_retry_attempt": lambda e: {
        "config": component_view(e.component),
        "attempt": e.attempt,
        "max_attempts": e.max_attempts,
        "delay_ms": int(e.delay_seconds * 1000),
        "error": e.error,
    },
    "on_circuit_breaker_state_change": lambda e: {
        "component_name": e.component.name,
        "old_state": word("core.resilience.circuit_breaker", "CircuitState", e.old),
        "new_state": word("core.resilience.circuit_breaker", "CircuitState", e.new),
    },
}
"""Callback to the arguments that their hooks take, in their order. They have no other callbacks."""

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


def each_of(hooks: Iterable[Any]) -> tuple[Any, ...]:
    """Return the single hooks of what somebody gave: lists and their ``CompositeHooks`` are taken apart.

    :param hooks: hooks, lists of hooks, None for nothing
    :raises PipelineConfigError: one of them can be called by no event
    """
    found: list[Any] = []
    for hook in hooks:
        if hook is None:
            continue
        if isinstance(hook, (list, tuple, set, frozenset)):
            found += each_of(hook)
        elif _is_their_composite(hook):
            # It would swallow what must not be, such as a record that cannot be saved.
            found += each_of(hook._hooks)
        else:
            _check(hook)
            found.append(hook)
    return tuple(found)


def _is_their_composite(hook: Any) -> bool:
    kind = type(hook)
    return kind.__module__.startswith(f"{PACKAGE}.") and kind.__name__ == "CompositeHooks" and hasattr(hook, "_hooks")


def _check(hook: Any) -> None:
    if isinstance(hook, type):
        message = f"{hook.__name__} is a class; give an object of it: {hook.__name__}(…)"
    elif any(hasattr(hook, callback) for callback in CALLBACKS):
        _warn_of_misspelt(hook)
        return
    else:
        message = (
            f"{with_article(type(hook).__name__)} has no callback such as before_component(); subclass NoOpHooks and "
            "override what you need"
        )
    raise PipelineConfigError([ConfigProblem(message, None, "hooks")])


def _warn_of_misspelt(hook: Any) -> None:
    """Say which methods look like callbacks and are none, so that nobody waits for them to be called."""
    written = [name for kind in type(hook).__mro__ if not kind.__module__.startswith(_LIBRARIES) for name in vars(kind)]
    for name in dict.fromkeys(written):
        if name.startswith(("before_", "after_", "on_")) and name not in CALLBACKS:
            close = difflib.get_close_matches(name, CALLBACKS, n=1, cutoff=0.85)
            if close and callable(getattr(hook, name, None)):
                logger.warning("hook %s.%s is never called; did you mean %r?", _named(hook), name, close[0])


def for_any_arguments(callback: Callback) -> Callback:
    """Let a callback that does nothing be called with their arguments, too: ``super().after_component(config, …)``."""

    @functools.wraps(callback)
    def nothing(*args: object, **named: object) -> None:
        return None

    return cast("Callback", nothing)


def is_event(what: object) -> bool:
    """Return whether this is one of the events that our hooks take."""
    return isinstance(what, tuple(_EVENTS))


def tell(hook: Any, callback: str, event: Any) -> None:
    """Call a hook in the way in which it was written. One that lacks the callback is not called.

    :param hook: the hook
    :param callback: which of :data:`CALLBACKS`
    :param event: what has happened
    """
    method = getattr(hook, callback, None)
    if method is None:
        return
    style, by_keyword = _style_of(hook, callback, method)
    if style == "event":
        outcome = method(**{next(iter(by_keyword)): event}) if by_keyword else method(event)
    elif style == "arguments":
        arguments = _ARGUMENTS[callback](event)
        outcome = method(**arguments) if by_keyword else method(*arguments.values())
    else:
        outcome = method(StartedOrConfig(event.config, event.plan, event.session_state_url))
    if inspect.iscoroutine(outcome):
        outcome.close()
        logger.warning(
            "hook %s.%s is an async function, of which nothing runs; make it a plain one", _named(hook), callback
        )


def _named(hook: Any) -> str:
    return type(hook).__name__


def _style_of(hook: Any, callback: str, method: Any) -> tuple[Style | None, tuple[str, ...]]:
    """Return what a callback expects, and the names of its arguments if it takes them by keyword only.

    None stands for: either, which only happens where the two are one argument each.
    """
    verdict, by_keyword = _by_itself(callback, method)
    if verdict is not None or callback not in _ARGUMENTS:
        return verdict or "event", by_keyword
    votes = {
        found
        for name in CALLBACKS
        if name != callback and (other := getattr(hook, name, None)) is not None
        for found in [None if is_ours(other) else _by_itself(name, other)[0]]
        if found is not None
    }
    if len(votes) == 1:
        return votes.pop(), ()
    if any(kind.__module__.startswith(f"{PACKAGE}.") for kind in type(hook).__mro__):
        return "arguments", ()
    if callback == "before_pipeline" and not _takes_anything(method):
        return None, ()
    return "event", ()


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
