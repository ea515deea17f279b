"""Invariants 1, 2 and 6, with a process for each attempt: wherever a run fails, it ends as if it had not.

The torture pipeline is in ``steps.py``. All pairs take about an hour, so these tests run only on request:
``pytest -m torture``.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from tests.reliability.attempts import check
from tests.reliability.steps import WORK

pytestmark = pytest.mark.torture

REPLAYED = ("read", "function", "clean")
"""Components that auto replays, so they can fail after they had completed."""


@pytest.mark.parametrize("component", WORK)
def test_a_failure_after_any_component_changes_nothing_in_the_end(
    reference: dict[str, list[str]], tmp_path: Path, component: str
) -> None:
    check(tmp_path, reference, component)


@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(WORK, 2)))
def test_any_two_failures_change_nothing_in_the_end(
    reference: dict[str, list[str]], tmp_path: Path, first: str, second: str
) -> None:
    check(tmp_path, reference, first, second)


@pytest.mark.parametrize("replayed", REPLAYED)
@pytest.mark.parametrize("first", ["write_clean", "zone"])
def test_a_component_that_fails_while_it_is_replayed_stays_complete(
    reference: dict[str, list[str]], tmp_path: Path, first: str, replayed: str
) -> None:
    check(tmp_path, reference, first, replayed)
