"""What a component returned: nothing of interest, work still to be awaited, or a sign that nothing ran."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from concurrent.futures import Future
from types import FunctionType, MethodType
from typing import Any

from airflow_provider.errors import NothingRanError
from airflow_provider.runner.config.interrupted_call import sound_connection

logger = logging.getLogger(__name__)

_LAZY = (map, filter, itertools.starmap)


def await_result(result: object) -> object:
    """Return a call's result once it is done; anything awaitable is awaited in an event loop of its own.

    :raises NothingRanError: it is a generator or similar, so none of its code has run
    """
    if isinstance(result, Future):
        result = result.result()
    if inspect.isawaitable(result):
        from airflow_provider.runner.config.event_loop import await_all  # few components need asyncio, which is large

        result = await_all(await_in_loop(result))
    _refuse_lazy(result)
    return result


async def await_in_loop(result: Any) -> object:
    """Return the result of something awaitable, or the object itself if it is not awaitable.

    :raises NothingRanError: the result is a generator or similar
    """
    while inspect.isawaitable(result):
        result = await result
    _refuse_lazy(result)
    return result


def _refuse_lazy(result: object) -> None:
    if isinstance(result, (Generator, AsyncGenerator)):
        raise NothingRanError("a generator", "nothing iterates over it; loop over it in the component")
    if isinstance(result, (*_LAZY, AsyncIterator)):
        raise NothingRanError(
            f"a lazy {type(result).__name__}", "nothing iterates over it; loop over it in the component"
        )
    if isinstance(result, contextlib.ContextDecorator) and hasattr(result, "gen"):
        raise NothingRanError(
            "a context manager", "the runner does not enter it; remove the decorator, or enter it in a function"
        )


def warn_about_result(result: object, name: str) -> None:
    """Warn of a result that shows that the author expects the runner to do more with it.

    :param result: what the component returned
    """
    kind = type(result)
    if kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pyspark":
        logger.warning(
            "component %r returned a DataFrame, which the runner ignores: the next component sees only what is "
            "written or registered as a view",
            name,
        )
    elif not isinstance(result, type) and callable(getattr(result, "run", None)):
        logger.warning("component %r returned an object with run(), which the runner does not call", name)
    elif isinstance(result, (FunctionType, MethodType)) and not hasattr(result, "returnType"):
        logger.warning("component %r returned a function, which the runner does not call", name)


def run_resource(component: Any) -> object:
    """Open, run and close; in one event loop if any of them is asynchronous."""
    if any(map(inspect.iscoroutinefunction, (component.open, component.run, component.close))):
        return _run_open_in_a_loop(component)
    await_result(component.open())
    try:
        with sound_connection():
            result = await_result(component.run())
    except BaseException:
        try:
            await_result(component.close())
        except Exception:  # noqa: BLE001 - why run() failed is what counts
            _log_close_error(component)
        raise
    await_result(component.close())
    return result


async def _run_open_in_a_loop(component: Any) -> object:
    await await_in_loop(component.open())
    try:
        with sound_connection():
            result = await await_in_loop(component.run())
    except BaseException:
        try:
            await await_in_loop(component.close())
        except Exception:  # noqa: BLE001 - why run() failed is what counts
            _log_close_error(component)
        raise
    await await_in_loop(component.close())
    return result


def _log_close_error(component: Any) -> None:
    """Log an error of close() after run() has failed, so that it does not hide why run() failed."""
    logger.warning("close() of %s also failed", type(component).__name__, exc_info=True)
