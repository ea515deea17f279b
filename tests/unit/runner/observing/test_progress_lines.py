"""What a terminal shows of a progress document."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner.observing.progress_lines import progress_lines

DOCUMENT: dict[str, Any] = {
    "format": 1,
    "pipeline": "etl",
    "attempt": {
        "number": 2,
        "try_number": 2,
        "state": "failed",
        "began_at": "2026-11-30T19:30:00.123Z",
        "ended_at": "2026-11-30T19:40:00.000Z",
        "asked_by": "alice",
        "how": "retry after an unfinished attempt",
        "error": {"headline": "ValueError: no"},
    },
    "names": ["load", "join", "write"],
    "states": "rfn",
    "seconds": [12.0, 125.0, -1],
    "usual": [11.0, 40.0, -1],
    "details": {
        "1": {
            "costs": {
                "cpu_seconds": 61.0,
                "input_rows": 1_200_000,
                "input_bytes": 34_000_000,
                "spilled_bytes": 4 * 10**9,
            },
            "against_usual": "3.1 × its usual time of 40.0 s",
            "suspicion": {"kind": "spill", "text": "it wrote 4.0 GB to disk"},
        }
    },
    "folded": 0,
    "earlier": [{"number": 1, "state": "failed", "began_at": "2026-11-30T19:00:00.000Z"}],
}


def test_a_document_is_shown_as_a_table_with_what_is_unusual_and_the_attempts_before() -> None:
    """Columns of which nothing is known are left out."""
    assert progress_lines(DOCUMENT) == [
        "attempt 2: failed, began 2026-11-30T19:30:00.123Z; ended 2026-11-30T19:40:00.000Z; asked for by alice; "
        "retry after an unfinished attempt; ValueError: no",
        "component   state     time         usual time   CPU          rows read             spilled",
        "─" * 90,
        "load        reused    12.0 s       11.0 s",
        "join        FAILED    2 min 05 s   40.0 s       1 min 01 s   1,200,000 (34.0 MB)   4.0 GB",
        "write       not run",
        "join: 3.1 × its usual time of 40.0 s",
        "join: it wrote 4.0 GB to disk",
        "attempt 1: failed, began 2026-11-30T19:00:00.000Z",
    ]
    assert progress_lines(None) == []


@pytest.mark.parametrize(
    "edited",
    [
        "x",
        {},
        [],
        {**DOCUMENT, "states": "r"},
        {**DOCUMENT, "seconds": ["x"] * 3},
        {**DOCUMENT, "attempt": []},
        {**DOCUMENT, "states": "??q"},
    ],
)
def test_a_row_that_was_edited_is_said_to_be_so(edited: Any) -> None:
    """Also a reference to where a state store backend keeps the value."""
    assert progress_lines(edited) == [
        "progress: not readable here; it was edited, or a state store backend keeps it elsewhere"
    ]
