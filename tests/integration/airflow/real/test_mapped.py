"""Mapped tasks and several runs of one DAG at the same time."""

from __future__ import annotations

from typing import Any

import pytest

INDICES = range(4)


@pytest.mark.real_airflow
def test_only_the_failing_index_resumes(scene: Any) -> None:
    """Four mapped instances in two runs at once: none touches the checkpoint of another (invariant 7)."""
    failing = {1: 2, 2: 0}
    runs = {number: scene.run("mapped", number) for number in failing}
    for number, index in failing.items():
        runs[number].index(index).fail("b")
        scene.trigger(runs[number])

    for number, run in runs.items():
        run.wait_for_end("success")
        for index in INDICES:
            instance = run.index(index)
            failed = index == failing[number]
            assert instance.executed == (["a b", "b c"] if failed else ["a b c"])
            assert instance.repeated == []
            assert instance.text("c") == "abc"
            assert instance.plan == {"a": "REUSE" if failed else "RUN", "b": "RUN", "c": "RUN"}
            assert instance.instance["try_number"] == (2 if failed else 1)
            assert instance.first_line(1).startswith("first attempt")
            if failed:
                assert instance.first_line(2).startswith("retry")
