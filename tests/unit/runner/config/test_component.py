"""What may be a component, and how it is built, opened and closed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner import (
    ComponentConfig,
    DataFlow,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
    SimplePipelineRunner,
)
from airflow_provider.runner.config.component import build_component
from tests.conftest import Script
from tests.samples.components.basic import NoConfig

SAMPLES = "tests.samples.components.basic"


def run(kind: str, config: dict[str, Any] | None = None, spark: Any = None) -> PipelineResult:
    component = ComponentConfig(name="a", class_path=f"{SAMPLES}.{kind}", config=config or {})
    return SimplePipelineRunner(PipelineConfig(name="p", components=[component]), spark=spark or object()).run()


@pytest.mark.parametrize(
    ("kind", "config", "calls"),
    [
        ("scripted", {"name": "a function"}, ["a function"]),
        ("scripted", {"name": "a function", "more": [1]}, ["a function"]),
        ("NoConfig", {}, ["NoConfig"]),
        ("Modelled", {"limit": 5}, ["limit 5"]),
        ("Modelled", {"limit": "5"}, ["limit 5"]),
        ("Opened", {}, ["open", "run", "close"]),
    ],
)
def test_a_function_or_a_class_with_run_is_a_component(
    script: Script, kind: str, config: dict[str, Any], calls: list[str]
) -> None:
    assert run(kind, config).status is PipelineResultStatus.SUCCESS
    assert script.calls == calls


@pytest.mark.parametrize("error", [ValueError("broke"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_what_was_opened_is_closed_whatever_happens(script: Script, error: BaseException) -> None:
    script.fail("Opened", error)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            run("Opened")
    else:
        ((_, raised),) = run("Opened").failed_components
        assert raised is error
    assert script.calls == ["open", "run", "close"]


def test_a_session_is_opened_only_when_the_first_component_runs(script: Script) -> None:
    """A run in which everything is reused needs no Spark at all."""
    opened: list[str] = []

    def open_spark() -> Any:
        opened.append("opened")
        return object()

    component = ComponentConfig(name="a", class_path=f"{SAMPLES}.NoConfig")
    runner = SimplePipelineRunner(PipelineConfig(name="p", components=[component]), spark=open_spark)
    runner.run(completed_components={"a"})
    assert opened == []
    runner.run()
    runner.run()
    assert opened == ["opened"]


def test_a_session_that_cannot_be_opened_is_no_failure_of_a_component(script: Script) -> None:
    def open_spark() -> Any:
        raise ConnectionError("no master")

    component = ComponentConfig(name="a", class_path=f"{SAMPLES}.NoConfig")
    with pytest.raises(ConnectionError, match="no master"):
        SimplePipelineRunner(PipelineConfig(name="p", components=[component]), spark=open_spark).run()


def test_the_base_class_has_a_name_a_logger_and_a_session() -> None:
    session = object()
    component = NoConfig()
    with pytest.raises(RuntimeError, match="component 'NoConfig' has no Spark session yet"):
        _ = component.spark
    component.set_spark_session(session)  # type: ignore[arg-type]
    assert component.spark is session
    assert component.name == "NoConfig"
    assert component.logger is logging.getLogger("tests.samples.components.basic.NoConfig")
    assert isinstance(component, DataFlow)
    assert component.base_dir == Path()


def test_a_class_whose_run_is_not_the_base_classs_is_found_by_an_own_from_config(script: Script) -> None:
    """``from_config`` of the author's own decides what its config means."""
    from tests.samples.components.peer import EVENTS

    EVENTS.clear()
    component = ComponentConfig(
        name="a", class_path="tests.samples.components.peer.CountWithConnection", config={"view": "v", "unknown": 1}
    )
    result = SimplePipelineRunner(PipelineConfig(name="p", components=[component]), spark=object()).run()  # type: ignore[arg-type]
    assert result.status is PipelineResultStatus.FAILURE, "object() has no table()"
    assert EVENTS == ["open", "close"]
    EVENTS.clear()


def test_why_run_failed_is_not_hidden_by_a_close_that_fails_too() -> None:
    """From public reports, such as mosquito/aio-pika 273: only the second error was to be seen."""

    class Broken:
        spark = None

        def open(self) -> None: ...

        def run(self) -> None:
            raise ValueError("why")

        def close(self) -> None:
            raise OSError("already gone")

    with pytest.raises(ValueError, match="why"):
        build_component(Broken, {}, None, Path())()


def test_a_from_config_that_forgets_to_return_is_named() -> None:
    class Forgets:
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> None:
            cls()

        def run(self) -> None: ...

    with pytest.raises(TypeError, match=r"Forgets\.from_config\(\) returned nothing, not a component"):
        build_component(Forgets, {}, None, Path())
