"""What both operators share: parameters, their defaults, and the config that they hand on."""

from __future__ import annotations

from inspect import Parameter, signature
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider.operators.pipeline_operator import POLICY_FIELDS, PipelineOperator
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from airflow_provider.runner import InMemoryCheckpointStore, PipelineConfig
from airflow_provider.runner.config import policies
from airflow_provider.runner.observing.result import PipelineResult, PipelineResultStatus
from airflow_provider.runner.running import airflow_attempt

STEP = {"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[PipelineConfig]:
    """The configs that attempts are given; nothing runs."""
    given: list[PipelineConfig] = []

    def attempt(run: Any, *_: Any, **__: Any) -> PipelineResult:
        given.append(run.config)
        return PipelineResult("p", PipelineResultStatus.SUCCESS, (), 0.0)

    monkeypatch.setattr(airflow_attempt, "run_airflow_attempt", attempt)
    return given


def execute(pipeline: Any, dag: DAG | None = None, *, parameters: dict[str, Any] | None = None, **context: Any) -> None:
    operator = PySparkPipelineOperator(
        dag=dag,
        task_id="t",
        pipeline=pipeline,
        conn_id=None,
        spark_conf={"spark.master": "local[2]"},
        checkpoint_store=InMemoryCheckpointStore(),
        **(parameters or {}),
    )
    ti = SimpleNamespace(dag_id="d", task_id="t", map_index=-1, try_number=1, max_tries=1)
    operator.execute({"ti": ti, "run_id": "r", **context})


def test_no_module_counts_as_harmless_by_default(configs: list[PipelineConfig]) -> None:
    execute({"name": "p", "components": [STEP]})
    assert configs[0].harmless_modules == []


def test_airflows_configuration_is_added_to_the_pipelines_own(
    configs: list[PipelineConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, whether commas or spaces are between them."""
    monkeypatch.setenv("AIRFLOW__PYSPARK_PIPELINE__HARMLESS_MODULES", "our.text, geopy.distance own")
    fields = {"name": "p", "components": [STEP], "harmless_modules": ["own"]}
    execute(fields)
    execute(PipelineConfig.model_validate(fields))
    assert [config.harmless_modules for config in configs] == [["own", "our.text", "geopy.distance"]] * 2


OPERATORS = (PySparkPipelineOperator, PySparkPipelineSubmitOperator)
SHARED = [p.name for p in signature(PipelineOperator.__init__).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]


def test_every_policy_of_a_pipeline_is_a_templated_parameter_of_both_operators() -> None:
    """A new policy of the config fails here until the base of the operators has it, and nothing else needs it."""
    values = [value for name, value in vars(policies).items() if name[0].isupper() and name != "Literal"]
    fields = {name for name, field in PipelineConfig.model_fields.items() if field.annotation in values}
    assert fields == set(POLICY_FIELDS)
    assert fields <= set(SHARED)
    for operator in OPERATORS:
        assert fields < set(operator.template_fields)


@pytest.mark.parametrize(("given", "found"), [("3", 3), ("auto", "auto"), (2, 2)])
def test_the_operators_number_of_parallel_components_counts(
    given: int | str, found: int | str, configs: list[PipelineConfig]
) -> None:
    """A template renders to text."""
    fields = {"name": "p", "components": [STEP], "max_parallel_components": 8}
    execute(fields, parameters={"max_parallel_components": given})
    assert configs[0].max_parallel_components == found


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_dags_default_args_reach_every_shared_parameter(operator: type[PipelineOperator]) -> None:
    """As with any operator of Airflow's, and what the task gives itself wins."""
    given: dict[str, Any] = {name: name for name in SHARED if name not in ("checkpoint_store", "validate_when_parsed")}
    given |= {"pipeline": "p.yaml", "checkpoint_url": "s3a://b/c"}
    with DAG("d", default_args=given):
        assert given.items() <= vars(operator(task_id="t")).items()
        assert operator(task_id="own", session_state="save").session_state == "save"


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_mapped_task_takes_the_shared_parameters(operator: type[PipelineOperator]) -> None:
    """In ``partial`` as in ``expand``; an unknown one is refused in both."""
    with DAG("d"):
        operator.partial(task_id="t", on_clear="resume").expand(pipeline=["a.yaml", "b.yaml"])
        with pytest.raises(TypeError, match="on_claer"):
            operator.partial(task_id="u", on_claer="resume").expand(pipeline=["a.yaml"])


def test_every_shared_parameter_is_documented_once() -> None:
    """With the base; the operators say so."""
    for name in SHARED:
        assert f":param {name}:" in str(PipelineOperator.__doc__), name
        for operator in OPERATORS:
            assert f":param {name}:" not in str(operator.__doc__), name
    for operator in OPERATORS:
        assert "~airflow_provider.operators.pipeline_operator.PipelineOperator" in str(operator.__doc__)


def test_a_mapped_task_whose_index_cannot_be_named_fails_before_its_work(configs: list[PipelineConfig]) -> None:
    """Airflow would fail it after its work, at each try; and no retry can help."""
    with pytest.raises(AirflowFailException, match=r"map_index_template '\{\{ ds \}\}'.*has no logical date"):
        execute({"name": "p", "components": [STEP]}, DAG("d"), map_index_template="{{ ds }}")
    assert configs == []
    execute({"name": "p", "components": [STEP]}, DAG("d"), map_index_template="{{ run_id }}")
    assert len(configs) == 1
