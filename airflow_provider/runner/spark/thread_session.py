"""Which session a thread works in while components run side by side.

A context variable has it. Spark's own idea of the active session follows: the JVM keeps one for each of its threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def _nothing() -> None:
    return


@dataclass(frozen=True, eq=False)
class ThreadSession:
    """The session of a component, for the thread that runs it and for those that it starts.

    :param component: its name
    :param session: its copy of the session, a classic one
    :param begin: called in each further thread that works for the component, before it does: for labels of Spark's
        jobs. What it raises is logged
    """

    component: str
    session: SparkSession
    begin: Callable[[], None] = _nothing


_CURRENT: ContextVar[ThreadSession | None] = ContextVar("pyspark_pipeline_thread_session", default=None)


def thread_session() -> ThreadSession | None:
    """Return what this thread works in; None outside of components that run side by side."""
    return _CURRENT.get()


@contextmanager
def using_session(given: ThreadSession | None) -> Iterator[None]:
    """Let this thread work in a session, and in what it worked before afterwards.

    :param given: None for outside of any component: there the JVM has no active session, as in any new thread
    """
    before = _CURRENT.get()
    known = given or before
    if known is None or given is before:
        yield
        return
    token = _CURRENT.set(given)
    active = _set_active(known.session, _java_session(given))
    try:
        yield
    finally:
        _CURRENT.reset(token)
        _set_active(known.session, active)


def begin_thread(given: ThreadSession) -> None:
    """Let a thread that has just started work in a session until it ends."""
    _CURRENT.set(given)
    _set_active(given.session, _java_session(given))
    label_thread(given)


def label_thread(given: ThreadSession) -> None:
    """Let the labels of Spark's jobs be those of a component, in this thread and from now on."""
    try:
        given.begin()
    except Exception as error:  # noqa: BLE001 - without its labels a thread works as well
        logger.debug("cannot prepare a thread of component %r: %s", given.component, describe(error))


def end_thread(given: ThreadSession) -> None:
    """Close the connection to the JVM of a thread that ends: Spark would keep it, and a thread for it."""
    from pyspark import InheritableThread

    threads: Any = InheritableThread
    try:
        threads._clean_py4j_conn_for_current_thread()
    except Exception as error:  # noqa: BLE001 - the JVM may be gone
        logger.debug("cannot close the connection of a thread: %s", describe(error))


def _java_session(given: ThreadSession | None) -> Any:
    return given.session._jsparkSession if given is not None else None


def _set_active(known: SparkSession, wanted: Any) -> Any:
    """Set the active session of this thread in the JVM, and return the one that it was.

    :param known: any session on that JVM
    :param wanted: a session of the JVM; None for none
    """
    from pyspark.sql import SparkSession

    kinds: Any = SparkSession
    try:
        java: Any = kinds._get_j_spark_session_class(known._jvm)
        before = java.getActiveSession()
        if wanted is None:
            java.clearActiveSession()
        else:
            java.setActiveSession(wanted)
        return before.get() if before.isDefined() else None
    except Exception as error:  # noqa: BLE001 - py4j raises anything when its JVM is gone, and work without Spark goes on
        logger.debug("cannot set the active session of a thread: %s", describe(error))
        return None
