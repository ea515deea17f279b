"""How tables, durations and the times of an attempt read."""

from __future__ import annotations

import dataclasses
import unicodedata

import pytest

from airflow_provider.runner import ComponentResult, PipelineResult, PipelineResultStatus
from airflow_provider.runner.observing.report import (
    Column,
    duration,
    plan_table,
    result_table,
    table,
    table_of,
    time_line,
)
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.planning.reasons import NotCompleted
from airflow_provider.runner.planning.reuse_reasons import CompletedEarlier
from airflow_provider.runner.record.progress_record import SparkCosts, SparkUsage
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName

RESULTS = (
    ComponentResult("a", Action.REUSE, "", ComponentStatus.COMPLETED, restoring_seconds=0.5, seconds_saved=60),
    ComponentResult("b", Action.RUN, "", ComponentStatus.COMPLETED, duration_seconds=2, saving_seconds=1),
    ComponentResult("c", Action.RUN, "", ComponentStatus.FAILED, duration_seconds=0.5, error=KeyError("x")),
)
RESULT = PipelineResult("p", PipelineResultStatus.FAILURE, RESULTS, 10.0, spark_seconds=4.0)


def test_times_add_up_to_the_attempts() -> None:
    """A component's own time is neither that of saving nor that of restoring what it left."""
    kinds = {"components": 2.5, "saving": 1.0, "restoring": 0.5, "spark_start": 4.0, "rest": 2.0}
    assert RESULT.seconds_by_kind == kinds
    assert sum(RESULT.seconds_by_kind.values()) == RESULT.duration_seconds
    assert RESULT.summary()["seconds_by_kind"] == kinds
    first, second, third = RESULT.summary()["components"]
    assert (first["restoring_seconds"], second["saving_seconds"]) == (0.5, 1.0)
    assert "saving_seconds" not in third


def test_the_table_shows_the_time_for_session_state_only_where_there_is_some() -> None:
    """In a column of its own, which is there only if it says something."""
    assert [line.split("   ")[-1].strip() for line in result_table(RESULT)[2:4]] == [
        "restored in 0.5 s",
        "saved in 1.0 s",
    ]
    assert time_line(RESULT) == (
        "components 2.5 s, saving session state 1.0 s, restoring session state 0.5 s, starting Spark 4.0 s, "
        "the rest 2.0 s"
    )
    plain = PipelineResult("p", PipelineResultStatus.FAILURE, RESULTS[2:], 1.0)
    assert "session state" not in result_table(plain)[0]


def test_the_table_shows_what_components_took_of_spark_where_it_is_known() -> None:
    """Rows and bytes, shuffle and spill, each in a column that is there only if it says something."""
    costs = SparkCosts(input_rows=1_200_000, input_bytes=34_000_000, output_rows=5, spilled_bytes=0)
    found = dataclasses.replace(RESULTS[1], usage=SparkUsage(costs))
    table = result_table(PipelineResult("p", PipelineResultStatus.FAILURE, (found, RESULTS[2]), 1.0))
    assert table[0].split()[-4:] == ["rows", "read", "rows", "written"]
    assert table[2].endswith("1,200,000 (34.0 MB)   5")


def test_the_plan_shows_what_is_restored() -> None:
    """Views as they were when they were saved with their size, what is made again as of now, and what else."""
    view = {"name": "v", "url": "u", "format": "parquet", "schema_json": "{}", "columns": ["x"], "rows": 1}
    state = SessionStateRecord(
        handling="kept",
        reason="",
        views=[SavedView.model_construct(**view, bytes=6_200_000), SavedView.model_construct(**view, bytes=6_200_000)],
        settings={"spark.sql.shuffle.partitions": "3"},
    )
    lazy = SessionStateRecord(handling="replay", reason="", left_views=[ViewName("w"), ViewName("x")])
    text = SessionStateRecord(handling="replay", reason="", left_views=[ViewName("y")], late_bound=True)
    plan = RunPlan(
        "p",
        (
            Decision("a", Action.REUSE, CompletedEarlier(1), session_state=state, restore=True),
            Decision("b", Action.REUSE, CompletedEarlier(1), session_state=state),
            Decision("c", Action.REPLAY, CompletedEarlier(1), session_state=lazy),
            Decision("d", Action.REPLAY, CompletedEarlier(1), session_state=text),
            Decision("e", Action.RUN, NotCompleted(1, failed=True)),
        ),
    )
    header, _, *rows = plan_table(plan)
    assert header.split() == ["component", "action", "why", "to", "restore"]
    assert [row.rpartition("   ")[2] for row in rows] == [
        "2 views as of then (12.4 MB), 1 setting",
        "completed in attempt 1",
        "2 views made again, as of now",
        "1 view by SQL text, as of now",
        "failed in attempt 1",
    ]


def width(text: str) -> int:
    """Columns on a terminal: an East Asian wide character takes two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_columns_are_aligned_whatever_the_width_of_the_characters() -> None:
    names = ["load", "日本語", "ｆｕｌｌ", "cafe\u0301", "a name that is longer than the others", ""]
    rows = table(("component", "action"), [(name, "RUN") for name in names])
    starts = {width(line[: line.rindex("RUN")]) for line in rows[2:]}
    assert len(rows) == 2 + len(names)
    assert len(starts) == 1
    assert width(rows[0][: rows[0].index("action")]) in starts


def test_a_line_break_in_a_cell_does_not_break_the_table() -> None:
    rows = table(("component", "why"), [("a\nb\r\nc", "x"), ("d", "y")])
    assert [line.split("  ")[0] for line in rows[2:]] == ["a b c", "d"]


def test_a_long_cell_is_neither_cut_nor_wrapped() -> None:
    rows = table(("component", "why"), [("a", "x" * 500)])
    assert rows[-1].endswith("x" * 500)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10.0 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 00 s"),
        (59.99, "1 min 00 s"),
        (60, "1 min 00 s"),
        (61.4, "1 min 01 s"),
        (185, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3600, "1 h 00 min"),
        (21720, "6 h 02 min"),
        (360000, "100 h 00 min"),
    ],
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_optional_column_is_left_out_if_it_is_empty_wherever_it_stands() -> None:
    """A new column at the end does not make an empty one before it appear."""
    columns = (
        Column[str]("name", lambda row: row),
        Column[str]("note", lambda row: "", optional=True),
        Column[str]("size", lambda row: str(len(row))),
    )
    assert [line.split() for line in table_of(columns, ["a", "bb"])[:1]] == [["name", "size"]]
    assert table_of(columns, ["a", "bb"])[2:] == ["a      1", "bb     2"]


SIDE_BY_SIDE = PipelineResult(
    "p",
    PipelineResultStatus.FAILURE,
    (
        ComponentResult(
            "old",
            Action.REUSE,
            "",
            ComponentStatus.COMPLETED,
            restoring_seconds=1.0,
            seconds_saved=60,
            started_seconds=4.5,
        ),
        ComponentResult("a", Action.RUN, "", ComponentStatus.COMPLETED, duration_seconds=10, started_seconds=5),
        ComponentResult(
            "b",
            Action.RUN,
            "",
            ComponentStatus.COMPLETED,
            duration_seconds=4.0,
            saving_seconds=2,
            started_seconds=6.0,
        ),
        ComponentResult(
            "c", Action.RUN, "", ComponentStatus.FAILED, duration_seconds=8, error=KeyError(), started_seconds=12
        ),
        ComponentResult("d", Action.RUN, "", ComponentStatus.NOT_RUN),
    ),
    21.0,
    spark_seconds=4.0,
)


def test_the_table_shows_when_each_ran_if_some_ran_side_by_side() -> None:
    assert " ".join(result_table(SIDE_BY_SIDE)[0].split()) == "component action outcome time from to session state"
    cells = [[cell.strip() for cell in line.split("   ") if cell.strip()] for line in result_table(SIDE_BY_SIDE)[2:]]
    assert [row[3:6] for row in cells[1:4]] == [
        ["10.0 s", "5.0 s", "15.0 s"],
        ["4.0 s", "6.0 s", "10.0 s"],
        ["8.0 s", "12.0 s", "20.0 s"],
    ]
    assert cells[0][3:] == ["1 min 00 s saved", "restored in 1.0 s"]


def test_one_at_a_time_the_table_is_as_ever() -> None:
    """Also where it is known when each began, but nothing ran at the same time."""
    known = tuple(
        dataclasses.replace(result, started_seconds=float(number * 10)) for number, result in enumerate(RESULTS)
    )
    one_by_one = dataclasses.replace(RESULT, component_results=known)
    assert result_table(one_by_one) == result_table(RESULT)
    assert time_line(one_by_one) == time_line(RESULT)
    assert one_by_one.seconds_by_kind == RESULT.seconds_by_kind


def test_time_in_which_several_run_counts_once() -> None:
    """22 s of work in 15 s; b was saved while a ran; half of the restoring was before any ran."""
    assert SIDE_BY_SIDE.seconds_by_kind == {
        "components": 15.0,
        "saving": 0.0,
        "restoring": 0.5,
        "spark_start": 4.0,
        "rest": 1.5,
    }
    assert time_line(SIDE_BY_SIDE) == (
        "components 22.0 s of work in 15.0 s, restoring session state 0.5 s, starting Spark 4.0 s, the rest 1.5 s"
    )
    started = [part.get("started_seconds") for part in SIDE_BY_SIDE.summary()["components"]]
    assert started == [4.5, 5, 6.0, 12, None]
