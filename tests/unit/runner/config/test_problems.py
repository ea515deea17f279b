"""What an author in a hurry gets wrong, and what they are told. Every message in full."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import ComponentConfig, PipelineConfig, load_pipeline_config

SAMPLES = "tests.samples.components.basic"
GOOD = f"{SAMPLES}.NoConfig"
ANY = f"{SAMPLES}.scripted"
READY = "airflow_provider.components"
FOLDER = Path(__file__).parents[3] / "samples" / "components"
TRAILING_COMMA = (  # in Python's words
    "column 17: Illegal trailing comma before end of object"
    if sys.version_info >= (3, 13)
    else "column 18: Expecting property name enclosed in double quotes"
)


def one(**fields: Any) -> dict[str, Any]:
    """A pipeline of one component that is right but for the given fields."""
    return {"name": "daily", "components": [{"name": "load", "class_path": GOOD, **fields}]}


def graph(**depends_on: list[str]) -> dict[str, Any]:
    """A pipeline of components with these dependencies."""
    components = [{"name": name, "class_path": GOOD, "depends_on": others} for name, others in depends_on.items()]
    return {"name": "daily", "components": components}


# Files: (file name, content, message)
BAD_FILES: dict[str, tuple[str, str | bytes | None, str]] = {
    "unknown field with a suggestion": (
        "pipeline.yaml",
        f"name: daily\ncomponents:\n  - name: load\n    class_path: {GOOD}\n    dependson: [x]\n",
        "pipeline config pipeline.yaml: component 'load', field 'dependson': is not a known field; "
        "did you mean 'depends_on'?",
    ),
    "unknown field of the pipeline": (
        "pipeline.json",
        f'{{"name": "daily", "component": [], "components": [{{"name": "load", "class_path": "{GOOD}"}}]}}',
        "pipeline config pipeline.json: field 'component': is not a known field; did you mean 'components'?",
    ),
    "missing field": (
        "pipeline.yaml",
        "name: daily\ncomponents:\n  - name: load\n",
        "pipeline config pipeline.yaml: component 'load', field 'class_path': is missing",
    ),
    "missing name is told by position": (
        "pipeline.yaml",
        f"name: daily\ncomponents:\n  - class_path: {GOOD}\n",
        "pipeline config pipeline.yaml: component #1, field 'name': is missing",
    ),
    "components that are no list": (
        "pipeline.yaml",
        f"name: daily\ncomponents:\n  load:\n    class_path: {GOOD}\n",
        "pipeline config pipeline.yaml: field 'components': expected a list of components ('- name: …'), got a mapping",
    ),
    "components that are text": (
        "pipeline.json",
        '{"name": "daily", "components": "load"}',
        "pipeline config pipeline.json: field 'components': expected a list of components ('- name: …'), got text",
    ),
    "component that is no mapping": (
        "pipeline.yaml",
        "name: daily\ncomponents:\n  - load\n",
        "pipeline config pipeline.yaml: component #1: expected a mapping with name and class_path, got text 'load'",
    ),
    "no component": (
        "pipeline.yaml",
        "name: daily\ncomponents: []\n",
        "pipeline config pipeline.yaml: field 'components': is empty",
    ),
    "components left blank": (
        "pipeline.yaml",
        "name: daily\ncomponents:\n",
        "pipeline config pipeline.yaml: field 'components': expected a list of components ('- name: …'), got nothing",
    ),
    "empty YAML": (
        "pipeline.yaml",
        "",
        "pipeline config pipeline.yaml: the file is empty; it needs name and components",
    ),
    "YAML of comments only": (
        "pipeline.yml",
        "# to do\n",
        "pipeline config pipeline.yml: the file is empty; it needs name and components",
    ),
    "empty JSON": (
        "pipeline.json",
        " \n",
        "pipeline config pipeline.json: the file is empty; it needs name and components",
    ),
    "empty HOCON": (
        "pipeline.conf",
        " \n",
        "pipeline config pipeline.conf: the file is empty; it needs name and components",
    ),
    "list at the top of YAML": (
        "pipeline.yaml",
        f"- name: load\n  class_path: {GOOD}\n",
        "pipeline config pipeline.yaml: expected a mapping with name and components, got a list",
    ),
    "list at the top of JSON": (
        "pipeline.json",
        "[]",
        "pipeline config pipeline.json: expected a mapping with name and components, got a list",
    ),
    "YAML indented with a tab": (
        "pipeline.yaml",
        "name: daily\ncomponents:\n\t- name: load\n",
        "pipeline config pipeline.yaml: not valid YAML: line 3, column 1: "
        "found character '\\t' that cannot start any token; indent with spaces",
    ),
    "YAML with a quote that is not closed": (
        "pipeline.yaml",
        'name: "daily\ncomponents: []',
        "pipeline config pipeline.yaml: not valid YAML: line 2, column 15: found unexpected end of stream",
    ),
    "YAML that would run code": (
        "pipeline.yaml",
        "name: !!python/object/apply:os.getcwd []\n",
        "pipeline config pipeline.yaml: not valid YAML: line 1, column 7: could not determine a constructor "
        "for the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd'",
    ),
    "YAML key written twice": (
        "pipeline.yaml",
        f"name: daily\ncomponents:\n  - name: load\n    class_path: {GOOD}\n"
        "    config: {a: 1}\n    config: {b: 2}\n",
        "pipeline config pipeline.yaml: not valid YAML: line 6, column 5: the key 'config' occurs twice in one mapping",
    ),
    "JSON key written twice": (
        "pipeline.json",
        '{"name": "daily", "name": "hourly", "components": []}',
        "pipeline config pipeline.json: the key 'name' occurs twice in one mapping",
    ),
    "JSON with a trailing comma": (
        "pipeline.json",
        '{"name": "daily",}',
        f"pipeline config pipeline.json: not valid JSON: line 1, {TRAILING_COMMA}",
    ),
    "HOCON that ends too early": (
        "pipeline.conf",
        "name = daily\ncomponents = [ { name = load ",
        "pipeline config pipeline.conf: not valid HOCON: line 2, column 30: Expected '}', found end of text",
    ),
    "HOCON key without a value": (
        "pipeline.conf",
        "name = daily\ncomponents {x\n",
        "pipeline config pipeline.conf: not valid HOCON: line 3, column 1: unexpected end of text",
    ),
    "HOCON variable that is not defined": (
        "pipeline.conf",
        "name = ${who}\n",
        "pipeline config pipeline.conf: not valid HOCON: Cannot resolve variable ${who} (line: 1, col: 8)",
    ),
    "not UTF-8": (
        "pipeline.yaml",
        b"name: caf\xe9\n",
        "pipeline config pipeline.yaml: the file is not UTF-8 text: 'utf-8' codec can't decode byte 0xe9 "
        "in position 9: invalid continuation byte; save it as UTF-8",
    ),
    "YAML that reads a word as a boolean": (
        "pipeline.yaml",
        f"name: false\nversion: 2024-01-01\ncomponents:\n  - name: true\n    class_path: {ANY}\n"
        "    config: {name: load, true: x}\n",
        "pipeline config pipeline.yaml has 4 problems:\n"
        "  - field 'name': expected text, got boolean False; put it in quotes\n"
        "  - field 'version': expected text, got a date; put it in quotes\n"
        "  - component #1, field 'name': expected text, got boolean True; put it in quotes\n"
        "  - component #1, field 'config': the key True is a boolean, expected text; put it in quotes",
    ),
    "unknown suffix": (
        "pipeline.toml",
        "",
        "pipeline config pipeline.toml: unknown file type '.toml'; choose from .yaml, .yml, .json, .conf, .hocon",
    ),
    "missing file": (
        "missing.yaml",
        None,
        "pipeline config missing.yaml: the file does not exist; give an absolute path or one that exists",
    ),
    "many problems at once": (
        "pipeline.yaml",
        f"""\
name: daily
version: [1]
components:
  - name: extract
    class_path: {GOOD}
    retrys: 3
  - name: clean
    class_path: {SAMPLES}.Cleam
    depends_on: [extrct]
  - class_path: {GOOD}
  - oops
  - name: clean
    class_path: {GOOD}
    retry: {{max_attempts: 0}}
  - name: publish
    class_path: {GOOD}
    config: {{limit: 1}}
""",
        """\
pipeline config pipeline.yaml has 9 problems:
  - field 'version': expected text, got list [1]
  - component 'extract', field 'retrys': is not a known field; did you mean 'retry'?
  - component #3, field 'name': is missing
  - component #4: expected a mapping with name and class_path, got text 'oops'
  - component 'clean', field 'retry.max_attempts': must be greater than or equal to 1, got 0
  - component 'clean', field 'name': 2 components have this name; names must be unique
  - component 'clean', field 'depends_on': unknown component 'extrct'; did you mean 'extract'?
  - component 'clean', field 'class_path': module 'tests.samples.components.basic' has no 'Cleam'; \
name one of its classes or functions
  - component 'publish', field 'config.limit': is not a parameter of NoConfig; it takes no config""",
    ),
}

# Mappings, as a DAG file would build them: (config, message after "pipeline config")
BAD_MAPPINGS: dict[str, tuple[Any, str]] = {
    "unknown field without a neighbour": (
        one(zzz=1),
        ": component 'load', field 'zzz': is not a known field; choose from 'name', 'class_path', ",
    ),
    "unknown field of a section": (
        one(retry={"max_attempt": 3}),
        ": component 'load', field 'retry.max_attempt': is not a known field; did you mean 'max_attempts'?",
    ),
    "unknown field two sections deep": (
        one(resilience={"retry": {"attempts": 3}}),
        ": component 'load', field 'resilience.retry.attempts': is not a known field; did you mean 'max_attempts'?",
    ),
    "misspelled field counts as missing and unknown": (
        {"name": "daily", "components": [{"name": "load", "classpath": GOOD}]},
        " has 2 problems:\n"
        "  - component 'load', field 'class_path': is missing\n"
        "  - component 'load', field 'classpath': is not a known field; did you mean 'class_path'?",
    ),
    "misspelled Spark setting": (
        one() | {"spark": {"exector_memory": "2g"}},
        ": field 'spark.exector_memory': is not a known field; did you mean 'executor_memory'?",
    ),
    "pipeline without name": (
        {"components": [{"name": "load", "class_path": GOOD}]},
        ": field 'name': is missing",
    ),
    "empty names": (
        {"name": "", "components": [{"name": "", "class_path": GOOD}]},
        " has 2 problems:\n  - field 'name': is empty\n  - component #1, field 'name': is empty",
    ),
    "duplicate name": (
        {"name": "daily", "components": [{"name": "load", "class_path": GOOD}] * 3},
        ": component 'load', field 'name': 3 components have this name; names must be unique",
    ),
    "unknown dependency with a suggestion": (
        graph(extract=[], clean=["extarct"]),
        ": component 'clean', field 'depends_on': unknown component 'extarct'; did you mean 'extract'?",
    ),
    "unknown dependency without a neighbour": (
        graph(extract=[], clean=["zz"]),
        ": component 'clean', field 'depends_on': unknown component 'zz'; choose from 'extract', 'clean'",
    ),
    "dependencies that are no list": (
        one(depends_on="extract"),
        ": component 'load', field 'depends_on': expected a list, got text 'extract'",
    ),
    "self dependency": (
        one(depends_on=["load"]),
        ": component 'load', field 'depends_on': depends on itself; remove this dependency",
    ),
    "cycle of two": (
        graph(a=["b"], b=["a"]),
        ": component 'a', field 'depends_on': dependency cycle: a -> b -> a; remove one of these dependencies",
    ),
    "longer cycle is named in full, from its first component on": (
        graph(start=[], c=["d"], a=["b"], b=["c"], d=["a"], end=["d"]),
        ": component 'c', field 'depends_on': dependency cycle: c -> d -> a -> b -> c; "
        "remove one of these dependencies",
    ),
    "two cycles": (
        graph(a=["b"], b=["a"], c=["d"], d=["c"]),
        " has 2 problems:\n"
        "  - component 'a', field 'depends_on': dependency cycle: a -> b -> a; remove one of these dependencies\n"
        "  - component 'c', field 'depends_on': dependency cycle: c -> d -> c; remove one of these dependencies",
    ),
    "no such package": (
        one(class_path="no_such_package.jobs.Load"),
        ": component 'load', field 'class_path': there is no module 'no_such_package'; "
        "it must be importable where the pipeline runs",
    ),
    "no such module": (
        one(class_path="tests.samples.jobs.Load"),
        ": component 'load', field 'class_path': there is no module 'tests.samples.jobs'; "
        "it must be importable where the pipeline runs",
    ),
    "no such class": (
        one(class_path=f"{SAMPLES}.Apend"),
        ": component 'load', field 'class_path': module 'tests.samples.components.basic' has no 'Apend'; "
        "did you mean 'Append'?",
    ),
    "no such class and none like it": (
        one(class_path=f"{SAMPLES}.Zzz"),
        ": component 'load', field 'class_path': module 'tests.samples.components.basic' has no 'Zzz'; name one of "
        "its classes or functions",
    ),
    "a constant is no component": (
        one(class_path=f"{SAMPLES}.CONSTANT"),
        ": component 'load', field 'class_path': 'tests.samples.components.basic.CONSTANT' is an int, not a component: "
        "it must be a class with run() or a function fn(spark, **config)",
    ),
    "class without run": (
        one(class_path=f"{SAMPLES}.NoRun"),
        ": component 'load', field 'class_path': class 'tests.samples.components.basic.NoRun' is not a component: "
        "it has no run() method; define one or name another class",
    ),
    "abstract class": (
        one(class_path=f"{SAMPLES}.Abstract"),
        ": component 'load', field 'class_path': class 'tests.samples.components.basic.Abstract' is abstract: "
        "it does not define run; define it or name a subclass",
    ),
    "module whose import raises": (
        one(class_path="tests.samples.components.fails_on_import.Load"),
        ": component 'load', field 'class_path': importing 'tests.samples.components.fails_on_import' failed: "
        f"RuntimeError: PASSWORD is not set ({FOLDER / 'fails_on_import.py'}, line 3); "
        "try: python -c 'import tests.samples.components.fails_on_import'",
    ),
    "module that misses a dependency": (
        one(class_path="tests.samples.components.misses_dependency.Component"),
        ": component 'load', field 'class_path': importing 'tests.samples.components.misses_dependency' failed: "
        f"ModuleNotFoundError: No module named 'not_installed_anywhere' ({FOLDER / 'misses_dependency.py'}, line 3); "
        "try: python -c 'import tests.samples.components.misses_dependency'",
    ),
    "class path without module": (
        one(class_path="Append"),
        ": component 'load', field 'class_path': 'Append' is not a dotted path such as "
        "'my_package.my_module.MyComponent'",
    ),
    "class path that is a file": (
        one(class_path="jobs/load.py"),
        ": component 'load', field 'class_path': 'jobs/load.py' is not a dotted path such as "
        "'my_package.my_module.MyComponent'",
    ),
    "resilience together with retry": (
        one(resilience={"retry": {"max_attempts": 2}}, retry={"max_attempts": 3}),
        ": component 'load', field 'resilience': cannot be combined with 'retry' or 'circuit_breaker'; keep one of "
        "the two forms",
    ),
    "a lambda as config value": (
        one(class_path=ANY, config={"name": "load", "clean": lambda row: row}),
        ": component 'load', field 'config.clean': holds a function, which cannot be fingerprinted; "
        "use plain data (text, numbers, dates, lists, mappings)",
    ),
    "an object deep in the config": (
        one(class_path=ANY, config={"name": "load", "a": {"b": [1, object()]}}),
        ": component 'load', field 'config.a.b[1]': holds an object, which cannot be fingerprinted; "
        "use plain data (text, numbers, dates, lists, mappings)",
    ),
    "config that does not fit a function": (
        one(class_path=f"{SAMPLES}.range_view", config={"output_view": "v", "row": 3}),
        " has 2 problems:\n"
        "  - component 'load', field 'config.rows': is missing; range_view takes output_view, rows\n"
        "  - component 'load', field 'config.row': is not a parameter of range_view; did you mean 'rows'?",
    ),
    "config with the session, which is not the author's to give": (
        one(class_path=f"{SAMPLES}.range_view", config={"output_view": "v", "rows": 3, "spark": "local"}),
        ": component 'load', field 'config.spark': is supplied by the runner; remove it",
    ),
    "several keys that a class does not take": (
        one(class_path=f"{SAMPLES}.Append", config={"path": "x", "line": "y", "zz": 1, "lines": 2}),
        " has 2 problems:\n"
        "  - component 'load', field 'config.zz': is not a parameter of Append; choose from 'path', 'line'\n"
        "  - component 'load', field 'config.lines': is not a parameter of Append; did you mean 'line'?",
    ),
    "config that does not fit a class": (
        one(class_path=f"{SAMPLES}.Append", config={"path": "x"}),
        ": component 'load', field 'config.line': is missing; Append takes path, line",
    ),
    "config that does not fit the component's model": (
        one(class_path=f"{SAMPLES}.Modelled", config={"limit": "many"}),
        ": component 'load', field 'config.limit': expected a whole number, got text",
    ),
    "unknown field of a ready-made component": (
        one(class_path=f"{READY}.ReadData", config={"output_view": "v", "pth": "x", "path": "y"}),
        ": component 'load', field 'config.pth': is not a known field; did you mean 'path'?",
    ),
    "field of a ready-made component that has another name in Python": (
        one(class_path=f"{READY}.ReadData", config={"output_view": "v", "shema": "id INT", "path": "y"}),
        ": component 'load', field 'config.shema': is not a known field; did you mean 'schema'?",
    ),
    "unknown mode of a ready-made component": (
        one(class_path=f"{READY}.WriteData", config={"input_view": "v", "path": "x", "mode": "replace"}),
        ": component 'load', field 'config.mode': must be 'overwrite', 'overwrite_partitions', 'append', "
        "'insert_into', 'error', 'errorifexists' or 'ignore'",
    ),
    "config that is no mapping": (
        one(config=["a"]),
        ": component 'load', field 'config': expected a mapping, got a list",
    ),
    "unknown component type": (
        one(component_type="extract"),
        ": component 'load', field 'component_type': must be 'source', 'transformation' or 'sink', got 'extract'",
    ),
    "no retries at all": (
        one(retry={"max_attempts": 0}),
        ": component 'load', field 'retry.max_attempts': must be greater than or equal to 1, got 0",
    ),
    "enabled that is neither yes nor no": (
        one(enabled="maybe"),
        ": component 'load', field 'enabled': expected true or false, got text 'maybe'",
    ),
    "nothing": (None, ": expected a mapping with name and components, got nothing"),
    "a list": ([], ": expected a mapping with name and components, got list []"),
    "dependency on a number that no component has": (
        one(depends_on=[7]),
        ": component 'load', field 'depends_on': unknown component '7'; choose from 'load'",
    ),
    "restart from a component that is not there": (
        graph(extract=[], clean=["extract"]) | {"restart_from": "z"},
        ": field 'restart_from': unknown component 'z'; choose from 'extract', 'clean'",
    ),
    "neither a number of components nor auto": (
        one() | {"max_parallel_components": "many"},
        ": field 'max_parallel_components': expected a whole number or 'auto', got text 'many'",
    ),
    "no component at all side by side": (
        one() | {"max_parallel_components": 0},
        ": field 'max_parallel_components': must be greater than or equal to 1, got 0",
    ),
    "no time at all": (
        one(timeout_seconds=0),
        ": component 'load', field 'timeout_seconds': must be greater than 0, got 0",
    ),
    "endless time": (
        one(timeout_seconds=float("inf")),
        ": component 'load', field 'timeout_seconds': must be a finite number, got inf",
    ),
    "unknown resource": (
        one(resources={"jdcb": 1}) | {"max_resources": {"jdbc": 2}},
        ": component 'load', field 'resources.jdcb': unknown resource 'jdcb'; did you mean 'jdbc'?",
    ),
    "resource of a pipeline without any": (
        one(resources={"jdbc": 1}),
        ": component 'load', field 'resources.jdbc': unknown resource 'jdbc'; add it to the pipeline's max_resources",
    ),
    "more of a resource than there is": (
        one(resources={"jdbc": 3}) | {"max_resources": {"jdbc": "2"}},
        ": component 'load', field 'resources.jdbc': uses 3 of 'jdbc', and the pipeline's max_resources has only 2, so "
        "it could never run; lower it, or set max_resources.jdbc to at least 3",
    ),
    "a resource beside other problems": (
        one(resources={"jdbc": 1}) | {"max_resources": {"jdbc": "two"}, "version": {}},
        " has 2 problems:\n"
        "  - field 'version': expected text, got a mapping\n"
        "  - field 'max_resources.jdbc': expected a whole number, got text 'two'",
    ),
    "resources that are no mapping": (
        one(resources={"jdbc": 1}) | {"max_resources": "{{ params.most }}"},
        ": field 'max_resources': expected a mapping, got text '{{ params.most }}'",
    ),
    "values that are long, nested or secret are not shown": (
        one() | {"version": {"deep": 1}, "environment": ["x" * 60], "spark": {"spark_conf": {"key": ["hunter2"]}}},
        " has 3 problems:\n"
        "  - field 'version': expected text, got a mapping\n"
        "  - field 'environment': expected text, got a list\n"
        "  - field 'spark.spark_conf.key': expected text, got a list",
    ),
}

BAD_PYTHON: dict[str, tuple[Callable[[], object], str]] = {
    "component without class path": (
        lambda: ComponentConfig(name="load"),  # type: ignore[call-arg]
        "pipeline config: component 'load', field 'class_path': is missing",
    ),
    "component with a function as config value": (
        lambda: ComponentConfig(name="load", class_path=GOOD, config={"log": print}),
        "pipeline config: component 'load', field 'config.log': holds a builtin_function_or_method, "
        "which cannot be fingerprinted; use plain data (text, numbers, dates, lists, mappings)",
    ),
    "pipeline of nothing": (
        lambda: PipelineConfig(name="daily", components=[]),
        "pipeline config: field 'components': is empty",
    ),
    "unknown dependency": (
        lambda: PipelineConfig(
            name="daily", components=[ComponentConfig(name="load", class_path=GOOD, depends_on=["laod"])]
        ),
        "pipeline config: component 'load', field 'depends_on': unknown component 'laod'; did you mean 'load'?",
    ),
    "class path that cannot be imported is told when it is loaded": (
        lambda: load_pipeline_config(
            PipelineConfig(name="daily", components=[ComponentConfig(name="load", class_path="no.such.Thing")])
        ),
        "pipeline config: component 'load', field 'class_path': there is no module 'no'; "
        "it must be importable where the pipeline runs",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_with_a_message_that_names_file_and_place(
    name: str, content: str | bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(("config", "message"), BAD_MAPPINGS.values(), ids=BAD_MAPPINGS.keys())
def test_a_bad_mapping_is_refused_with_a_message_that_names_component_and_field(config: Any, message: str) -> None:
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(config)
    if message.endswith(", "):  # the rest is the list of known fields
        assert str(caught.value).startswith(f"pipeline config{message}")
    else:
        assert str(caught.value) == f"pipeline config{message}"


@pytest.mark.parametrize(("build", "message"), BAD_PYTHON.values(), ids=BAD_PYTHON.keys())
def test_a_bad_config_built_in_python_is_refused_in_the_same_words(build: Callable[[], object], message: str) -> None:
    with pytest.raises(PipelineConfigError) as caught:
        build()
    assert str(caught.value) == message


def test_a_class_path_is_checked_although_another_field_of_the_component_is_wrong() -> None:
    """Every problem is reported at once, so that nobody mends one only to meet the next."""
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(one(class_path=f"{SAMPLES}.Apend", retrys=3))
    assert [problem.field for problem in caught.value.problems] == ["retrys", "class_path"]


@pytest.mark.parametrize(
    ("class_path", "config"),
    [
        (f"{READY}.RunSql", {"sql": "SELECT 'hunter2'", "sql_file": "x.sql"}),
        (f"{READY}.ReadData", {"output_view": "v", "path": "p", "table": "t", "options": {"password": "hunter2"}}),
        (f"{READY}.WriteData", {"input_view": "v", "options": {"password": "hunter2"}}),
    ],
)
def test_a_message_about_the_whole_config_does_not_repeat_its_values(class_path: str, config: dict[str, Any]) -> None:
    """Invariant 8: an error message ends in logs, and a config can hold a password."""
    with pytest.raises(PipelineConfigError, match="give ") as caught:
        load_pipeline_config(one(class_path=class_path, config=config))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("class_path", "config"),
    [
        (f"{SAMPLES}.Modelled", {"limit": "hunter2"}),
        (f"{SAMPLES}.range_view", {"output_view": "v", "row": "hunter2"}),
        (f"{READY}.WriteData", {"input_view": "v", "path": "x", "mode": "hunter2"}),
        (f"{READY}.WriteData", {"input_view": ["hunter2"], "path": "x", "partition_by": "hunter2"}),
        (GOOD, "hunter2"),
    ],
)
def test_a_message_about_a_field_of_the_config_does_not_repeat_its_value(class_path: str, config: Any) -> None:
    """Invariant 8."""
    with pytest.raises(PipelineConfigError, match="field 'config") as caught:
        load_pipeline_config(one(class_path=class_path, config=config))
    assert "hunter2" not in str(caught.value)


SOURCES: dict[str, tuple[str, str]] = {
    "function without a place for the session": (
        "def load(*, path): ...",
        "field 'class_path': function 'told.load' has no parameter for the session; define it as load(spark, **config)",
    ),
    "function without any argument": (
        "def load(): ...",
        "field 'class_path': function 'told.load' has no parameter for the session; define it as load(spark, **config)",
    ),
    "function that takes the session only": (
        "def load(session): ...",
        "field 'config.path': is not a parameter of load; it takes no config",
    ),
    "class that wants an argument without a name": (
        "class load:\n    def __init__(self, first, /, path): ...\n    def run(self): ...",
        "field 'config': does not fit load(first, /, path): missing a required argument: 'first'; "
        "the runner calls load(**config)",
    ),
    "module that ends the process": (
        "import sys\n\ndef check():\n    sys.exit(3)\n\ncheck()",
        "field 'class_path': importing 'told' failed: SystemExit: 3 (FILE, line 4); try: python -c 'import told'",
    ),
    "module that Python cannot read": (
        "def load(:",
        "field 'class_path': importing 'told' failed: SyntaxError: invalid syntax (told.py, line 1); "
        "try: python -c 'import told'",
    ),
}


@pytest.mark.parametrize(("source", "message"), SOURCES.values(), ids=SOURCES.keys())
def test_an_unusable_component_is_reported_with_the_reason(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "told.py"
    file.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "told", raising=False)
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(one(class_path="told.load", config={"path": "x"}))
    told = str(caught.value).replace("positional-only ", "")  # only newer Pythons say so
    assert told == f"pipeline config: component 'load', {message.replace('FILE', str(file))}"


def test_a_component_without_a_usable_name_is_reported_by_position() -> None:
    wrong = {"class_path": f"{SAMPLES}.range_view", "config": {"output_view": "v", 7: "x"}}
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config({"name": "daily", "components": [wrong, wrong | {"enabled": "off"}, {"name": "x"}]})
    assert [(p.component, p.field) for p in caught.value.problems] == [
        ("#1", "name"),
        ("#2", "name"),
        ("x", "class_path"),
        ("#1", "config.rows"),
        ("#1", "config.7"),
    ]


def test_a_disabled_component_need_not_be_importable() -> None:
    config = one()
    config["components"].append({"name": "off", "class_path": "no_such_package.Thing", "enabled": False})
    assert [component.name for component in load_pipeline_config(config).ordered] == ["load"]


def test_the_error_carries_each_problem_as_data() -> None:
    """A program can read component, field and message without parsing text."""
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(graph(a=["b"], b=["a"], c=["x"]))
    assert [(p.component, p.field) for p in caught.value.problems] == [("c", "depends_on"), ("a", "depends_on")]
    assert caught.value.source is None
