"""Invariant 11: components whose Python code runs on the executors."""

from __future__ import annotations

import pytest

from tests.integration.spark.harmless.case import Case, judge, replayed, saved
from tests.integration.spark.harmless.world import World, lines, posts

LINES = {"path": "{lines}", "count": lines, "effects": 5}
POSTS = {"url": "{url}", "count": posts, "effects": 5}
# Spark computes a lazy view for its copy and for its reader before the failure. The reader after it reads the copy.
LAZY_LINES, LAZY_POSTS = {**LINES, "effects": 10}, {**POSTS, "effects": 10}

CASES = [
    saved("on_executors.foreach", "outside", **LINES),
    saved("on_executors.foreach_partition", "outside", **LINES),
    saved("on_executors.foreach_of_an_rdd", "outside", **LINES),
    replayed("on_executors.map_in_pandas"),
    replayed("on_executors.map_in_pandas_and_count"),
    saved("on_executors.map_in_pandas_that_acts", "open", **LAZY_LINES),
    saved("on_executors.map_in_pandas_that_acts_at_once", "open", **LINES),
    saved("on_executors.append_csv_in_pandas", "to_csv", **LAZY_LINES),
    replayed("on_executors.udf"),
    replayed("on_executors.udf_in_an_action"),
    replayed("on_executors.lambda_udf_in_an_action"),
    replayed("on_executors.pandas_udf"),
    replayed("on_executors.group_and_apply"),
    saved("on_executors.udf_that_posts", "requests", **LAZY_POSTS),
    saved("on_executors.cached_udf_that_posts", "requests", **POSTS),
    saved("on_executors.udf_that_posts_at_once", "requests", **POSTS),
    replayed("on_executors.register_a_udf", "plus_one"),
    saved("on_executors.register_a_udf_that_posts", "requests", **POSTS),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_acts_on_executors_happens_once_and_the_rest_is_replayed(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)


SAID = [
    *[case for case in CASES if case.effects == 10],
    saved("on_executors.udf_that_posts", "save", **LAZY_POSTS, fields={"session_state": "save"}),
]
NOT_SAID = [
    saved("on_executors.cached_udf_that_posts", "requests", **POSTS),
    saved("on_executors.udf_that_posts_at_once", "requests", **POSTS),
    saved("on_executors.map_in_pandas_that_acts_at_once", "open", **LINES),
    saved("on_executors.foreach", "outside", **LINES),
    saved("on_executors.udf", "save", fields={"session_state": "save"}),
]


@pytest.mark.parametrize(("case", "times"), [(c, 1) for c in SAID] + [(c, 0) for c in NOT_SAID], ids=str)
def test_it_is_said_that_saving_a_view_runs_its_python_code_once_more(
    case: Case, times: int, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """That is not so in plain Spark, and its author may have to know. A cached view is computed once for all."""
    judge(case, world)
    said = "it: saving view 'v' ran its Python code on executors, and each reader runs it again"
    assert sum(record.getMessage().startswith(said) for record in caplog.records) == times
