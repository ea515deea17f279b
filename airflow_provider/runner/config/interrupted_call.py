"""What to do when an exception has come out of the middle of a call to Spark.

Airflow's time limit and its kill are raised by signal handlers: anywhere, also while py4j waits for an answer. That
answer then stays unread in the thread's connection, and as long as a traceback holds the connection, each later call of
this thread gets the answer to the call before it, without an error. So nothing is asked on such a connection.
"""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from airflow_provider.errors import describe

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 4.0  # Airflow kills the process 5 s after it has asked it to stop

Answer = TypeVar("Answer")


def is_interruption(error: BaseException | None) -> bool:
    """Return whether an exception may have come from a signal handler, and so out of the middle of any call."""
    return error is not None and not isinstance(error, (Exception, GeneratorExit))


def ask_safely(question: Callable[[], Answer]) -> Answer:
    """Ask Spark something: while an interruption is being handled in a thread of its own, otherwise in this one.

    :raises TimeoutError: an interruption is being handled, and there was no answer within four seconds
    :raises Exception: what the question raises
    """
    if not is_interruption(sys.exception()):
        return question()
    answer: Future[Answer] = Future()

    def body() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            answer.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(body,), name="pyspark-pipeline-ask", daemon=True).start()
    return answer.result(_ANSWER_SECONDS)


def clean_up(work: Callable[[], object]) -> None:
    """Undo something in Spark on the way out of a block. An interruption goes on whatever becomes of that.

    :raises Exception: what the work raises, if no interruption is being handled
    """
    if not is_interruption(sys.exception()):
        work()
        return
    try:
        ask_safely(work)
    except Exception as error:  # noqa: BLE001 - the interruption must not become another error
        logger.warning("not everything could be cleaned up after the interruption: %s", describe(error))


@contextmanager
def sound_connection() -> Iterator[None]:
    """Context manager after which this thread's next call to Spark gets its own answer, whatever happened in it.

    The thread gets a new connection if a call was interrupted, even if the component caught and kept that.
    What Spark keeps for each connection, such as job tags, is gone then.

    :raises BaseException: an interruption that pyspark has turned into an error of its own
    """
    try:
        yield
    except BaseException as error:
        _leave_interrupted_connection(error)
        interruption = _interrupted_call(error)
        if interruption is None or interruption is error or not _is_pysparks(error):
            raise
        # On its way out of `collect` pyspark asks on that connection, or closes a socket that it has not opened.
        raise interruption from None
    _leave_interrupted_connection(None)


def collected(frame: Any) -> list[Any]:
    """Return the rows of a DataFrame. An interruption stays one, where ``collect`` makes an ordinary error of it.

    For code that catches what Spark raises: it would take the interruption for such an error, and go on.
    """
    with sound_connection():
        return list(frame.collect())


def _leave_interrupted_connection(error: BaseException | None) -> None:
    client: Any = getattr(_gateway(), "_gateway_client", None)
    if not hasattr(client, "get_thread_connection"):
        return  # no JVM, or none with a connection for each thread
    connection = client.get_thread_connection()
    # py4j takes a connection out while it waits for an answer and gives it back when it has read that, or the answer
    # to a call that code made on the way out.
    if connection is not None and (connection not in client.deque or _interrupted_call(error) is not None):
        vars(client.thread_connection).clear()


def _interrupted_call(error: BaseException | None) -> BaseException | None:
    """Return the interruption of a call to the JVM that an exception is or follows from, None if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if is_interruption(error) and any(name.startswith("py4j.") for name in _modules_of(error)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _is_pysparks(error: BaseException) -> bool:
    return next(reversed(_modules_of(error)), "").partition(".")[0] in ("pyspark", "py4j")


def _modules_of(error: BaseException) -> list[str]:
    """Return the modules that an exception passed, the one that raised it last."""
    return [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]


def _gateway() -> Any:
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    return getattr(context, "_gateway", None)
