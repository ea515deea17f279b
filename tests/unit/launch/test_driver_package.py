"""What travels to a driver that spark-submit starts, and which checkpoints it can reach."""

from __future__ import annotations

import datetime
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider.errors import PipelineConfigError
from airflow_provider.launch.driver_addresses import driver_address, refusal, worker_address
from airflow_provider.launch.driver_package import Shipment, pipeline_text, write_engine
from airflow_provider.runner import PipelineConfig, compute_pipeline_fingerprint, load_pipeline_config
from tests.samples.components.basic import scripted


def test_the_engine_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    """A cluster that caches what it is sent sees nothing new in a retry."""
    for name in ("one", "two"):
        write_engine(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_engine_needs_no_airflow(tmp_path: Path) -> None:
    """From the zip alone, with the driver's requirements, everything is imported that a driver uses."""
    write_engine(tmp_path / "engine.zip")
    modules = "runner.running.attempt, {0}.runner.running.airflow_attempt, {0}.components, {0}.stores.location"
    code = (
        "import sys; sys.modules['airflow'] = None\n"
        f"import airflow_provider.{modules.format('airflow_provider')}\n"
        "print(airflow_provider.__file__, *sorted(name for name in sys.modules if name.startswith('airflow.')))\n"
        "from airflow_provider.runner.session_state.probes.jvm_helpers import java_sources\n"
        "assert all(java_sources().values())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "engine.zip")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "engine.zip" / "airflow_provider" / "__init__.py")]


CONFIG = {
    "name": "p",
    "components": [
        {
            "name": "日本\n",
            "class_path": "nowhere.at_all",
            "config": {
                "day": datetime.date(2026, 1, 1),
                "at": datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC),
                "raw": b"\x00\xff",
                "text": "2026-01-01",
                1: [1.5e300, None, True, "yes", "", "null"],
                "some": {"a", "b"},
            },
        }
    ],
}


def test_a_pipeline_arrives_as_it_was_sent() -> None:
    """Dates stay dates and texts that look like dates stay texts, so the fingerprint is the same there."""
    config = PipelineConfig.model_validate(CONFIG)

    arrived = PipelineConfig.model_validate(yaml.safe_load(pipeline_text(config)))

    assert arrived == config
    assert compute_pipeline_fingerprint(arrived) == compute_pipeline_fingerprint(config)


def test_what_cannot_travel_is_a_config_error() -> None:
    """The message names its type and what to do."""
    component = {"name": "a", "class_path": "nowhere.at_all", "config": {"path": Path("/x")}}
    config = PipelineConfig.model_validate({"name": "p", "components": [component]})
    with pytest.raises(PipelineConfigError, match=r"PosixPath .* cannot travel to the driver; write it as a string"):
        pipeline_text(config)


def inner_component() -> Any:
    def component(spark: Any) -> None:
        """Nothing that a driver could import."""

    return component


@pytest.mark.parametrize("where", ["unusual_prefix_" + "a" * 40 + "_my_dag", "__main__", None])
def test_a_function_that_the_driver_cannot_import_is_refused(where: str | None) -> None:
    """It would be looked for in a module that is not there, or found in another one of that name."""
    target = inner_component()
    if where:
        target.__module__, target.__qualname__ = where, "load"
    component = {"name": "a", "class_path": target}
    config = PipelineConfig.model_validate({"name": "p", "components": [component]})
    with pytest.raises(
        PipelineConfigError, match=r"'a'.*class_path.* of .*test_driver_package\.py cannot .* in 'py_files'"
    ):
        pipeline_text(config)
    off = {**component, "enabled": False}
    travels = {"name": "b", "class_path": scripted}
    config = PipelineConfig.model_validate({"name": "p", "components": [off, travels]})
    assert yaml.safe_load(pipeline_text(config))["components"][1] == {
        "name": "b",
        "class_path": "tests.samples.components.basic.scripted",
    }


@pytest.mark.parametrize(
    ("url", "remote", "why"),
    [
        (None, False, "only the task itself can reach Airflow's task state store"),
        ("", True, "only the task itself can reach Airflow's task state store"),
        ("/shared/checkpoints", False, None),
        ("file:///shared/checkpoints", False, None),
        ("/shared/checkpoints", True, "the directory '/shared/checkpoints' is on the worker"),
        ("file:///shared/checkpoints", True, "the directory 'file:///shared/checkpoints' is on the worker"),
        ("s3a://bucket/prefix", False, None),
        ("s3a://bucket/prefix", True, None),
        ("hdfs://namenode/prefix", True, None),
    ],
)
def test_a_checkpoint_that_the_driver_cannot_reach_is_refused(url: str | None, remote: bool, why: str | None) -> None:
    """The reason comes with the remedy."""
    found = refusal(url, remote=remote)
    assert (found is None) == (why is None)
    if found is not None and why is not None:
        assert why in found
        assert "set checkpoint_url to an address" in found


@pytest.mark.parametrize(
    ("given", "on_the_driver", "on_the_worker"),
    [
        ("s3://my_aws@bucket/a/b", "s3a://bucket/a/b", "s3://my_aws@bucket/a/b"),
        ("s3a://bucket/a", "s3a://bucket/a", "s3://bucket/a"),
        ("gs://my_gcp@bucket/a", "gs://bucket/a", "gs://my_gcp@bucket/a"),
        ("hdfs://namenode:8020/a", "hdfs://namenode:8020/a", "hdfs://namenode:8020/a"),
        ("abfss://box@acc.dfs.core.windows.net/a", "abfss://box@acc.dfs.core.windows.net/a", None),
        ("/shared/a", "/shared/a", "/shared/a"),
    ],
)
def test_driver_and_worker_each_use_an_address_of_their_own(
    given: str, on_the_driver: str, on_the_worker: str | None
) -> None:
    """The driver has the cluster's credentials, and Airflow's connections are for the worker."""
    assert driver_address(given) == on_the_driver
    assert worker_address(given) == (on_the_worker or given)


@pytest.mark.parametrize("remote", [False, True])
def test_a_request_is_for_this_user_only_and_is_gone_at_the_end(remote: bool) -> None:
    """A rendered config may hold secrets. A driver on this host reads it in place, so executors do not get it."""
    with Shipment({"pipeline": "text"}, remote=remote) as shipment:
        content: dict[str, Any] = json.loads(shipment.request.read_text())
        assert content.pop("pipeline") == "text"
        assert sorted(content) == ([] if remote else ["alive", "outcome"])
        assert stat.S_IMODE(shipment.request.stat().st_mode) == 0o600
        assert stat.S_IMODE(shipment.request.parent.stat().st_mode) == 0o700
        assert shipment.files == ([str(shipment.request)] if remote else [])
        assert shipment.arguments == ([shipment.request.name] if remote else [str(shipment.request)])
        assert shipment.outcome() is None
    assert not shipment.request.parent.exists()


def test_the_pipeline_of_a_file_keeps_its_content(tmp_path: Path) -> None:
    """What the author left out stays left out on the way, so defaults are those of the engine that runs it."""
    (tmp_path / "p.yaml").write_text(
        "{name: p, components: [{name: a, class_path: tests.samples.components.basic.NoConfig}]}"
    )
    assert yaml.safe_load(pipeline_text(load_pipeline_config(tmp_path / "p.yaml"))) == {
        "name": "p",
        "components": [{"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}],
    }
