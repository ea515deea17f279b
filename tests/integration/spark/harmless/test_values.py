"""Invariant 11: components whose views come out differently, or that leave more than views."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.spark.harmless.case import Case, judge, lost, replayed, saved
from tests.integration.spark.harmless.world import World, posts


def grow(world: World) -> None:
    with world.csv.open("a") as file:
        file.write("3,cy\n")


def remove(world: World) -> None:
    Path(world.csv).unlink()


def tomorrow(world: World) -> None:
    os.environ["SHOP_DAY"] = "tuesday"


CASES = [
    saved("values.random_view", "not deterministic"),
    saved("values.current_time_view", "current time", redrawn=True),
    saved("values.time_ns", "time.time_ns"),
    saved("values.now", "datetime.now"),
    saved("values.uuid4", "uuid"),
    saved("values.random_number", "random"),
    saved("values.random_number_of_numpy", "random"),
    saved("values.shared_dice", "DICE"),
    saved("values.random_bytes", "urandom"),
    saved("values.file_length", "getsize", source="{csv}", between=grow),
    saved("values.file_time", "st_mtime_ns", source="{csv}", between=grow),
    saved("values.file_exists", "exists", source="{csv}", between=remove),
    saved("values.environment", "environ", between=tomorrow),
    saved("values.environment_by_getenv", "getenv", between=tomorrow),
    saved("values.host_name", "gethostname"),
    saved("values.node_name", "platform"),
    saved("values.process_id", "getpid"),
    saved("values.application_id", "applicationId"),
    saved("values.module_state", "CALLS"),
    saved("values.order_of_a_set", "order of a set"),
    replayed("values.sorted_set"),
    replayed("values.stable_values"),
    replayed("values.variable"),
    replayed("values.secret_setting", "spark.shop.password"),
    replayed("values.setting"),
    saved("values.variable_and_post", "requests", url="{url}", count=posts),
    saved("values.secret_setting_and_post", "requests", url="{url}", count=posts),
    lost("values.setting_and_post", "my.country", "requests", url="{url}", count=posts),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_view_comes_out_the_same(case: Case, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row says what is expected."""
    monkeypatch.setenv("SHOP_DAY", "monday")
    judge(case, world)
