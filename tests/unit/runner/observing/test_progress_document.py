"""The document of an attempt's progress: its size, its names, no nulls, and what gives way first."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider.runner.observing.progress_budget import cut_names, cut_text, json_size
from airflow_provider.runner.observing.progress_document import progress_document
from airflow_provider.runner.observing.progress_history import with_earlier
from airflow_provider.runner.record.progress_record import (
    AttemptOverview,
    AttemptState,
    CostSuspicion,
    ProgressAction,
    ProgressError,
    ProgressRequest,
    ProgressState,
    SparkCosts,
)
from tests.samples.harness.progress_rows import NOW, row, snapshot

MOST = 48_000
"""Characters, as Airflow counts them."""


def nulls(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(nulls, data.values()))
    return any(map(nulls, data)) if isinstance(data, list) else data is None


def test_a_small_pipeline_is_told_as_the_contract_has_it() -> None:
    """Every field under its name, columns of the same length, and what is not known is left out."""
    error = ProgressError("ValueError: no", 1, "jobs/etl.py:42, in clean: x", "more", "raise it")
    attempt = AttemptOverview(2, 2, "2026-11-30T19:29:00.000Z", state=AttemptState.FAILED, error=error)
    rows = [
        row("load", ProgressState.REUSED, action=ProgressAction.REUSE, reason="completed in attempt 1", seconds=12.3),
        row("clean", ProgressState.FAILED, needs=(0,), began=0.51, seconds=2.0, sql=17, costs=SparkCosts(tasks=3)),
        row("join", ProgressState.NOT_RUN, needs=(0, 1)),
    ]
    found = progress_document(snapshot(rows, attempt=attempt, fingerprints={"load": "ab" * 32}), NOW)

    assert found == {
        "format": 1,
        "pipeline": "etl",
        "run_id": "manual__1",
        "written_at": "2026-11-30T19:30:00.123Z",
        "attempt": {
            "number": 2,
            "try_number": 2,
            "began_at": "2026-11-30T19:29:00.000Z",
            "state": "failed",
            "error": {
                "headline": "ValueError: no",
                "component": 1,
                "where": "jobs/etl.py:42, in clean: x",
                "detail": "more",
                "remedy": "raise it",
            },
        },
        "names": ["load", "clean", "join"],
        "needs": [[], [0], [0, 1]],
        "states": "rfn",
        "actions": "rxx",
        "reason_texts": ["completed in attempt 1", "no checkpoint yet"],
        "reasons": [0, 1, 1],
        "began": [-1, 0.51, -1],
        "seconds": [12.3, 2.0, -1],
        "folded": 0,
        "details": {"1": {"costs": {"tasks": 3}, "sql": 17}, "0": {"config": "abababababab"}},
    }


def test_a_thousand_components_fit_with_all_their_times() -> None:
    """Usual names keep every component in the columns; details are for those of which people ask first."""
    rows = [row(f"step_{n:04}", needs=(n - 1,) if n else (), began=n * 1.5) for n in range(998)]
    rows += [row("slow", seconds=900.0, suspicion=CostSuspicion("skew", "one task")), row("now", ProgressState.RUNNING)]
    found = progress_document(snapshot(rows), NOW)

    assert json_size(found) <= MOST
    assert len(found["names"]) == len(set(found["names"])) == 1000
    assert found["folded"] == 0
    assert "998" in found["details"]


def test_what_is_completed_is_folded_before_anything_that_runs_or_waits() -> None:
    """Its number and its time stay. With more that waits than fits, the last ones are folded, too."""
    rows = [row(f"a_rather_long_name_of_a_step_{n:05}") for n in range(2_000)]
    rows += [row(f"later_{n}", ProgressState.WAITING) for n in range(100)]
    found = progress_document(snapshot(rows), NOW)
    assert json_size(found) <= MOST
    assert found["states"].count("w") == 100
    assert found["folded"] == 2_100 - len(found["names"])
    assert found["folded_seconds"] == pytest.approx(found["folded"] * 12.34, abs=0.1)

    found = progress_document(snapshot([row(f"later_{n}", ProgressState.WAITING) for n in range(5_000)]), NOW)
    assert json_size(found) <= MOST
    assert (found["folded"], found["folded_waiting"]) == (0, 5_000 - len(found["names"]))
    assert found["names"][0] == "later_0"


def test_requests_what_if_and_earlier_attempts_get_their_part_before_details() -> None:
    """In a large pipeline, too: they are what a person acts on."""
    rows = [row(f"s{n}") for n in range(500)]
    what_if = {"as_of": "x", "resume": "500r", "from": {str(n): f"{n}r{500 - n}x" for n in range(500)}, "only": {}}
    earlier = [
        {
            "number": n,
            "try_number": n,
            "states": "c" * 500,
            "began": [1.5] * 500,
            "names": [f"s{n}" for n in range(500)],
        }
        for n in (1, 0)
    ]
    requests = tuple(ProgressRequest(f"restart from 's{n}'", "a command", "waiting") for n in range(20))
    found = with_earlier(progress_document(snapshot(rows, what_if=what_if, requests=requests), NOW), earlier)

    assert json_size(found) <= MOST
    assert len(found["requests"]) == 10
    assert len(found["what_if"]["from"]) > 100
    assert [entry["number"] for entry in found["earlier"]] == [1, 0]
    assert "names" not in found["earlier"][0]
    assert len(found["details"]) > 10


NAMES = st.text(min_size=1, max_size=300)
STATES = st.sampled_from(list(ProgressState))


@settings(max_examples=25)
@given(
    names=st.lists(NAMES, min_size=1, max_size=60, unique=True),
    texts=st.lists(st.text(max_size=3_000), min_size=1, max_size=5),
    times=st.integers(1, 40),
    state=STATES,
    seed=st.integers(0, 2**30),
)
def test_no_content_makes_it_too_large_or_unstorable(
    names: list[str], texts: list[str], times: int, state: ProgressState, seed: int
) -> None:
    """Whatever names, reasons and errors hold: at most 48,000 characters, valid JSON, no nulls, names distinct."""
    draw = random.Random(seed)
    rows = [
        row(
            f"{name}{copy}",
            draw.choice([state, ProgressState.COMPLETED]),
            reason=draw.choice(texts),
            against_usual=texts[0],
            sources=tuple(texts),
        )
        for copy in range(times)
        for name in names
    ][:1_500]
    attempt = AttemptOverview(2, 2, "x", how=texts[0], error=ProgressError(texts[0], 0, texts[0], texts[-1], texts[-1]))
    requests = tuple(ProgressRequest(text, text, text, text) for text in texts)
    fields = {"attempt": attempt, "requests": requests, "pipeline": names[0], "run_id": names[-1] * 20}
    found = with_earlier(
        progress_document(snapshot(rows, **fields), NOW), [{"number": n, "try_number": n} for n in range(3, times)]
    )

    text = json.dumps(found, allow_nan=False)
    assert len(text) <= MOST
    assert not nulls(found)
    assert len(set(found["names"])) == len(found["names"]) == len(found["states"]) == len(found["needs"])
    text.encode()
    json.dumps(found, ensure_ascii=False).encode("utf-8")  # no halves of characters
    assert "\\u0000" not in text


@given(names=st.lists(NAMES, min_size=1, max_size=30), most=st.integers(30, 80))
def test_cut_names_are_distinct_and_short(names: list[str], most: int) -> None:
    """Also if one is named as another would be cut."""
    first = cut_names(names, most)
    for found in (first, cut_names([*names, *first], most)):
        assert len(set(found)) == len(found)
    assert all(json_size(name) - 2 <= most for name in first)


@given(text=st.text(max_size=300), most=st.integers(20, 400))
def test_a_cut_text_is_the_beginning(text: str, most: int) -> None:
    """And what is small enough stays as it is."""
    found = cut_text(text, most)
    assert json_size(found) - 2 <= most
    assert found == text or text.startswith(found.removesuffix("…"))
    assert found == text or json_size(text) - 2 > most
