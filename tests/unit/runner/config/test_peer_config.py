"""Config files of pyspark-pipeline-framework 1.0.0 load as they are; what they ask for in vain is told, key by key."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import PipelineConfig, SimplePipelineRunner, load_pipeline_config
from airflow_provider.runner.config.peer_config import from_peer_config
from tests.conftest import Script

GOOD = "tests.samples.components.basic.NoConfig"
ANY = "tests.samples.components.basic.scripted"

EVERYTHING = f"""
name = "daily-sales"
version = "2.1.0"
environment = "prod"
mode = "batch"
spark {{
  app_name = "Daily sales"
  master = "yarn"
  deploy_mode = "client"
  driver_memory = "3g"
  driver_cores = 2
  executor_memory = "6g"
  executor_cores = 3
  num_executors = 5
  dynamic_allocation = false
  spark_conf {{ "spark.sql.shuffle.partitions" = "64" }}
}}
hooks {{
  logging {{ level = "DEBUG", format = "text", output = "stderr", structured = false }}
  metrics {{ enabled = true, backend = "opentelemetry", push_gateway_url = "http://gate:9091",
             export_interval_seconds = 30 }}
  audit {{ enabled = true, include_data_samples = true, audit_trail_path = "/var/audit", retention_days = 7 }}
}}
secrets {{ provider = "vault", vault_url = "https://vault", vault_token = "hvs.token", cache_ttl_seconds = 60 }}
components = [
  {{
    name = "orders", component_type = "source", class_path = "{ANY}", enabled = true
    config {{ name = "orders", login {{ password = "secret://env/DB_PASSWORD" }} }}
    retry {{ max_attempts = 3, initial_delay_seconds = 1.0, max_delay_seconds = 60.0, backoff_multiplier = 2.0,
             retry_on_exceptions = ["IOError"] }}
    circuit_breaker {{ failure_threshold = 5, success_threshold = 2, timeout_seconds = 60.0, half_open_max_calls = 1 }}
  }},
  {{
    name = "report", component_type = "sink", class_path = "{GOOD}", depends_on = ["orders"]
    resilience {{ retry {{ max_attempts = 2 }}, circuit_breaker {{ failure_threshold = 9 }} }}
  }}
]
tags {{ team = "sales", cost_center = "7" }}
"""


def loaded(tmp_path: Path, text: str, name: str = "pipeline.conf") -> PipelineConfig:
    path = tmp_path / name
    path.write_text(text)
    return load_pipeline_config(path)


def one(**fields: Any) -> dict[str, Any]:
    return {"name": "p", "components": [{"name": "a", "class_path": GOOD}], **fields}


def problems(source: dict[str, Any]) -> list[str]:
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(source)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_with_every_key_loads_and_keys_without_effect_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = loaded(tmp_path, EVERYTHING)
    assert (config.name, config.version, config.environment) == ("daily-sales", "2.1.0", "prod")
    assert config.tags == {"team": "sales", "cost_center": "7"}
    assert config.spark.to_spark_conf() == {
        "spark.app.name": "Daily sales",
        "spark.master": "yarn",
        "spark.submit.deployMode": "client",
        "spark.driver.memory": "3g",
        "spark.driver.cores": "2",
        "spark.executor.memory": "6g",
        "spark.executor.cores": "3",
        "spark.executor.instances": "5",
        "spark.dynamicAllocation.enabled": "false",
        "spark.sql.shuffle.partitions": "64",
    }
    orders, report = config.components
    assert (orders.component_type, report.depends_on) == ("source", ["orders"])
    assert report.retry_policy is not None
    assert report.retry_policy.max_attempts == 2
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(":")[0].partition(" has")[0] for line in told] == [
        "field 'hooks.logging'",
        "field 'hooks.metrics'",
        "field 'hooks.audit'",
        "field 'secrets'",
        "component 'orders', field 'config.login.password'",
    ]
    assert "the text secret://env/… reaches the component unchanged; keep secrets in an Airflow" in told[-1]
    assert "hvs.token" not in caplog.text
    assert "DB_PASSWORD" not in caplog.text


def test_their_own_models_read_the_same_file(tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    from pyspark_pipeline_framework.core.config import PipelineConfig as Theirs
    from pyspark_pipeline_framework.core.config import load_from_file

    path = tmp_path / "p.conf"
    path.write_text(EVERYTHING)
    found = load_from_file(str(path), Theirs)
    assert [component.name for component in found.components] == ["orders", "report"]


def test_a_file_that_asks_for_nothing_in_vain_is_loaded_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = one(mode="batch", hooks={"metrics": {"enabled": False}, "audit": None}, secrets=None, spark={})
    load_pipeline_config({**quiet, "spark": {"connect_string": None}})
    assert caplog.text == ""


def test_names_with_a_dash_are_read_as_their_loader_reads_them(tmp_path: Path) -> None:
    text = f"""
    name: p
    spark: {{app-name: x, driver-memory: 2g, spark-conf: {{a-b: c}}}}
    components:
      - name: a
        class-path: {ANY}
        component-type: sink
        config: {{name: a, not-a-field: 1}}
        retry: {{max-attempts: 2}}
      - name: b
        class_path: {GOOD}
        depends-on: [a]
        resilience: {{circuit-breaker: {{failure-threshold: 2}}}}
    """
    config = loaded(tmp_path, text, "p.yaml")
    a, b = config.components
    assert (config.spark.app_name, config.spark.driver_memory, config.spark.spark_conf) == ("x", "2g", {"a-b": "c"})
    assert (a.component_type, a.config, b.depends_on) == ("sink", {"name": "a", "not-a-field": 1}, ["a"])
    assert a.retry_policy is not None
    assert a.retry_policy.max_attempts == 2
    assert b.breaker_policy is not None
    assert b.breaker_policy.failure_threshold == 2


def test_an_address_of_connect_is_the_master_and_ignored_settings_are_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spark = {
        "app_name": "x",
        "master": "local[*]",
        "executor_memory": "4g",
        "connect_string": "sc://host:15002/;token=abc",
        "spark_conf": {"spark.sql.ansi.enabled": True},
    }
    config = load_pipeline_config(one(spark=spark))
    assert config.spark.to_spark_conf() == {
        "spark.app.name": "x",
        "spark.master": "sc://host:15002/;token=abc",
        "spark.sql.ansi.enabled": "true",
    }
    (line,) = caplog.messages
    assert line == (
        "field 'spark.connect_string' sets spark.master; a Spark connection of the task overrides it; the "
        "server has already set master, executor_memory, which have no effect here"
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"mode": "streaming"},
            [
                "field 'mode': is 'streaming', but a component is complete when its run() returns, and that of an "
                "endless query never does; let the queries end by themselves (trigger availableNow) and remove this "
                "field"
            ],
        ),
        ({"mode": "overwrite"}, ["field 'mode': is not a known field"]),
        ({"modes": "batch"}, ["field 'modes': is not a known field"]),
        ({"hook": {"logging": {}}}, ["field 'hook': is not a known field"]),
        (
            {"hooks": ["my.Hooks"]},
            [
                "field 'hooks': is a list; hooks are objects: pass them as hooks= to the operator or the runner, "
                "and remove this field"
            ],
        ),
        (
            {"hooks": {"loging": {}, "audit": {"path": "x"}, "metrics": "prometheus"}},
            [
                "field 'hooks.loging': is not a known field; did you mean 'logging'?",
                "field 'hooks.metrics': expected a mapping, got text",
                "field 'hooks.audit.path': is not a known field; choose from 'enabled', 'include_data_samples', "
                "'audit_trail_path', 'retention_days'",
            ],
        ),
        (
            {"secrets": {"vault_tokn": "t"}},
            ["field 'secrets.vault_tokn': is not a known field; did you mean 'vault_token'?"],
        ),
        (
            {"secrets": "env"},
            [
                "field 'secrets': is text; keep secrets in an Airflow connection or variable and write "
                "{{ conn.my_db.password }} or {{ var.value.my_key }}, and remove this field"
            ],
        ),
        (
            {"spark": {"connect_string": "localhost:15002"}},
            ["field 'spark.connect_string': expected an address such as 'sc://host:15002', got text 'localhost:15002'"],
        ),
        (
            {"spark": {"connect_string": 15002}},
            ["field 'spark.connect_string': expected an address such as 'sc://host:15002', got a whole number"],
        ),
        (
            {"spark": {"connect_sting": "sc://h", "app-nam": "x"}},
            [
                "field 'spark.connect_sting': is not a known field; choose from 'app_name', 'master', 'deploy_mode', "
                "'driver_memory', 'driver_cores', 'executor_memory', 'executor_cores', 'num_executors', "
                "'dynamic_allocation', 'spark_conf'",
                "field 'spark.app-nam': is not a known field; did you mean 'app_name'?",
            ],
        ),
        (
            {"spark": {"app-name": "x", "app_name": "y"}},
            ["field 'spark.app-name': is not a known field; did you mean 'app_name'?"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_neither_theirs_nor_ours_is_refused_with_the_remedy(fields: dict[str, Any], told: list[str]) -> None:
    found = problems(one(**fields))
    assert len(found) == len(told)
    assert all(map(str.startswith, found, told)), found  # what stands after it helps with fields of ours


def test_other_problems_of_the_file_are_reported_with_them() -> None:
    source = one(mode="streaming")
    source["components"][0] |= {"class_path": "no.such.Thing", "depnds_on": []}
    found = problems(source)
    assert [problem.partition(":")[0] for problem in found] == [
        "field 'mode'",
        "component 'a', field 'depnds_on'",
        "component 'a', field 'class_path'",
    ]


def test_what_refers_to_itself_or_multiplies_is_looked_at_once(caplog: pytest.LogCaptureFixture) -> None:
    part: Any = ["secret://env/KEY"]
    for _ in range(60):
        part = [part, part]
    source = one()
    source["components"][0] |= {"class_path": ANY, "config": {"name": "a", "part": part}}
    circle: dict[str, Any] = {}
    circle["again"] = circle
    fields, found = from_peer_config({**source, "spark": circle, "tags": circle})
    assert not found
    assert fields["components"][0] is source["components"][0]
    assert len(caplog.messages) == 1


def test_a_config_that_is_given_in_python_stays_strict() -> None:
    with pytest.raises(PipelineConfigError, match="field 'mode': is not a known field"):
        PipelineConfig.model_validate(one(mode="batch"))


def test_a_config_of_their_classes_is_taken_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from pyspark_pipeline_framework.core.config import PipelineConfig as Theirs
    from pyspark_pipeline_framework.core.config import load_from_file

    path = tmp_path / "p.conf"
    path.write_text(EVERYTHING)
    theirs: Any = load_from_file(str(path), Theirs)
    config, same = load_pipeline_config(theirs), load_pipeline_config(path)
    assert [c.model_dump(exclude={"resilience"}) for c in config.components[:1]] == [
        c.model_dump(exclude={"resilience"}) for c in same.components[:1]
    ]
    assert config.components[1].retry_policy == same.components[1].retry_policy
    assert (config.tags, config.environment) == (same.tags, "prod")
    assert config.spark.to_spark_conf() == same.spark.to_spark_conf()
    with pytest.raises(PipelineConfigError, match=r"expected a PipelineConfig, got a pyspark_pipeline_framework\."):
        SimplePipelineRunner(theirs)


@pytest.mark.parametrize("wrong", [{"name": "p"}, "pipeline.yaml", None])
def test_a_runner_without_a_config_says_how_to_make_one(wrong: Any) -> None:
    with pytest.raises(
        PipelineConfigError, match=r"expected a PipelineConfig, got .*; make one with load_pipeline_config"
    ):
        SimplePipelineRunner(wrong)


def test_a_file_of_variables_is_left_as_it_is(tmp_path: Path) -> None:
    """``--vars`` reads files of its own, whose names are the author's."""
    from airflow_provider.runner.config.config_file import read_config_file

    path = tmp_path / "vars.yaml"
    path.write_text("mode: batch\nhooks: {logging: {}}\nsecrets: x\n")
    assert read_config_file(path) == {"mode": "batch", "hooks": {"logging": {}}, "secrets": "x"}


def test_a_runner_is_made_from_a_file_as_theirs_is(tmp_path: Path, script: Script) -> None:
    path = tmp_path / "p.conf"
    path.write_text(EVERYTHING)
    spark: Any = object()
    result = SimplePipelineRunner.from_file(path, spark=spark).run()
    assert (result.status.value, [r.duration_ms >= 0 for r in result.component_results]) == ("success", [True, True])
    assert result.total_duration_ms == int(result.duration_seconds * 1000)
