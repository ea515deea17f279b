"""Airflow's own secrets masker is asked, too."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from airflow.sdk.log import mask_secret

from airflow_provider import masking
from airflow_provider.errors import describe
from airflow_provider.launch.spark_properties import masked
from airflow_provider.operators.airflow_secrets import use_airflow_redactor
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator


@pytest.fixture(autouse=True)
def _not_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_redactors", [])


def test_what_airflow_masks_in_its_log_is_masked_in_errors_and_settings() -> None:
    """A connection's password, wherever it turns up, and the names that Airflow calls sensitive."""
    mask_secret("correct-horse")
    error = ConnectionError("login as correct-horse was refused")
    assert describe(error) == "ConnectionError: login as correct-horse was refused"
    use_airflow_redactor()
    use_airflow_redactor()
    assert describe(error) == "ConnectionError: login as *** was refused"
    assert masked({"my.name": "correct-horse", "my.keyfile_dict": "x", "my.n": "1"}) == [
        "my.keyfile_dict=***",
        "my.n=1",
        "my.name=***",
    ]


def test_an_operator_asks_airflow_before_anything_else() -> None:
    """So that the first error can be masked already."""

    class Task(PySparkPipelineOperator):
        def _environment(self) -> Any:
            raise RuntimeError("the first thing")

    context: Any = {}
    with pytest.raises(RuntimeError, match="the first thing"):
        Task(task_id="t", pipeline="nowhere.yaml")._pipeline_run(context)
    assert len(masking._redactors) == 1


def test_without_airflows_masker_our_own_rules_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about it: nobody could do anything."""
    monkeypatch.setitem(sys.modules, "airflow.providers.common.compat.sdk", None)
    use_airflow_redactor()
    assert describe(OSError("password=hunter2")) == "OSError: password=***"
