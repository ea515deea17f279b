"""At most one sentence of what may make a component slow, and only where it matters."""

from __future__ import annotations

import pytest

from airflow_provider.runner.observing.cost_suspicion import suspicion_of
from airflow_provider.runner.record.progress_record import LongestStage, SparkCosts, SparkUsage


def usage(longest: LongestStage | None = None, *, python: bool = False, **costs: float) -> SparkUsage:
    return SparkUsage(SparkCosts(**{"cpu_seconds": 90.0, "run_seconds": 100.0, **costs}), longest, python)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (usage(LongestStage(200, 400.0, 390.0, 60.0, 2.0)), "skew"),
        (usage(LongestStage(200, 400.0, 390.0, 8.0, 2.0)), None),  # quick, whatever the ratio
        (usage(LongestStage(200, 400.0, 390.0, None, None)), None),  # too many tasks to look at each
        (usage(LongestStage(1, 95.0, 90.0, 95.0, 95.0)), "one_partition"),
        (usage(LongestStage(1, 20.0, 18.0, 20.0, 20.0)), None),
        (usage(spilled_bytes=5 * 2**30), "spill"),
        (usage(spilled_bytes=5 * 2**20), None),
        (usage(python=True, cpu_seconds=10.0, run_seconds=200.0), "python"),
        (usage(python=True, cpu_seconds=150.0, run_seconds=200.0), None),
        (usage(python=False, cpu_seconds=10.0, run_seconds=200.0), None),
        (None, None),
    ],
)
def test_the_figures_decide(found: SparkUsage | None, kind: str | None) -> None:
    """Of a component that ran for 100 seconds."""
    suspicion = suspicion_of(found, 100.0)
    assert (suspicion and suspicion.kind) == kind
    assert suspicion_of(found, 9.0) is None


def test_the_sentence_says_what_is_wrong_and_what_to_do() -> None:
    found = suspicion_of(usage(LongestStage(200, 400.0, 390.0, 125.0, 2.0)), 200.0)
    assert found is not None
    assert found.text == (
        "one task of its longest stage took 2 min 05 s, most took 2.0 s: the data is skewed. Spread the frequent "
        "keys, or filter them out before the join or the grouping"
    )
