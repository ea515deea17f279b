"""Invariant 13: what components see and leave follows from the graph, whatever order a scheduler forces on them.

Each graph is drawn from a seed and runs one component at a time and with four side by side, whose steps take turns in a
random order, with failures and resumes. Both must see and leave the same, or say the same of what contradicts itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reliability.random_graphs.graph_author import draw
from tests.reliability.random_graphs.graph_judge import GraphJudge

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PARTS = 10


@pytest.fixture
def judge(spark: SparkSession, tmp_path: Path) -> GraphJudge:
    return GraphJudge(spark, tmp_path)


def check(judge: GraphJudge, seed: str, first: int, number: int) -> None:
    wrong = []
    for place in range(first, first + number):
        graph = draw(f"{seed.split()[0]}/{place}")
        if found := judge.differences(graph):
            wrong.append("\n".join([str(graph), *(f"  WRONG: {line}" for line in found)]))
    print(dict(judge.counts))
    assert not wrong, "\n\n".join(wrong[:5])
    assert judge.counts["REUSE"]
    assert judge.counts["REPLAY"]
    assert judge.counts["conflicts"]


def test_a_seed_says_everything() -> None:
    assert str(draw("1/2")) == str(draw("1/2"))
    assert len({str(draw(f"1/{number}")) for number in range(50)}) == 50


def test_thirty_random_graphs(judge: GraphJudge, seed: str) -> None:
    check(judge, seed, 0, 30)


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_five_hundred_random_graphs(judge: GraphJudge, seed: str, part: int) -> None:
    check(judge, seed, 1000 * (part + 1), 500 // PARTS)
