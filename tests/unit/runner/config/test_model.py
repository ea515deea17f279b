"""What a good config becomes: the same in every notation, in a predictable order."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import ComponentConfig, PipelineConfig, compute_pipeline_fingerprint, load_pipeline_config
from airflow_provider.runner.config.graph import descendants, graph_width

GOOD = "tests.samples.components.basic.NoConfig"
ANY = "tests.samples.components.basic.scripted"

MAPPING: dict[str, Any] = {
    "name": "daily",
    "version": "2.1",
    "environment": "prod",
    "tags": {"team": "data"},
    "max_parallel_components": 4,
    "on_failure": "continue",
    "max_resources": {"jdbc": 2},
    "spark": {"app_name": "daily", "spark_conf": {"spark.sql.shuffle.partitions": "8"}},
    "components": [
        {
            "name": "load",
            "class_path": ANY,
            "component_type": "source",
            "config": {"name": "load", "limit": 10, "ratio": 0.5, "columns": ["a", "b"], "nested": {"on": True}},
            "retry": {"max_attempts": 2, "retry_on_exceptions": ["OSError"]},
            "timeout_seconds": 90.5,
            "resources": {"jdbc": 1},
            "spark_pool": "nightly",
        },
        {"name": "publish", "class_path": GOOD, "component_type": "sink", "depends_on": ["load"], "enabled": False},
    ],
}

YAML = f"""\
name: daily
version: "2.1"
environment: prod
tags:
  team: data
max_parallel_components: 4
on_failure: continue
max_resources: {{jdbc: 2}}
spark:
  app_name: daily
  spark_conf:
    spark.sql.shuffle.partitions: 8
components:
  - name: load
    class_path: {ANY}
    component_type: source
    config:
      name: load
      limit: 10
      ratio: 0.5
      columns: [a, b]
      nested: {{"on": true}}
    retry:
      max_attempts: 2
      retry_on_exceptions: [OSError]
    timeout_seconds: 90.5
    resources: {{jdbc: 1}}
    spark_pool: nightly
  - name: publish
    class_path: {GOOD}
    component_type: sink
    depends_on: [load]
    enabled: false
"""

HOCON = f"""\
name = daily
version = "2.1"
environment = prod
tags {{ team = data }}
max_parallel_components = 4
on_failure = continue
max_resources {{ jdbc = 2 }}
spark {{
  app_name = ${{name}}
  spark_conf {{ "spark.sql.shuffle.partitions" = "8" }}
}}
components = [
  {{
    name = load
    class_path = {ANY}
    component_type = source
    config {{ name = load, limit = 10, ratio = 0.5, columns = [a, b], nested {{ on = true }} }}
    retry {{ max_attempts = 2, retry_on_exceptions = [OSError] }}
    timeout_seconds = 90.5
    resources {{ jdbc = 1 }}
    spark_pool = nightly
  }}
  {{ name = publish, class_path = {GOOD}, component_type = sink, depends_on = [load], enabled = false }}
]
"""


def pipeline(**depends_on: list[str]) -> PipelineConfig:
    return PipelineConfig(
        name="p", components=[ComponentConfig(name=n, class_path=GOOD, depends_on=d) for n, d in depends_on.items()]
    )


def order(config: PipelineConfig) -> list[str]:
    return [component.name for component in config.ordered]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("p.yaml", YAML),
        ("p.yml", YAML),
        ("p.YAML", YAML),
        ("p.json", json.dumps(MAPPING)),
        ("p.conf", HOCON),
        ("p.hocon", HOCON),
        ("bom.yaml", f"\ufeff{YAML}"),
    ],
)
def test_every_notation_gives_the_config_that_a_dict_gives(file: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    from_file, from_dict = load_pipeline_config(path), load_pipeline_config(MAPPING)
    assert from_file.model_dump() == from_dict.model_dump()
    assert compute_pipeline_fingerprint(from_file) == compute_pipeline_fingerprint(from_dict)


def test_numbers_that_a_template_has_made_text_are_numbers() -> None:
    """Rendered templates are text, also where a whole number or ``auto`` is expected."""
    step = {"name": "a", "class_path": GOOD, "timeout_seconds": "90", "resources": {"jdbc": "1"}}
    fields = {"name": "p", "components": [step], "max_resources": {"jdbc": "2"}}
    config = load_pipeline_config({**fields, "max_parallel_components": "4"})
    found = config.max_parallel_components, config.max_resources, config.components[0].timeout_seconds
    assert found == (4, {"jdbc": 2}, 90.0)
    assert config.components[0].resources == {"jdbc": 1}
    assert load_pipeline_config({**fields, "max_parallel_components": "auto"}).max_parallel_components == "auto"


def test_python_objects_give_the_config_that_a_dict_gives() -> None:
    built = PipelineConfig(**MAPPING)
    assert built == load_pipeline_config(MAPPING) == load_pipeline_config(built)


def test_a_path_may_be_text_or_a_path_object(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(MAPPING))
    assert load_pipeline_config(str(path)).name == load_pipeline_config(path).name == "daily"


def test_a_config_knows_the_folder_of_its_file_or_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(MAPPING))
    monkeypatch.chdir("/")
    assert load_pipeline_config(path).base_dir == tmp_path
    assert load_pipeline_config(path).source == str(path)
    assert load_pipeline_config(MAPPING).base_dir == Path("/")
    assert load_pipeline_config(MAPPING, origin=str(path)).base_dir == tmp_path


def test_the_config_fields_of_the_peer_package_are_accepted() -> None:
    """`pyspark-pipeline-framework` configs need no change: every field listed in DESIGN.md."""
    config = load_pipeline_config(
        {
            "name": "daily",
            "version": "1.0.0",
            "environment": "dev",
            "tags": {"team": "data"},
            "components": [
                {
                    "name": "a",
                    "component_type": "source",
                    "class_path": GOOD,
                    "config": {},
                    "depends_on": [],
                    "enabled": True,
                    "retry": {
                        "max_attempts": 4,
                        "initial_delay_seconds": 0.5,
                        "max_delay_seconds": 8.0,
                        "backoff_multiplier": 3.0,
                        "retry_on_exceptions": ["OSError"],
                    },
                    "circuit_breaker": {
                        "failure_threshold": 3,
                        "success_threshold": 1,
                        "timeout_seconds": 30.0,
                        "half_open_max_calls": 2,
                    },
                },
                {
                    "name": "b",
                    "component_type": "sink",
                    "class_path": GOOD,
                    "resilience": {"retry": {"max_attempts": 2}, "circuit_breaker": {"failure_threshold": 9}},
                },
            ],
        }
    )
    a, b = config.components
    assert a.retry_policy is not None
    assert a.retry_policy.max_attempts == 4
    assert a.breaker_policy is not None
    assert a.breaker_policy.half_open_max_calls == 2
    assert b.retry_policy is not None
    assert b.retry_policy.max_attempts == 2
    assert b.breaker_policy is not None
    assert b.breaker_policy.failure_threshold == 9


def test_the_defaults_of_retries_are_those_of_the_peer_package() -> None:
    from pyspark_pipeline_framework.core.config import CircuitBreakerConfig, RetryConfig

    component = ComponentConfig(name="a", class_path=GOOD, retry={}, circuit_breaker={})  # type: ignore[arg-type]
    assert component.retry is not None
    assert component.retry.model_dump() == vars(RetryConfig())
    assert component.circuit_breaker is not None
    assert component.circuit_breaker.model_dump() == vars(CircuitBreakerConfig())


def test_numbers_serve_as_names_versions_and_spark_settings() -> None:
    """YAML reads ``version: 1`` as a number; the author means its text."""
    config = load_pipeline_config(
        {
            "name": 2024,
            "version": 1,
            "components": [{"name": 7, "class_path": GOOD}, {"name": "b", "class_path": GOOD, "depends_on": [7]}],
            "spark": {"spark_conf": {"a": 8, "b": True}},
        }
    )
    assert (config.name, config.version, order(config)) == ("2024", "1", ["7", "b"])
    assert config.spark.to_spark_conf() == {"a": "8", "b": "true"}


@pytest.mark.parametrize(
    ("section", "conf"),
    [
        ({}, {}),
        ({"app_name": "x", "master": "local[2]"}, {"spark.app.name": "x", "spark.master": "local[2]"}),
        (
            {"driver_memory": "2g", "executor_memory": "4g", "executor_cores": 2, "num_executors": 3},
            {
                "spark.driver.memory": "2g",
                "spark.executor.memory": "4g",
                "spark.executor.cores": "2",
                "spark.executor.instances": "3",
            },
        ),
        ({"num_executors": 3, "dynamic_allocation": True}, {"spark.dynamicAllocation.enabled": "true"}),
        ({"master": "yarn", "spark_conf": {"spark.master": "local[1]"}}, {"spark.master": "local[1]"}),
    ],
)
def test_the_spark_section_becomes_spark_properties(section: dict[str, Any], conf: dict[str, str]) -> None:
    config = load_pipeline_config(MAPPING | {"spark": section})
    assert config.spark.to_spark_conf() == conf


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ({"b": [], "a": [], "c": []}, ["b", "a", "c"]),
        ({"b": ["a"], "a": []}, ["a", "b"]),
        ({"d": ["b", "c"], "c": ["a"], "b": ["a"], "a": []}, ["a", "c", "b", "d"]),
        ({"z": [], "late": ["z"], "y": []}, ["z", "late", "y"]),
        ({"x": ["last"], "y": [], "last": []}, ["y", "last", "x"]),
    ],
)
def test_dependencies_come_first_and_otherwise_the_authors_order_is_kept(
    depends_on: dict[str, list[str]], expected: list[str]
) -> None:
    assert order(pipeline(**depends_on)) == expected


def test_a_disabled_component_is_left_out_of_the_order_but_keeps_its_place_for_others() -> None:
    config = PipelineConfig(
        name="p",
        components=[
            ComponentConfig(name="c", class_path=GOOD, depends_on=["b"]),
            ComponentConfig(name="b", class_path=GOOD, depends_on=["a"], enabled=False),
            ComponentConfig(name="a", class_path=GOOD),
        ],
    )
    assert order(config) == ["a", "c"]


def test_a_config_cannot_be_changed_after_validation() -> None:
    config = load_pipeline_config(MAPPING)
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> dict[str, list[str]]:
    """A random graph without cycles, written down in a random order."""
    size = draw(st.integers(1, most))
    names = [f"c{i}" for i in range(size)]
    edges = {name: draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else [] for i, name in enumerate(names)}
    return {name: edges[name] for name in draw(st.permutations(names))}


@given(graphs())
def test_every_graph_is_ordered_with_dependencies_first_and_the_earliest_ready_one_next(
    depends_on: dict[str, list[str]],
) -> None:
    """The order has one definition: at each step the first component, as written, whose dependencies are done."""
    expected: list[str] = []
    while len(expected) < len(depends_on):
        expected.append(
            next(n for n, others in depends_on.items() if n not in expected and set(others) <= set(expected))
        )
    assert order(pipeline(**depends_on)) == expected


@given(graphs(most=8))
def test_the_width_is_the_size_of_the_largest_set_without_an_order(graph: dict[str, list[str]]) -> None:
    """Compared with every set there is."""
    below = {name: descendants(graph, {name}) for name in graph}
    free = [
        len(names)
        for size in range(len(graph) + 1)
        for names in itertools.combinations(graph, size)
        if not any(b in below[a] or a in below[b] for a, b in itertools.combinations(names, 2))
    ]
    assert graph_width(graph) == max(free)


@given(graphs(), st.data())
def test_every_cycle_is_reported_as_a_closed_path_of_real_dependencies(
    depends_on: dict[str, list[str]], data: st.DataObject
) -> None:
    names = list(depends_on)
    first, second = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    depends_on = {**depends_on, first: [*depends_on[first], second]}
    depends_on[second] = [*depends_on[second], first]
    if first == second:
        return
    with pytest.raises(PipelineConfigError) as caught:
        pipeline(**depends_on)
    found = [
        p.message.removeprefix("dependency cycle: ").partition(";")[0].split(" -> ") for p in caught.value.problems
    ]
    assert found
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert all(later in depends_on[earlier] for earlier, later in itertools.pairwise(cycle))
