"""Calls lifecycle hooks as they were written: with one event, as ours take, or as ``pyspark-pipeline-framework`` does.

Its hooks take ``before_pipeline(config)``, ``after_component(config, index, total, duration_ms)`` and so on. Which of
the two a callback expects, :mod:`airflow_provider.runner.observing.hook_signature` finds out. What remains open gets an
event that has the attributes of the config, too.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.problems import with_article
from airflow_provider.runner.observing.hook_signature import CALLBACKS, style_of
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

_LIBRARIES = ("airflow_provider.", f"{PACKAGE}.", "builtins", "unittest.")

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


def each_of(hooks: Iterable[Any]) -> tuple[Any, ...]:
    """Return the single hooks among the arguments: lists and that package's ``CompositeHooks`` are taken apart.

    :param hooks: hooks, lists of hooks, None for nothing
    :raises PipelineConfigError: one of them has no callback
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
        message = f"{hook.__name__} is a class; pass an instance: {hook.__name__}(…)"
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
    """Warn of methods whose names look like misspelt callbacks: the runner never calls them."""
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


def call_hook(hook: Any, callback: str, event: Any) -> None:
    """Call a hook in the way in which it was written; do nothing if it lacks the callback.

    :param callback: which of :data:`CALLBACKS`
    """
    method = getattr(hook, callback, None)
    if method is None:
        return
    style, by_keyword = style_of(hook, callback, method)
    if style == "event":
        outcome = method(**{next(iter(by_keyword)): event}) if by_keyword else method(event)
    elif style == "arguments":
        arguments = _ARGUMENTS[callback](event)
        outcome = method(**arguments) if by_keyword else method(*arguments.values())
    else:
        outcome = method(StartedOrConfig(event.config, event.plan, event.session_state_url))
    if inspect.iscoroutine(outcome):
        outcome.close()
        logger.warning("hook %s.%s is async, so it never runs; make it a plain function", _named(hook), callback)


def _named(hook: Any) -> str:
    return type(hook).__name__
