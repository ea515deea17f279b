"""The generated parts of the reference are whole, and their examples are valid."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from pydantic import BaseModel

from airflow_provider.errors import AttemptStopped, PySparkPipelineError
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator
from tests.unit.docs.pages import ROOT

EXTENSION = str(ROOT / "docs" / "_ext")


@pytest.fixture(scope="module")
def generators() -> Iterator[Any]:
    """Import a module of the docs' extension by its name."""
    sys.path.insert(0, EXTENSION)
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        return __import__(name)

    yield load
    sys.path.remove(EXTENSION)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(EXTENSION):
            del sys.modules[name]


def models(generators: Any) -> dict[str, type[BaseModel]]:
    reference = generators("config_reference")
    found: dict[str, type[BaseModel]] = reference.pipeline_models() | reference.component_models()
    return found


def names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def test_every_field_of_the_config_has_an_example_and_no_example_is_left_over(generators: Any) -> None:
    shown = {title: set(fields) for title, fields in generators("config_reference").examples().items()}
    assert shown == {title: names(model) for title, model in models(generators).items()}


WITH: dict[str, dict[str, Any]] = {
    "Pipeline": {"name": "p", "components": [{"name": "a", "class_path": "x.y"}]},
    "Component": {"name": "c", "class_path": "x.y"},
    "Restart from": {"components": ["a"]},
    "CheckData": {"input_view": "v", "min_rows": 1},
    "WriteData": {"input_view": "v", "path": "/data"},
    "ReadData": {"output_view": "v", "path": "/data"},
    "RunSql": {"sql": "SELECT 1"},
}
INSTEAD = {"table": ("path",), "sql_file": ("sql",), "restart_from": ()}
ALSO: dict[tuple[str, str], dict[str, Any]] = {
    ("WriteData", "mode"): {"partition_by": ["day"]},
    ("WriteData", "replace_table"): {"table": "t", "path": None},
    ("ReadData", "schema_file"): {},
    ("ReadData", "corrupt_records_view"): {"format": "csv"},
    ("ReadData", "max_corrupt_records"): {"format": "csv"},
    ("Pipeline", "restart_from"): {"components": [{"name": "enrich", "class_path": "x.y"}]},
}


def test_each_example_is_valid(generators: Any) -> None:
    shown = generators("config_reference").examples()
    for title, model in models(generators).items():
        for name, value in shown[title].items():
            given = WITH.get(title, {}) | ALSO.get((title, name), {}) | {name: value}
            given = {key: item for key, item in given.items() if key not in INSTEAD.get(name, ()) and item is not None}
            model.model_validate(given)


def test_the_page_has_every_field_with_its_type(generators: Any) -> None:
    reference = generators("config_reference")
    page = reference.fields_page(reference.pipeline_models())
    for title, model in reference.pipeline_models().items():
        for name in names(model):
            assert f"({reference.anchor(title)}-{name})=\n### `{name}`" in page
    assert "`auto` · `resume` · `restart` · default `auto`" in page


@pytest.mark.parametrize("operator", [PySparkPipelineOperator, PySparkPipelineSubmitOperator])
def test_every_parameter_of_an_operator_is_described(generators: Any, operator: type) -> None:
    own = set()
    for kind in operator.__mro__:
        if kind.__module__.startswith("airflow_provider") and "__init__" in vars(kind):
            signature = inspect.signature(vars(kind)["__init__"])
            own |= {name for name, found in signature.parameters.items() if found.kind is found.KEYWORD_ONLY}
    of_airflow = set(inspect.signature(SparkSubmitOperator.__init__).parameters)
    described = set(generators("operator_reference").parameters_of(operator))
    assert own - of_airflow <= described


def test_every_exception_has_a_remedy_and_no_remedy_is_left_over(generators: Any) -> None:
    reference = generators("error_reference")
    known = reference.exceptions()
    assert set(reference.remedies()) == set(known)
    assert all(issubclass(kind, (PySparkPipelineError, AttemptStopped)) for kind in known.values())


def test_the_generated_pages_are_written(generators: Any, tmp_path: Path) -> None:
    """They come from the parsers, the provider's metadata, the classes, and the rows of the tests."""
    generators("reference_pages").write_pages(tmp_path)
    assert "airflow pyspark-pipeline restart-from" in (tmp_path / "commands.md").read_text()
    assert "python -m airflow_provider run" in (tmp_path / "commands.md").read_text()
    assert "save_patience_seconds" in (tmp_path / "settings.md").read_text()
    assert "StaleAttemptError" in (tmp_path / "errors.md").read_text()
    table = (tmp_path / "left-behind.md").read_text()
    assert "| a global | `jobs.RATE = 9` | replayed | refused |" in table
    assert "| a Python data source | `spark.dataSource.register(Dice)` | replayed | missing, and said |" in table
