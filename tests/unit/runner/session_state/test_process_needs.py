"""Who needs what a component left in the process: the code of a later one against what was left."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner.fingerprint.code import read_code
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds import (
    AUTHOR_STATE,
    CURRENT_DIRECTORY,
    ENVIRONMENT_VARIABLES,
    IMPORT_PATH,
    LIBRARY_ATTRIBUTES,
    PROCESS_STATE,
)
from airflow_provider.runner.session_state.kinds.process_state_kind import LeftInProcess, Need, ProcessStateKind
from tests.samples.components.shop import process, write
from tests.samples.pipelines import component

HEAD = "import os, json\nimport jobs\nfrom pathlib import Path\nNAME = 'LEFT'\ndef run(spark):\n    "
YES, MAYBE, NO = Need.YES, Need.MAYBE, Need.NO


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Callable[[str], CodeReading]]:
    with process(tmp_path):

        def load(body: str) -> CodeReading:
            write(tmp_path, {"jobs.py": "CACHE = {}\nclass Shop:\n    rate = 1\n", "orders.py": HEAD + body})
            importlib.invalidate_caches()
            target: Any = importlib.import_module("orders").run
            return read_code(target, roots=[tmp_path])

        yield load


NEEDS = [
    (ENVIRONMENT_VARIABLES, "LEFT", "return os.environ['LEFT']", YES),
    (ENVIRONMENT_VARIABLES, "left", "return os.getenv('left')", YES),
    (ENVIRONMENT_VARIABLES, "LEFT", "return os.environ[NAME]", YES),
    (ENVIRONMENT_VARIABLES, "LEFT", "return os.environ['RIGHT']", NO),
    (ENVIRONMENT_VARIABLES, "LEFT", "os.environ['RIGHT'] = '1'", NO),
    (ENVIRONMENT_VARIABLES, "LEFT", "return dict(os.environ)", MAYBE),
    (ENVIRONMENT_VARIABLES, "LEFT", "import subprocess; subprocess.run('x')", MAYBE),
    (ENVIRONMENT_VARIABLES, "RIGHT", "exec(spark.x)", MAYBE),
    (ENVIRONMENT_VARIABLES, "LEFT", "spark.range(1).createOrReplaceTempView('v')", NO),
    (ENVIRONMENT_VARIABLES, "TZ", "spark.range(1).createOrReplaceTempView('v')", MAYBE),
    (ENVIRONMENT_VARIABLES, "AWS_PROFILE", "return 1", MAYBE),
    (IMPORT_PATH, "/x", "import left_elsewhere", YES),
    (IMPORT_PATH, "/x", "import json as j; return j.dumps(1)", NO),
    (IMPORT_PATH, "/x", "__import__(spark.x)", MAYBE),
    (CURRENT_DIRECTORY, "d", "return open('x').read()", MAYBE),
    (CURRENT_DIRECTORY, "d", "return Path('x').read_text()", MAYBE),
    (CURRENT_DIRECTORY, "d", "return os.getcwd()", MAYBE),
    (CURRENT_DIRECTORY, "d", "spark.read.csv('x').createOrReplaceTempView('v'); print(json.dumps(1))", NO),
    (AUTHOR_STATE, "jobs.CACHE", "return jobs.CACHE", YES),
    (AUTHOR_STATE, "jobs.CACHE", "jobs.CACHE['x'] = 1", NO),
    (AUTHOR_STATE, "jobs.CACHE", "jobs.CACHE['x'] += 1", YES),
    (AUTHOR_STATE, "jobs.CACHE", "jobs.CACHE.append(1)", NO),
    (AUTHOR_STATE, "jobs.CACHE", "return jobs.CACHE.append(1)", YES),
    (AUTHOR_STATE, "jobs.CACHE", "jobs.CACHE['x'].append(1)", YES),
    (AUTHOR_STATE, "jobs.CACHE", "jobs.CACHE.setdefault('x', 1)", YES),
    (AUTHOR_STATE, "jobs.CACHE", "return jobs.Shop", NO),
    (AUTHOR_STATE, "jobs.NEW", "return jobs.NEW", YES),
    (AUTHOR_STATE, "jobs.Shop.rate", "return jobs.Shop().rate", YES),
    (AUTHOR_STATE, "jobs.CACHE", "return getattr(spark, spark.x)", MAYBE),
    (LIBRARY_ATTRIBUTES, "pandas.DataFrame.to_x", "return spark.table('t').to_x()", YES),
    (LIBRARY_ATTRIBUTES, "pandas.DataFrame.to_x", "return spark.table('t').to_y()", NO),
    (LIBRARY_ATTRIBUTES, "pandas.DataFrame.to_x", "return getattr(spark, spark.x)", MAYBE),
]


@pytest.mark.parametrize(("kind", "name", "body", "need"), NEEDS, ids=[f"{n[1]} in {n[2]}" for n in NEEDS])
def test_the_code_tells_who_needs_it(
    kind: ProcessStateKind, name: str, body: str, need: Need, read: Callable[[str], CodeReading]
) -> None:
    assert kind.need_of(read(body), component("c"), LeftInProcess(name, is_new=True)) is need


@pytest.mark.parametrize("kind", PROCESS_STATE, ids=lambda kind: kind.name)
def test_code_that_cannot_be_read_may_need_it(kind: ProcessStateKind) -> None:
    assert kind.need_of(None, component("c"), LeftInProcess("x")) is MAYBE


def test_a_variable_that_the_config_names_is_needed(read: Callable[[str], CodeReading]) -> None:
    named = component("c").model_copy(update={"config": {"token": ["from LEFT"]}})
    assert ENVIRONMENT_VARIABLES.need_of(read("return 1"), named, LeftInProcess("LEFT")) is YES


@pytest.mark.parametrize("found", [None, 1, "x", [], {"a": 1}, {"a": {"digest": 1, "new": "x"}}, {"x" * 9_999: {}}])
def test_a_record_that_somebody_has_edited_is_read(found: Any) -> None:
    """At worst a component runs again."""
    record = SessionStateRecord(handling="kept", reason="", parts={ENVIRONMENT_VARIABLES.name: found})
    for left in ENVIRONMENT_VARIABLES.left(record):
        assert len(ENVIRONMENT_VARIABLES.words(left)) < 1_000
        assert not left.is_new
