"""Every public name of the runner has an example in its docstring, and each example runs as it is written."""

from __future__ import annotations

import doctest
import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider import runner
from airflow_provider.runner import CheckpointHooks, InMemoryCheckpointStore, SimplePipelineRunner
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

RUN = "run-001"


@pytest.fixture
def names(script: Script, tmp_path: Path) -> dict[str, Any]:
    """What the examples use without saying where it is from."""
    config, store, spark = pipeline("load", component("clean", "load")), InMemoryCheckpointStore(), object()
    fingerprint = runner.compute_pipeline_fingerprint(config)
    hooks = CheckpointHooks(store, RUN, fingerprint)
    SimplePipelineRunner(config, hooks=hooks, spark=spark).run()  # type: ignore[arg-type]
    public = {name: getattr(runner, name) for name in runner.__all__}
    return {**public, "config": config, "store": store, "spark": spark, "tmp_path": tmp_path, "logging": logging}


@pytest.mark.parametrize("name", runner.__all__)
def test_the_example_of_a_public_name_runs(name: str, names: dict[str, Any]) -> None:
    own = getattr(runner, name).__doc__
    example = doctest.DocTestParser().get_doctest(own or "", names, name, None, None)
    assert example.examples, f"{name} has no example in its docstring"
    report: list[str] = []
    outcome = doctest.DocTestRunner().run(example, out=report.append)
    assert not outcome.failed, "".join(report)
