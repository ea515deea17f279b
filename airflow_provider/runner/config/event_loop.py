"""Awaits what an asynchronous component returned, in an event loop of its own."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from airflow_provider.errors import ComponentError

logger = logging.getLogger(__name__)


def await_all(work: Coroutine[Any, Any, object]) -> object:
    """Return the result of a coroutine; tasks that it started and did not await are cancelled.

    :raises ComponentError: a task that it awaited was cancelled
    """
    try:
        return _in_a_loop(_with_all_tasks(work))
    except asyncio.CancelledError as error:
        raise ComponentError("a task that it awaited was cancelled, so it did not finish") from error


async def _with_all_tasks(work: Coroutine[Any, Any, object]) -> object:
    task, stopped = asyncio.current_task(), []

    def end_attempt_on_signal(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Let what a signal raises inside a callback end the attempt instead of being swallowed."""
        error = context.get("exception")
        if task is None or error is None or isinstance(error, Exception):
            loop.default_exception_handler(context)
        else:
            stopped.append(error)
            task.cancel()

    asyncio.get_running_loop().set_exception_handler(end_attempt_on_signal)
    try:
        found = await work
    except asyncio.CancelledError:
        if stopped:
            raise stopped[0] from None
        raise
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        logger.warning("it started tasks and did not await them, so they are cancelled: %d", len(left))
    return found


def _in_a_loop(coroutine: Coroutine[Any, Any, object]) -> object:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # With a factory the thread keeps the event loop that the author's code set.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(coroutine)
    return _in_a_thread(coroutine)


def _in_a_thread(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine in a thread, because this thread's event loop is busy with the caller, as in a notebook."""
    outcome: Future[object] = Future()
    stop: list[Callable[[], None]] = []

    async def work() -> object:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is not None:
            stop.append(lambda: loop.call_soon_threadsafe(task.cancel))  # type: ignore[arg-type]
        return await coroutine

    def body() -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                outcome.set_result(runner.run(work()))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            outcome.set_exception(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(body,), name="component")
    thread.start()
    try:
        return outcome.result()
    except BaseException:
        for cancel in stop:
            if thread.is_alive():
                cancel()
        raise
    finally:
        thread.join()
