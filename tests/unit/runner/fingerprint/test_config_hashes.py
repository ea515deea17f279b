"""Fingerprints: what counts, what does not, and what a person is told about a difference (invariants 7 and 8)."""

from __future__ import annotations

import contextlib
import copy
import datetime
import decimal
import pathlib
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner import PipelineConfig, compute_pipeline_fingerprint, load_pipeline_config
from airflow_provider.runner.fingerprint.config_changes import compare_config
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes

ANY = "tests.samples.components.basic.scripted"
OTHER = "tests.samples.components.basic.NoConfig"

BASE: dict[str, Any] = {
    "name": "p",
    "components": [
        {"name": "a", "class_path": ANY, "config": {"name": "a", "deep": {"list": [1, {"key": "value"}]}}},
        {"name": "b", "class_path": ANY, "config": {"name": "b"}, "depends_on": ["a"]},
    ],
}


def fingerprint(config: dict[str, Any]) -> str:
    return compute_pipeline_fingerprint(PipelineConfig.model_validate(config))


def edited(path: str, value: Any) -> dict[str, Any]:
    """BASE with one value changed, named by a path such as ``components/0/enabled``."""
    config = copy.deepcopy(BASE)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    target: Any = config
    for part in parents:
        target = target[part]
    target[last] = value
    return config


def of_config(config: dict[Any, Any]) -> str:
    """The fingerprint of a pipeline whose only component has this config."""
    return fingerprint({"name": "p", "components": [{"name": "a", "class_path": ANY, "config": config}]})


def test_a_fingerprint_is_64_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(BASE))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("components/1/name", "c"),
        ("components/0/class_path", OTHER),
        ("components/0/config", {}),
        ("components/0/config/name", "A"),
        ("components/0/config/more", None),
        ("components/0/config/deep/list/0", 2),
        ("components/0/config/deep/list/0", "1"),
        ("components/0/config/deep/list/1/key", "other"),
        ("components/0/config/deep/list/1", [["key", "value"]]),
        ("components/1/depends_on", []),
        ("components/0/enabled", False),
    ],
)
def test_whatever_decides_what_a_component_does_counts(path: str, value: Any) -> None:
    assert fingerprint(edited(path, value)) != fingerprint(BASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "2"),
        ("tags", {"team": "data"}),
        ("environment", "prod"),
        ("spark", {"executor_memory": "4g"}),
        ("components/0/retry", {"max_attempts": 5}),
        ("components/0/circuit_breaker", {"failure_threshold": 2}),
        ("components/0/timeout_seconds", 60),
        ("components/0/spark_pool", "nightly"),
        ("max_parallel_components", 4),
        ("on_failure", "continue"),
        ("max_resources", {"jdbc": 2}),
        ("components/1/depends_on", ["a", "a"]),
        ("components/0/enabled", True),
    ],
)
def test_what_does_not_change_a_components_work_does_not_count(path: str, value: Any) -> None:
    assert fingerprint(edited(path, value)) == fingerprint(BASE)


def test_the_order_of_keys_does_not_count_and_the_order_of_lists_does() -> None:
    assert of_config({"a": {"x": 1, "y": 2}, "b": 3}) == of_config({"b": 3, "a": {"y": 2, "x": 1}})
    assert of_config({"a": [1, 2]}) != of_config({"a": [2, 1]})


def test_the_order_of_dependencies_does_not_count_and_the_order_of_components_does() -> None:
    def of(order: list[str], depends_on: list[str]) -> str:
        components = {name: {"name": name, "class_path": ANY, "depends_on": []} for name in ("a", "b", "c")}
        components["c"]["depends_on"] = depends_on
        return fingerprint({"name": "p", "components": [components[name] for name in order]})

    assert of(["a", "b", "c"], ["a", "b"]) == of(["a", "b", "c"], ["b", "a"])
    assert of(["a", "b", "c"], ["a"]) != of(["b", "a", "c"], ["a"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": {1: 2}}, {"a": {"1": 2}}),
        ({"a": {True: 2}}, {"a": {"true": 2}}),
        ({"a": {None: 2}}, {"a": {"null": 2}}),
        ({"a": "1"}, {"a": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": None}, {"a": "null"}),
        ({"a": None}, {}),
        ({"a": ""}, {"a": []}),
        ({"a": "b", "c": "d"}, {"a": "b,c:d"}),
        ({"a": ["b", "c"]}, {"a": ["bc"]}),
        ({"a": ["b", "c"]}, {"a": ["b,c"]}),
        ({"a": ["b"], "c": []}, {"a": [], "c": ["b"]}),
        ({"a": ["b", ["c"]]}, {"a": [["b"], "c"]}),
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({"a": b"x"}, {"a": "x"}),
        ({"a": b"x"}, {"a": b"x".hex()}),
        ({"a": {1, 2}}, {"a": [1, 2]}),
        ({"a": {1: 2}}, {"a": {"\0mapping": [[1, 2]]}}),
        ({"a": b"x"}, {"a": {"\0bytes": "78"}}),
        ({"a": datetime.date(2024, 1, 1)}, {"a": "2024-01-01"}),
        ({"a": datetime.date(2024, 1, 1)}, {"a": datetime.datetime(2024, 1, 1)}),
        ({"a": decimal.Decimal("1.0")}, {"a": decimal.Decimal("1.00")}),
        ({"a": pathlib.PurePosixPath("x")}, {"a": "x"}),
        ({"a": uuid.UUID(int=1)}, {"a": str(uuid.UUID(int=1))}),
        ({"a": datetime.timedelta(1)}, {"a": "1 day, 0:00:00"}),
        ({"a": "é"}, {"a": "e\u0301"}),
        ({"a": "\\u00e9"}, {"a": "\u00e9"}),
    ],
    ids=lambda config: repr(config),
)
def test_configs_that_look_alike_have_different_fingerprints(one: dict[Any, Any], other: dict[Any, Any]) -> None:
    assert of_config(one) != of_config(other)


def test_names_and_class_paths_cannot_be_shifted_into_each_other() -> None:
    def of(*names_and_dependencies: tuple[str, list[str]]) -> str:
        return fingerprint(
            {
                "name": "p",
                "components": [{"name": n, "class_path": ANY, "depends_on": d} for n, d in names_and_dependencies],
            }
        )

    assert of(("a", []), ("b", [])) != of(("a,b", []))
    assert of(("a", []), ("b", []), ("c", ["a", "b"])) != of(("a", []), ("b", ["a"]), ("c", ["b"]))


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=3)
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.text(max_size=3) | st.integers(0, 3)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)


plain = st.recursive(leaves, containers, max_leaves=8)


def same(one: Any, other: Any) -> bool:
    """Equal in value and type: unlike ``==``, which takes 1, 1.0 and True for one."""
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = ({(type(k), k): v for k, v in d.items()} for d in (one, other))
        return mine.keys() == theirs.keys() and all(same(mine[k], theirs[k]) for k in mine)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


@given(plain, plain)
def test_two_configs_share_a_fingerprint_exactly_if_they_are_equal(one: Any, other: Any) -> None:
    assert (of_config({"x": one}) == of_config({"x": other})) is same(one, other)


@given(plain)
def test_a_fingerprint_is_a_function_of_the_config(value: Any) -> None:
    assert of_config({"x": value}) == of_config({"x": copy.deepcopy(value)})


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    """Hash randomisation must not reach it: the next attempt is another process."""
    code = (
        "from airflow_provider.runner import *;"
        f"c = ComponentConfig(name='a', class_path={ANY!r}, config={{'s': {{'x', 'y', 'z'}}, 'm': {{'k': 1, 2: 3}}}});"
        "print(compute_pipeline_fingerprint(PipelineConfig(name='p', components=[c])))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@pytest.fixture
def sql_pipeline(tmp_path: Path) -> Path:
    (tmp_path / "clean.sql").write_text("SELECT 1 AS one")
    path = tmp_path / "p.yaml"
    path.write_text(
        "name: p\ncomponents:\n  - name: clean\n    class_path: airflow_provider.components.RunSql\n"
        "    config: {sql_file: clean.sql}\n"
    )
    return path


def test_the_content_of_an_sql_file_counts(sql_pipeline: Path) -> None:
    before = compute_pipeline_fingerprint(load_pipeline_config(sql_pipeline))
    assert compute_pipeline_fingerprint(load_pipeline_config(sql_pipeline)) == before
    (sql_pipeline.parent / "clean.sql").write_text("SELECT 2 AS one")
    assert compute_pipeline_fingerprint(load_pipeline_config(sql_pipeline)) != before


def test_an_sql_file_that_is_gone_is_a_change_and_no_crash(sql_pipeline: Path) -> None:
    config = load_pipeline_config(sql_pipeline)
    before = compute_pipeline_fingerprint(config)
    (sql_pipeline.parent / "clean.sql").unlink()
    assert compute_pipeline_fingerprint(config) != before


def test_the_place_of_the_pipeline_file_does_not_count(sql_pipeline: Path, tmp_path: Path) -> None:
    """Another worker has the same files in another folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("p.yaml", "clean.sql"):
        (elsewhere / name).write_bytes((tmp_path / name).read_bytes())
    assert compute_pipeline_fingerprint(load_pipeline_config(elsewhere / "p.yaml")) == compute_pipeline_fingerprint(
        load_pipeline_config(sql_pipeline)
    )


def hashes(config: dict[str, Any]) -> dict[str, dict[str, str]]:
    return field_hashes(PipelineConfig.model_validate(config))


def field_hashes(config: PipelineConfig) -> dict[str, dict[str, str]]:
    return {name: dict(fields) for name, fields in ConfigHashes.of(config).fields.items()}


def hashes_in(directory: Path, component: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the hashes of a component named ``a``, in a config that was built in this directory."""
    with contextlib.chdir(directory):
        return hashes({"name": "p", "components": [{"name": "a", **component}]})


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (BASE, []),
        (edited("components/0/config/name", "hunter2"), ["config.name of 'a' changed"]),
        (edited("components/0/config/password", "hunter2"), ["config.password of 'a' added"]),
        (edited("components/1/config", {}), ["config.name of 'b' removed"]),
        (edited("components/0/config/deep/list/0", 5), ["config.deep of 'a' changed"]),
        (edited("components/0/class_path", OTHER), ["class_path of 'a' changed"]),
        (edited("components/1/depends_on", []), ["depends_on of 'b' changed"]),
        (edited("components/0/enabled", False), ["enabled of 'a' changed"]),
        (edited("components", BASE["components"][:1]), ["'b' removed"]),
        (edited("components", [*BASE["components"], {"name": "c", "class_path": ANY}]), ["'c' added"]),
    ],
    ids=lambda value: ", ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_a_difference_names_component_and_field_and_never_a_value(config: dict[str, Any], told: list[str]) -> None:
    found = [str(change) for change in compare_config(hashes(BASE), hashes(config))]
    assert found == told
    assert "hunter2" not in repr((found, hashes(config)))


def test_a_changed_sql_file_is_named(sql_pipeline: Path) -> None:
    def now() -> dict[str, dict[str, str]]:
        return field_hashes(load_pipeline_config(sql_pipeline))

    before = now()
    (sql_pipeline.parent / "clean.sql").write_text("SELECT 2 AS one")
    assert [str(change) for change in compare_config(before, now())] == ["file clean.sql of 'clean' changed"]


def test_a_component_without_fingerprint_files_has_no_files(tmp_path: Path) -> None:
    found = hashes_in(tmp_path, {"class_path": OTHER})["a"]
    assert not [field for field in found if field.startswith("file ")]


@pytest.mark.parametrize(
    "component",
    [
        "class own:\n    def run(self): ...\n    fingerprint_files = staticmethod(lambda config: config['files'])",
        "def own(spark, files): ...\nown.fingerprint_files = lambda config: config['files']",
    ],
    ids=["class", "function"],
)
def test_a_component_of_the_authors_own_may_declare_files(
    component: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "declares_files.py").write_text(component)
    (tmp_path / "rules.txt").write_text("first")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "declares_files", raising=False)
    own = {"class_path": "declares_files.own", "config": {"files": ["rules.txt"]}}
    before = hashes_in(tmp_path, own)
    (tmp_path / "rules.txt").write_text("second")
    assert [str(c) for c in compare_config(before, hashes_in(tmp_path, own))] == ["file rules.txt of 'a' changed"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"query": "clean.sql"}, ["clean.sql"]),
        ({"steps": [{"template": "sub/page.JINJA2"}]}, ["sub/page.JINJA2"]),
        ({"query": "missing.sql"}, []),
        ({"query": "SELECT 1\n-- see clean.sql"}, []),
        ({"query": "SELECT " + "x" * 5000 + ".sql"}, []),
        ({"path": "rows.csv", "report_file": "report.json", "folder": "sub"}, []),
    ],
    ids=["a statement", "deep inside", "no file", "SQL that names a file", "no file name", "data and results"],
)
def test_the_content_of_statements_and_templates_that_a_config_names_counts(
    config: dict[str, object], named: list[str], tmp_path: Path
) -> None:
    """Such a file counts like config, whatever component names it; a file of data does not, or each row would."""
    (tmp_path / "sub").mkdir()
    for name in ("clean.sql", "sub/page.JINJA2", "rows.csv", "report.json"):
        (tmp_path / name).write_text("first")
    component = {"class_path": OTHER, "config": config}
    before = hashes_in(tmp_path, component)
    for name in ("clean.sql", "sub/page.JINJA2", "rows.csv", "report.json"):
        (tmp_path / name).write_text("second")
    found = compare_config(before, hashes_in(tmp_path, component))
    assert [str(change) for change in found] == [f"file {name} of 'a' changed" for name in named]
