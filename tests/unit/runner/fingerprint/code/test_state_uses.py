"""What code reads and writes of its process, as far as it can be read."""

# ruff: noqa: E501 - a module in one line can be seen at a glance
from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner.fingerprint.code import read_code
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from tests.samples.components.shop import process, write

JOBS = """
CACHE = {}
RATE = 1
class Shop:
    rate = 1
STATE = Shop()
"""
SHOPS = """
class Busy:
    rate = 1
    seen = {}
    def note(self): self.seen['x'] = 1
    def name(self): self.mine = 1
    def other(self): type(self).rate = 2
    @classmethod
    def third(cls): cls.rate = 3
"""
HEAD = "import os, sys\nfrom os import environ\nimport jobs\nfrom jobs import CACHE, Shop\nimport pandas\nCOUNT = 0\nNAME = 'LEFT'\ndef run(spark):\n    "


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Callable[[str], CodeReading]]:
    """Read a component whose body is given."""
    with process(tmp_path):

        def load(body: str, name: str = "orders") -> CodeReading:
            write(tmp_path, {"jobs.py": JOBS, "shops.py": SHOPS, f"{name}.py": HEAD + body.replace("\n", "\n    ")})
            importlib.invalidate_caches()
            target: Any = importlib.import_module(name).run
            return read_code(target, roots=[tmp_path])

        yield load


WRITES = {
    "CACHE['x'] = 1": {("module", "jobs.CACHE", False)},
    "jobs.CACHE['x'] = 1": {("module", "jobs.CACHE", False)},
    "jobs.CACHE['x']['y'] = 1": {("module", "jobs.CACHE", True)},
    "jobs.CACHE['x'] += 1": {("module", "jobs.CACHE", True)},
    "del CACHE['x']": {("module", "jobs.CACHE", True)},
    "CACHE.update(x=1)": {("module", "jobs.CACHE", False)},
    "CACHE.setdefault('x', 1)": {("module", "jobs.CACHE", True)},
    "for CACHE['x'] in [1]: pass": {("module", "jobs.CACHE", False)},
    "with spark as CACHE['x']: pass": {("module", "jobs.CACHE", False)},
    "CACHE['x'], y = 1, 2": {("module", "jobs.CACHE", False)},
    "jobs.RATE = 2": {("module", "jobs.RATE", False)},
    "jobs.RATE += 2": {("module", "jobs.RATE", True)},
    "jobs.NEW = 2": {("module", "jobs.NEW", False)},
    "setattr(jobs, 'NEW', 2)": {("module", "jobs.NEW", False)},
    "global COUNT\nCOUNT = 1": {("module", "orders.COUNT", False)},
    "global COUNT\nCOUNT += 1": {("module", "orders.COUNT", True)},
    "COUNT = 1": set(),
    "Shop.rate = 2": {("module", "jobs.Shop.rate", False)},
    "jobs.Shop.rate = 2": {("module", "jobs.Shop.rate", False)},
    "setattr(Shop, spark.name, 2)": {("module", "jobs.Shop.*", False)},
    "jobs.STATE.rate = 2": {("module", "jobs.STATE", False)},
    "run.calls = 1": {("module", "orders.run.calls", False)},
    "pandas.DataFrame.to_x = len": {("library", "pandas.DataFrame.to_x", False)},
    "setattr(pandas.DataFrame, 'to_x', len)": {("library", "pandas.DataFrame.to_x", False)},
    "setattr(pandas.DataFrame, spark.name, len)": {("library", "pandas.DataFrame.*", False)},
    "setattr(spark, 'x', len)": {("library", "x", False)},
    "spark.x = 1": set(),
    "os.environ['A'] = '1'": set(),
}


@pytest.mark.parametrize("body", WRITES, ids=WRITES)
def test_what_code_writes_is_known(read: Callable[[str], CodeReading], body: str) -> None:
    found = {(use.area, use.name, use.builds_on) for use in read(body).state_writes}
    assert found == WRITES[body]


def test_a_class_writes_its_attributes_and_those_of_its_objects_do_not_count(
    read: Callable[[str], CodeReading],
) -> None:
    writes = {use.name for use in read("import shops\nshops.Busy()").state_writes}
    assert writes == {"shops.Busy.seen", "shops.Busy.rate"}


READS = {
    "return CACHE['x']": {("module", "jobs.CACHE")},
    "return jobs.CACHE.get('x')": {("module", "jobs.CACHE")},
    "CACHE['x'] = 1": set(),
    "CACHE['x'] = len(CACHE)": {("module", "jobs.CACHE")},
    "CACHE['x'] += 1": {("module", "jobs.CACHE")},
    "CACHE.append(1)": set(),
    "return CACHE.pop()": {("module", "jobs.CACHE")},
    "return jobs.NEW": {("module", "jobs.NEW")},
    "return Shop.rate": {("module", "jobs.Shop.rate")},
    "return os.environ['a']": {("environment", "a")},
    "return environ.get('a', 'b')": {("environment", "a")},
    "return os.getenv('a')": {("environment", "a")},
    "return 'a' in os.environ": {("environment", "a")},
    "return os.environ.pop('a')": {("environment", "a")},
    "os.environ.pop('a')": set(),
    "os.environ.setdefault('a', 'b')": {("environment", "a")},
    "return os.environ[spark.name]": {("environment", "*")},
    "return dict(os.environ)": {("environment", "*")},
    "return [x for x in environ]": {("environment", "*")},
    "os.environ['a'] = 'b'": set(),
    "os.environ.update(a='b')": set(),
    "del environ['a']": set(),
    "return os.environ[NAME]": {("environment", "*"), ("module", "orders.NAME"), ("text", "LEFT")},
    "return spark.conf.get('LEFT')": {("text", "LEFT")},
}


@pytest.mark.parametrize("body", READS, ids=READS)
def test_what_code_reads_is_known(read: Callable[[str], CodeReading], body: str) -> None:
    assert {(use.area, use.name) for use in read(body).state_reads} == READS[body]


SETS_ONLY = {
    "jobs.CACHE['x'] = 1": True,
    "jobs.CACHE.update(x=1)": True,
    "jobs.CACHE.clear()\njobs.CACHE['x'] = 1": True,
    "jobs.CACHE['x'] = 1\nreturn jobs.CACHE": False,
    "jobs.CACHE.setdefault('x', 1)": False,
    "jobs.CACHE.append(1)": False,
    "return jobs.CACHE": False,
}


@pytest.mark.parametrize("body", SETS_ONLY, ids=SETS_ONLY)
def test_a_value_that_does_not_follow_from_the_old_one_is_known(read: Callable[[str], CodeReading], body: str) -> None:
    """Another run sets the same value, whatever was there before."""
    assert read(body).only_sets("jobs.CACHE") is SETS_ONLY[body]


def test_setting_a_variable_asks_for_none(read: Callable[[str], CodeReading]) -> None:
    """So it does not count as reading the environment, which may be another one in the next attempt."""
    names = {found.name for found in read("os.environ['A'] = '1'\nenviron.update(B='1')\ndel os.environ['C']").foreign}
    assert names == {"os.environ.__setitem__"}
    assert "os.environ.get" in {found.name for found in read("os.environ.get('A')", "others").foreign}


def test_the_fingerprint_is_that_of_the_code(read: Callable[[str], CodeReading]) -> None:
    """Whether code reads or sets a variable is part of it."""
    assert read("os.environ['A']").fingerprint != read("os.environ['A'] = '1'", "others").fingerprint


@pytest.mark.parametrize(
    ("body", "has_all"),
    [("return jobs.CACHE", True), ("return getattr(spark, spark.name)", False), ("exec('x')", False)],
)
def test_code_whose_names_are_not_all_known_says_so(
    read: Callable[[str], CodeReading], body: str, has_all: bool
) -> None:
    assert read(body).has_all_names is has_all
