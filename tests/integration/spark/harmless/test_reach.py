"""Invariant 11: components whose code has to be followed to see what they do."""

from __future__ import annotations

import pytest

from tests.integration.spark.harmless.acts import reach
from tests.integration.spark.harmless.case import ACTS, Case, judge, replayed, saved
from tests.integration.spark.harmless.world import World, lines, posts

LINES = {"path": "{lines}", "count": lines}


def connect(world: World) -> None:
    """Connect the module's client, so that posting with it opens no socket."""
    reach.SESSION.get(world.url, timeout=10)


CASES = [
    saved("reach.post_with_a_global_client", "requests", url="{url}", before=connect, count=posts),
    saved("reach.post_with_a_default_argument", "requests", url="{url}", before=connect, count=posts),
    saved("reach.by_a_method_caller", "requests", url="{url}", before=connect, count=posts),
    saved("reach.write_with_a_global_client", "pyarrow", **LINES),
    saved("reach.write_with_a_default_argument", "pyarrow", **LINES),
    saved("reach.getattr_by_a_computed_name", "getattr", **LINES),
    saved("reach.import_by_a_variable", "import_module", module=f"{ACTS}.far.three", **LINES),
    saved("reach.call_what_the_config_names", "import_module", function=f"{ACTS}.far.three.append_silently", **LINES),
    saved("reach.execute_text", "exec", **LINES),
    saved("reach.look_up_in_globals", "globals", **LINES),
    saved("reach.three_modules_away", "pyarrow", **LINES),
    replayed("reach.three_modules_away_and_harmless"),
    saved("reach.InABaseClass", "pyarrow", **LINES),
    replayed("reach.InAHarmlessBaseClass"),
    saved("reach.WhenItIsBuilt", "pyarrow", **LINES),
    saved("reach.WhenItIsClosed", "pyarrow", **LINES),
    saved("reach.InAProperty", "pyarrow", **LINES),
    saved("reach.InAnAttribute", "pyarrow", **LINES),
    saved("reach.in_a_decorator", "pyarrow", **LINES),
    replayed("reach.in_a_harmless_decorator"),
    saved("reach.in_a_lambda", "pyarrow", **LINES),
    saved("reach.in_a_table_of_lambdas", "pyarrow", **LINES),
    saved("reach.in_a_partial", "pyarrow", **LINES),
    saved("reach.in_a_context_manager", "pyarrow", **LINES),
    saved("reach.in_a_closure", "pyarrow", **LINES),
    saved("reach.at_exit", "atexit", path="{lines}", count=lines, effects=0),
    replayed("unused.imports_requests_and_does_not_use_it"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_its_code_reaches_happens_once_and_the_rest_is_replayed(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)
