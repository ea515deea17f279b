"""Spark is lost while something is saved: that is no verdict on what was to be saved.

A lost session cannot be had in a test that shares its Spark with others, so stand-ins raise what py4j raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_provider.errors import ViewNotSavedError
from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.source_record import TouchedData
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.changes.diff import session_changes
from airflow_provider.runner.session_state.evidence import Evidence
from airflow_provider.runner.session_state.kinds import KINDS, TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionSnapshot,
)
from airflow_provider.runner.session_state.pinned_views import PinnedComponent, PinnedViews
from airflow_provider.runner.session_state.record_builder import RecordBuilder
from airflow_provider.runner.session_state.session_inspection import SessionInspection
from tests.samples.pipelines import component

VIEW = ViewName("v")
RECORD = SessionStateRecord(handling="replay", reason="known to be harmless", harmless=True, left_views=[VIEW])


class Views:
    """Views that cannot be saved.

    :param lost: whether that is because Spark is gone
    """

    saver = object()

    def __init__(self, *, lost: bool) -> None:
        self.lost = lost
        self.inspection = SessionInspection(None)

    def refuse_lost_session(self) -> None:
        if self.lost:
            raise ConnectionRefusedError("the JVM is gone")

    def unpin(self, number: int) -> None: ...

    def now(self, view: ViewName) -> object:
        return view

    def pinned(self, view: ViewName, number: int) -> object:
        return view

    def save(self, position: int, frames: Mapping[ViewName, Any], *more: Callable[..., bool]) -> list[SavedView]:
        raise ViewNotSavedError("view 'v' cannot be saved: Connection refused")


def pinned(views: Views) -> PinnedViews:
    kept = PinnedViews(None, views)  # type: ignore[arg-type]
    kept.pin(PinnedComponent("reader", 1, RECORD, {VIEW: 1}, 1.0, costly=False))
    return kept


def test_a_view_that_a_writer_pulled_the_ground_from_is_not_given_up_because_spark_is_lost() -> None:
    """Otherwise every later attempt would refuse to go on."""
    with pytest.raises(ConnectionRefusedError):
        list(pinned(Views(lost=True)).save_before_change(["reader"], "writer"))
    [(name, record)] = pinned(Views(lost=False)).save_before_change(["reader"], "writer")
    assert (name, record.handling) == ("reader", "unrepeatable")


def test_a_component_whose_views_cannot_be_saved_because_spark_is_lost_is_not_complete() -> None:
    """Invariant 2: what must be saved of it is not saved, so it runs again like any component that was killed."""

    class Probe:
        def describe_objects(self, names: list[str]) -> Any: ...

    empty = {kind.name: {} for kind in KINDS}
    left = session_changes(SessionSnapshot(empty), SessionSnapshot({**empty, TEMP_VIEWS.name: {VIEW: "1"}}))
    evidence = Evidence(("it posts",), 0.0, False, frozenset(), TouchedData(), ())
    config = PipelineConfig(name="p", components=[component("a")])
    for lost in (True, False):
        builder = RecordBuilder(None, Probe(), config, Views(lost=lost))  # type: ignore[arg-type]
        if lost:
            with pytest.raises(ConnectionRefusedError):
                builder.build(config.components[0], 1, left, evidence)
        else:
            assert builder.build(config.components[0], 1, left, evidence).handling == "unrepeatable"
