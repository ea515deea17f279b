"""Checkpoint records, and attempts that do nothing but keep one."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from airflow_provider.runner import CheckpointState, CheckpointStore
from airflow_provider.runner.checkpoint.store import Takeover, TakeoverClaim
from airflow_provider.runner.checkpoint.takeover import take_over
from airflow_provider.runner.record.checkpoint_state import CheckpointUpdate, ComponentRecord
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.record.requests import SettledRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.record.session_state_record import (
    Buckets,
    CatalogObject,
    SavedView,
    SessionStateRecord,
    TableDescription,
)
from airflow_provider.runner.record.view_names import ViewName

KEY = RunKey((), "run-1", "p")
AT = datetime.datetime(2024, 1, 1, 12, 30, 15, 123456, tzinfo=datetime.UTC)


def state(run: str = "run-1", pipeline: str = "p", **more: Any) -> CheckpointState:
    """Return a record that holds no more than it must, and what is given."""
    return CheckpointState.model_validate(
        {"run_id": run, "pipeline_name": pipeline, "pipeline_fingerprint": "f", "fence": 1, "owner": "me", **more}
    )


def saved_views(component: str, count: int) -> SessionStateRecord:
    """Return the record of a component whose views were saved."""
    views = [
        SavedView(
            name=f"{component}_{number}",
            url=f"s3://bucket/runs/{component}/{number}",
            format="parquet",
            columns=["id", "名", 'a "quoted" \\ one'],
            files=8,
            bytes=10**9,
            digest="d" * 64,
        )
        for number in range(count)
    ]
    left = [ViewName(view.name) for view in views]
    return SessionStateRecord(handling="kept", reason="ran 61.0 s", views=views, left_views=left)


def record(session_state: SessionStateRecord | None = None, attempt: int = 1) -> ComponentRecord:
    return ComponentRecord(
        fingerprint="f" * 64, completed_at=AT, duration_seconds=1.5, attempt=attempt, session_state=session_state
    )


def completed(component: str, attempt: int = 1, session_state: SessionStateRecord | None = None) -> CheckpointUpdate:
    """Return what a component that has completed changes in the record."""
    return CheckpointUpdate(at=AT, component=component, record=record(session_state, attempt))


TABLE = CatalogObject(
    database="db",
    location="/db/t",
    comment='it\'s "mine"',
    properties={"a b": "`x`"},
    table=TableDescription(
        name="t",
        managed=True,
        provider="csv",
        columns='{"type":"struct","fields":[{"name":"日 `本`","type":"long","nullable":true,"metadata":{}}]}',
        options={"sep": ";"},
        partition_columns=["p"],
        has_partitions=True,
        buckets=Buckets(count=3, columns=["x"], sorted_by=["y"]),
    ),
)
"""A table with something in every field of its description."""

FULL = state(
    completed_components=["a", "日本\n", "e"],
    failed_component="c",
    status="failed",
    created_at=AT,
    updated_at=datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    attempt=3,
    fence=7,
    components={
        "a": record(attempt=2),
        "日本\n": record(saved_views("日本\n", 3)),
        "e": record(
            SessionStateRecord(
                handling="replay",
                reason="it was cheap",
                left_views=[ViewName("v"), ViewName("g", True)],
                dropped_views=[ViewName("old")],
                functions=["f"],
                dropped_functions=["g"],
                settings={"spark.sql.ansi.enabled": "false", "spark.x": None},
                catalog="spark_catalog",
                database="db",
                objects=[CatalogObject(database="db", location="/db"), TABLE],
                vouched="s3://bucket/runs/run-1/attempt-0123456789ab/0000-01234567/objects",
                dropped_objects=["`db`.`u`"],
            )
        ),
    },
    fields={"a": {"config.x": "0123456789ab"}, "日本\n": {}},
    requests=[
        SettledRequest(
            id="0123",
            what="restart from 'a'",
            source="a command",
            requested_at=AT,
            requested_by="日本\n",
            settled_at=AT,
            attempt=2,
            set_aside="unknown or disabled component 'a'",
        )
    ],
    session_state_url="s3://bucket/runs/run-1",
    live_session=LiveSessionRecord(session="s-2", origin="sc://host", copy_id="c-3", present=["a"]),
    airflow={"try_number": 3, "nested": {"list": [1, None, "x"]}},
)
"""A record with something in every field."""


class Recorder:
    """An attempt, reduced to what it does to the store.

    :param store: where it keeps its record
    :param key: which checkpoint
    :ivar claim: what it said of itself
    :ivar taken: what it took over
    :ivar acknowledged: the components of which the store has said that their record is durable
    """

    claim: TakeoverClaim
    taken: Takeover

    def __init__(self, store: CheckpointStore, key: RunKey = KEY) -> None:
        self._store = store
        self._key = key
        self._begun = state()
        self._updates: list[CheckpointUpdate] = []
        self.acknowledged: list[str] = []

    def take_over(self) -> None:
        self.claim, self.taken = take_over(self._store, self._key)

    def begin(self, drop: Collection[str] = ()) -> None:
        """Begin with what was recorded, except what the plan runs again."""
        taken = self.taken
        known = taken.recorded.components if taken.recorded is not None else {}
        kept = {name: known[name] for name in known if name not in drop}
        self._begun = CheckpointState(
            run_id=self._key.run_id,
            pipeline_name=self._key.pipeline_name,
            scope=self._key.scope,
            pipeline_fingerprint="f",
            completed_components=list(kept),
            components=kept,
            attempt=taken.attempt,
            fence=taken.fence,
            owner=self.claim.owner,
        )
        taken.writer.begin(self._begun)

    def start(self, drop: Collection[str] = ()) -> None:
        """Take over and begin."""
        self.take_over()
        self.begin(drop)

    def add(self, update: CheckpointUpdate) -> None:
        """Record an event."""
        self.taken.writer.append(update, lambda: self._begun.updated([*self._updates, update]))
        self._updates.append(update)

    def complete(self, *components: str) -> None:
        """Record that components have completed."""
        for component in components:
            self.add(completed(component, self.taken.attempt))
            self.acknowledged.append(component)

    @property
    def whole(self) -> CheckpointState:
        """The record as this attempt has it."""
        return self._begun.updated(self._updates)
