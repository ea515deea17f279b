"""The details of one component: what it left and how that comes back, and no secret in any text."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner.observing.progress_details import component_details
from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.progress_record import ProgressRow
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName

ORDERS, LATE = ViewName("orders"), ViewName("late", is_global=True)


def state(handling: Any, **fields: Any) -> SessionStateRecord:
    return SessionStateRecord(handling=handling, reason="it is costly", left_views=[ORDERS, LATE], **fields)


def saved(view: ViewName, **fields: Any) -> SavedView:
    copy = {"url": "u", "format": "parquet", "columns": ["x"], "files": 1, "bytes": 10, "digest": "d"}
    return SavedView(name=view.name, is_global=view.is_global, **copy, **fields)


def left(record: SessionStateRecord) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = component_details(ProgressRow("a", session_state=record), None)["left"]
    return found


def test_saved_views_are_copies_and_the_rest_is_in_the_record() -> None:
    """A view of which there is no copy does not come back, and why is said."""
    record = state("kept", views=[saved(ORDERS), saved(LATE, live=True)], functions=["f"], settings={"s": "1"})
    why = {"why": "it is costly"}
    assert left(record) == [
        {"kind": "views", "name": "orders", "kept": "saved", **why, "pinned": "a copy as of then", "bytes": 10},
        {
            "kind": "views",
            "name": "global_temp.late",
            "kept": "saved",
            **why,
            "pinned": "a copy as of then, which followed its sources",
            "bytes": 10,
        },
        {"kind": "temp functions", "name": "f", "kept": "recorded", **why},
        {"kind": "settings", "name": "s", "kept": "recorded", **why},
    ]


@pytest.mark.parametrize(
    ("handling", "kept"), [("replay", "replayed"), ("unrepeatable", "not kept"), ("none", "not kept")]
)
def test_what_is_not_saved_comes_back_by_a_replay_or_not_at_all(handling: str, kept: str) -> None:
    found = left(state(handling, late_bound=True))
    assert [(item["name"], item["kept"], item["pinned"]) for item in found] == [
        (name, kept, "reads what is there now") for name in ("orders", "global_temp.late")
    ]


def test_fingerprints_are_short_and_change_with_the_code() -> None:
    first, second = (
        component_details(ProgressRow("a", code=CodeRecord(functions={"f": digest})), "ab" * 32) for digest in "xy"
    )
    assert first["config"] == "ab" * 6
    assert len(first["code"]) == 12
    assert first["code"] != second["code"]


def test_no_text_holds_a_secret() -> None:
    row = ProgressRow("a", sources=("jdbc:p://u?password=hunter2",), against_usual="token=abc123def456", changed=("x",))
    found = component_details(row, None)
    assert found == {"sources": ["jdbc:p://u?password=***"], "against_usual": "token=***", "changed": ["x"]}


def test_nothing_known_is_nothing() -> None:
    assert component_details(ProgressRow("a"), None) == {}
