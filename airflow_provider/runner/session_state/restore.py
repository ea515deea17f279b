"""Brings back what a component left in the session, from its record and from storage. Nothing of it is computed yet.

Nothing in a record is executed: all that is going to be used is checked before any of it is.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider.errors import NotRestoredError
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.kind_context import (
    RecordLimits,
    RestoreTarget,
)
from airflow_provider.runner.session_state.kinds.recorded_state import reject_record
from airflow_provider.runner.session_state.probes.probe import SessionProbe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SHOWN = 1_000  # characters of a text that comes from a record


class SessionRestorer:
    """Restores session state in one session.

    :param url: directory of this run for saved views, None if there is none
    :param format_name: Spark data source that views are saved with
    """

    def __init__(self, spark: SparkSession, probe: SessionProbe, url: str | None, format_name: str) -> None:
        self._limits = RecordLimits(url, format_name, spark)
        self._target = RestoreTarget(spark, probe)

    def in_copy(self, spark: SparkSession, probe: SessionProbe) -> SessionRestorer:
        """Return what restores session state in a copy of the session; what is lost is the same."""
        made = copy.copy(self)
        made._limits = replace(self._limits, spark=spark)
        made._target = replace(self._target, spark=spark, probe=probe)
        return made

    @property
    def lost(self) -> Mapping[str, str]:
        """What nothing brings back, to the reason."""
        return self._target.lost

    def forget_lost(self, names: Iterable[str]) -> None:
        """Forget what is lost but there again, because a component has made it anew."""
        for name in names:
            self._target.lost.pop(name, None)

    def restore(
        self,
        component: str,
        record: SessionStateRecord,
        dropped: Collection[str] = (),
        *,
        views_one_by_one: bool = False,
    ) -> None:
        """Bring back what a component left.

        :param dropped: databases and tables that later components dropped
        :param views_one_by_one: whether to go on without a view whose copy cannot be read
        :raises NotRestoredError: the record leads where it must not; none of it has been used
        :raises Exception: what Spark raises
        """
        if (why := reject_record(record, self._limits)) is not None:
            raise NotRestoredError(why)
        # With the same `lost` and `global_views`.
        target = replace(self._target, dropped=dropped, component=component, views_one_by_one=views_one_by_one)
        target.lost |= {name[:_SHOWN]: why[:_SHOWN] for name, why in record.lost.items() if name not in dropped}
        for kind in kinds.KINDS:
            kind.restore(record, target)
