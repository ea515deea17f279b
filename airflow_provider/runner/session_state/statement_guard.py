"""Inspects each statement of a session before it computes anything: refuses some, and warns of overwritten sources.

A restored view is a copy of rows. What a statement asks of the files, partitions and numbers of a row would be that of
the copy, and rows that were written after the copy was made are not in it. Rather than give another answer than a run
without a failure, Spark refuses such a statement while it plans it, so that nothing is lost.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import describe
from airflow_provider.runner.config.interrupted_call import ask_safely
from airflow_provider.runner.record.session_state_record import SavedView
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm, load_guard
from airflow_provider.runner.spark.kind import spark_kind
from airflow_provider.runner.storage.spark_urls import writable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class SessionGuard:
    """Guards one classic session. With Spark Connect it sees nothing.

    :param jvm: asks the JVM of the session; None if that cannot be asked
    """

    def __init__(self, spark: SparkSession, jvm: SessionJvm | None) -> None:
        self._jvm = jvm
        self._java: Any = None
        self._watches = False
        if spark_kind(spark) == "classic":
            try:
                self._java = load_guard(spark)
                if jvm is not None:
                    jvm.guard_with(self._java)
            except Exception as error:  # noqa: BLE001 - another version of Spark may raise anything
                logger.warning("cannot inspect statements before they run: %s", describe(error))

    @property
    def sees(self) -> bool:
        """Whether statements are seen."""
        return self._java is not None

    def watch_copy(self, saved: SavedView, component: str, attempt: int | None) -> None:
        """Guard the statements that read a view of which this attempt has only a copy.

        :param component: the one that left the view
        :param attempt: in which it completed, None if that is not known
        """
        if self._java is not None:
            what = f"{_copy(saved)}: it was saved when component {component!r} completed{_in(attempt)}"
            remedy = (
                f"Compute {{}} in {component!r}, which reads the real rows, or, if running {component!r} twice does no "
                "harm, set its session_state to 'replay' and run it again"
            )
            self._java.restored(writable(saved.url), what, remedy)

    def refuse_copy(self, saved: SavedView, component: str, writer: str) -> None:
        """Refuse each statement that reads a copy from now on, because it is out of date.

        :param component: the one that left the view
        :param writer: the component that changed what the view reads
        """
        if self._java is not None:
            why = (
                f"{_copy(saved)}, which was saved when component {component!r} completed in an earlier attempt. Since "
                f"then {writer!r} has changed what the view reads, and the copy does not show that. This statement "
                f"computed nothing. If running {component!r} twice does no harm, set its session_state to 'replay'; "
                f"otherwise restart the run from {component!r}"
            )
            self._java.outdated(writable(saved.url), why)

    @contextmanager
    def watching(self, component: str, owners: Mapping[ViewName, str], mark: tuple[int, int] | None) -> Iterator[None]:
        """Note what a component overwrites, and warn if it fails; :meth:`warn` does if it succeeds.

        :param owners: view to the component that left it
        :param mark: where the session's history stands
        """
        self._watches = self._begin(component, mark)
        try:
            yield
        except BaseException:
            if self._watches:
                self._warn(component, owners, self._noted())
            raise

    def warn(self, component: str, owners: Mapping[ViewName, str]) -> None:
        """Warn if a component that has succeeded overwrote what a view of the session reads.

        Call it after the look at the session, which tells that.

        :param owners: as of :meth:`watching`
        """
        if self._jvm is not None and self._watches:
            told = self._jvm.overwritten()
            self._warn(component, owners, self._noted() if told is None else _overwritten(told))

    def _warn(self, component: str, owners: Mapping[ViewName, str], noted: list[tuple[ViewName, str]]) -> None:
        for view, place in noted:
            owner = f"component {owners[view]!r}" if view in owners else "this component or the session itself"
            logger.warning(
                "%s: a statement overwrites %s, which view %r of %s reads. Once its files are gone the view cannot "
                "be read, so later readers fail or get other rows. Write to another place and swap the two, or "
                "write the view's rows elsewhere first",
                component,
                place,
                str(view),
                owner,
            )

    def _begin(self, component: str, mark: tuple[int, int] | None) -> bool:
        if self._jvm is None:
            return False
        try:
            return self._jvm.begin(component, mark)
        except Exception as error:  # noqa: BLE001 - if Spark is gone, the component will say so in its own words
            logger.debug("cannot see what %s overwrites: %s", component, describe(error))
            return False

    def _noted(self) -> list[tuple[ViewName, str]]:
        try:
            return _overwritten(json.loads(ask_safely(self._java.end)))
        except Exception as error:  # noqa: BLE001 - the session may be what the component lost
            logger.debug("cannot tell what was overwritten: %s", describe(error))
            return []


def _overwritten(told: Iterable[Any]) -> list[tuple[ViewName, str]]:
    return [(ViewName(name, is_global), place) for name, is_global, place in told]


def is_refused_by_guard(error: BaseException | None) -> bool:
    """Whether an error is one of a guard, or was caused by one."""
    while error is not None:
        origin = getattr(error, "_origin", None)
        if origin is not None and str(origin.getClass().getName()).endswith("SessionGuard$Refused"):
            return True
        error = error.__cause__
    return False


def _copy(saved: SavedView) -> str:
    return f"view {str(saved.view)!r} is a copy in this attempt"


def _in(attempt: int | None) -> str:
    return f" in attempt {attempt}" if attempt is not None else " in an earlier attempt"
