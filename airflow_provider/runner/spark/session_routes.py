"""Lets code that asks pyspark for its session get the copy of the component that it works for.

Python keeps the active session for the whole process, so threads side by side would get one another's. While components
run side by side, these answers are replaced: ``SparkSession.getActiveSession``, with all of pyspark that asks it
(``active``, pandas-on-Spark, MLlib, types); the session that ``SparkSession.builder`` finds and functions ask for
settings; ``RDD.toDF``; and every attribute of the pipeline's own session, which modules and components may hold.
Outside the threads of components each answers as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SparkConfigError
from airflow_provider.runner.spark.replaced_attributes import ReplacedAttributes
from airflow_provider.runner.spark.session_clone import CLONING
from airflow_provider.runner.spark.thread_session import thread_session
from airflow_provider.runner.spark.thread_starts import follow_threads

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCK = RLock()
_IN_PLACE: list[ReplacedAttributes] = []
"""What is replaced, for the runs that last: a component may run a pipeline of its own."""
_RUNS: list[object] = []


@contextmanager
def routed_sessions(spark: SparkSession) -> Iterator[None]:
    """Route sessions as long as components run side by side; put all of it back afterwards.

    :param spark: the session of the pipeline, a classic one
    :raises SparkConfigError: pyspark shares the threads of its JVM among those of Python
    """
    _refuse_shared_threads(spark)
    run = object()
    with _LOCK:
        if not _RUNS:
            _IN_PLACE.append(_replaced())
        _RUNS.append(run)
    try:
        with _answers_as_copy(spark):
            yield
    finally:
        with _LOCK:
            _RUNS.remove(run)
            if not _RUNS:
                _IN_PLACE.pop().put_back()


def _refuse_shared_threads(spark: SparkSession) -> None:
    from py4j.clientserver import ClientServer

    if not isinstance(spark.sparkContext._gateway, ClientServer):
        raise SparkConfigError(
            "components cannot run side by side, because the environment variable PYSPARK_PIN_THREAD is false: their "
            "threads would share what Spark keeps for a thread; unset it, or set max_parallel_components to 1"
        )


def _replaced() -> ReplacedAttributes:
    replaced = ReplacedAttributes()
    follow_threads(replaced)
    _replace_answers(replaced)
    return replaced


def _replace_answers(replaced: ReplacedAttributes) -> None:
    from pyspark import RDD
    from pyspark.sql import SparkSession, context, session
    from pyspark.sql.context import SQLContext

    kinds: Any = SparkSession
    found: Callable[[Any], Any] = vars(kinds)["getActiveSession"].__func__
    active = kinds._activeSession  # `createDataFrame` of any session and thread replaces it

    def get_active_session(cls: Any) -> Any:
        """Return the active session of this thread."""
        given = thread_session()
        if given is not None:
            return given.session
        return active if found(cls) is not None else None

    replaced.keep(kinds, "_activeSession")
    replaced.replace(kinds, "getActiveSession", classmethod(get_active_session))
    replaced.replace(kinds, "_instantiatedSession", _OfThread(kinds._instantiatedSession, lambda copy: copy))
    replaced.replace(SQLContext, "_instantiatedContext", _OfThread(vars(SQLContext)["_instantiatedContext"], _context))
    to_frame = _FrameMaker(RDD)
    replaced.replace(RDD, "toDF", to_frame.method())
    for module in (session, context):
        replaced.replace(module, "_monkey_patch_RDD", to_frame.claim)


class _OfThread:
    """A class attribute that is another thing in each thread of a component.

    :param outside: what it is elsewhere
    :param of: makes it from a copy of the session
    """

    def __init__(self, outside: Any, of: Callable[[Any], Any]) -> None:
        self._outside = outside
        self._of = of

    def __get__(self, instance: Any, owner: Any) -> Any:
        given = thread_session()
        return self._outside if given is None else self._of(given.session)


def _context(session: Any) -> Any:
    from pyspark.sql.context import SQLContext

    made: Any = object.__new__(SQLContext)  # its constructor would ask for this very attribute
    made._sc, made._jsc, made._jvm = session._sc, session._jsc, session._jvm
    made.sparkSession, made._jsqlContext = session, session._jsparkSession.sqlContext()
    return made


class _FrameMaker:
    """Makes ``RDD.toDF`` use the session of the thread. Each new session would claim it for itself."""

    def __init__(self, rdd: Any) -> None:
        self._outside: Callable[..., Any] = rdd.toDF

    def method(self) -> Callable[..., Any]:
        """Return the replacement of ``RDD.toDF``."""

        def toDF(self_: Any, schema: Any = None, sampleRatio: Any = None) -> Any:
            given = thread_session()
            if given is None:
                return self._outside(self_, schema, sampleRatio)
            return given.session.createDataFrame(self_, schema, sampleRatio)

        return toDF

    def claim(self, session: Any) -> None:
        """Let a new session be the one that ``RDD.toDF`` uses outside the threads of components."""
        if thread_session() is None and not CLONING.get():
            self._outside = lambda rdd, schema, ratio: session.createDataFrame(rdd, schema, ratio)


@contextmanager
def _answers_as_copy(spark: Any) -> Iterator[None]:
    """Let a session itself answer as the copy of the thread that asks it."""
    kind = type(spark)
    if issubclass(kind, _AnswersAsCopy):  # for another run
        yield
        return
    spark.__class__ = type(kind.__name__, (_AnswersAsCopy, kind), {"__module__": kind.__module__})
    try:
        yield
    finally:
        spark.__class__ = kind


class _AnswersAsCopy:
    def __getattribute__(self, name: str) -> Any:
        given = thread_session()
        if name == "__class__":  # of which `newSession` makes another one
            return type(self).__bases__[1]
        if given is None or given.session is self:
            return super().__getattribute__(name)
        return getattr(given.session, name)
