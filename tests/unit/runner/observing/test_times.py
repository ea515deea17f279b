"""Where an attempt's time went, and what its plan restores."""

from __future__ import annotations

from airflow_provider.runner import ComponentResult, PipelineResult, PipelineResultStatus
from airflow_provider.runner.observing.report import plan_table, result_table, time_line
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action, Decision, RunPlan
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord

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


def test_the_table_and_the_line_say_so() -> None:
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


def test_the_plan_says_what_is_restored() -> None:
    """How large the views are, and what else; how many there are is among the reasons."""
    view = {"name": "v", "url": "u", "format": "parquet", "schema_json": "{}", "columns": ["x"], "rows": 1}
    state = SessionStateRecord(
        handling="kept",
        reason="",
        views=[SavedView.model_construct(**view, bytes=6_200_000), SavedView.model_construct(**view, bytes=6_200_000)],
        settings={"spark.sql.shuffle.partitions": "3"},
    )
    plan = RunPlan(
        "p",
        (
            Decision("a", Action.REUSE, "completed in attempt 1", session_state=state, restore=True),
            Decision("b", Action.REUSE, "completed in attempt 1", session_state=state),
            Decision("c", Action.RUN, "failed in attempt 1"),
        ),
    )
    header, _, first, second, third = plan_table(plan)
    assert header.split() == ["component", "action", "why", "to", "restore"]
    assert first.endswith("   12.4 MB, 1 setting")
    assert second.endswith("completed in attempt 1")
    assert third.endswith("failed in attempt 1")
