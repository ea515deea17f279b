"""DAG files are parsed all the time, so what they import of this package must stay light.

Airflow itself imports much. What counts is what comes on top, in a fresh interpreter: nothing but this package's own
modules, and of these neither the engine nor the stores. In particular nothing new of pyspark, pydantic, OpenLineage,
Airflow's models, SQLAlchemy, rich, tenacity or yaml. ``benchmarks/import_cost.py`` measures time and memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ADDED = """
import sys
{before}
before = set(sys.modules)
{code}
print(*sorted(set(sys.modules) - before))
"""

AIRFLOW = """
import airflow.sdk, airflow.providers.common.compat.sdk
from airflow.sdk import DAG, BaseOperator, BaseOperatorLink  # which Airflow 3.4 imports when they are named
"""

PLAIN_TASK = f"""{AIRFLOW}
from airflow.sdk import DAG, BaseOperator
with DAG("plain"):
    BaseOperator(task_id="plain")
    BaseOperator.partial(task_id="mapped").expand(doc=["a", "b"])
"""

OPERATOR = "from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator as Operator"
SUBMIT = "from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator as Operator"
DECORATOR = "from airflow_provider.decorators.task_decorator import pyspark_pipeline_task as decorate"
DICT = "{'name': 'p', 'components': [{'name': 'a', 'class_path': 'package.Component'}]}"


def added(code: str, folder: Path, before: str = AIRFLOW) -> set[str]:
    """Return the modules that some code imports in a fresh interpreter, without the standard library's."""
    done = subprocess.run(
        [sys.executable, "-c", ADDED.format(before=before, code=code)],
        env={**os.environ, "AIRFLOW_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.splitlines()[-1].split()
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def too_much(modules: set[str]) -> set[str]:
    """Return what a DAG file should not have to import."""
    light = {  # what the author's task is made of
        "airflow.sdk.bases.decorator",
        "airflow.sdk.bases.operatorlink",
        "airflow.sdk.definitions._internal.contextmanager",
    }
    ours = {name for name in modules if name.partition(".")[0] == "airflow_provider"}
    engine = {name for name in ours if name.startswith(("airflow_provider.runner", "airflow_provider.stores"))}
    return modules - ours - light | engine


@pytest.mark.parametrize(
    "module",
    [
        "operators.pyspark_pipeline",
        "operators.pyspark_pipeline_submit",
        "operators.links",
        "decorators.task_decorator",
    ],
)
def test_importing_it_imports_nothing_that_only_a_run_needs(module: str, tmp_path: Path) -> None:
    """On top of ``airflow.sdk`` and Airflow's compatibility module."""
    found = added(f"import airflow_provider.{module}", tmp_path)

    assert f"airflow_provider.{module}" in found
    assert too_much(found) == set()


def test_the_provider_info_needs_nothing_at_all(tmp_path: Path) -> None:
    """Every Airflow process reads it when it starts, and it does so without Airflow."""
    found = added("import airflow_provider.provider_info", tmp_path, before="")

    assert found == {"airflow_provider", "airflow_provider.provider_info"}


@pytest.mark.parametrize(
    "code",
    [
        f"{OPERATOR}\nwith DAG('d'):\n    Operator(task_id='t', pipeline='pipeline.yaml')",
        f"{OPERATOR}\nwith DAG('d'):\n    Operator.partial(task_id='t').expand(pipeline=['a.yaml', 'b.yaml'])",
        f"{SUBMIT}\nwith DAG('d'):\n    Operator(task_id='t', pipeline='pipeline.yaml', checkpoint_url='s3a://b/c')",
        f"{DECORATOR}\nwith DAG('d'):\n    @decorate\n    def t():\n        return {DICT}\n    t()",
    ],
    ids=["file", "mapped", "submit file", "decorator"],
)
def test_a_task_in_a_dag_imports_nothing_that_only_a_run_needs(code: str, tmp_path: Path) -> None:
    """On top of tasks that do nothing; the pipeline is read when the task runs."""
    assert too_much(added(code, tmp_path, before=PLAIN_TASK)) == set()


@pytest.mark.parametrize("task", ["Operator(task_id='t'", "Operator(task_id='t', checkpoint_url='s3a://b/c'"])
def test_a_pipeline_in_the_dag_file_is_checked_with_its_config_alone(task: str, tmp_path: Path) -> None:
    """pydantic and yaml come along; Spark, stores and what runs a pipeline do not."""
    operator = SUBMIT if "checkpoint_url" in task else OPERATOR
    found = added(f"{operator}\nwith DAG('d'):\n    {task}, pipeline={DICT})", tmp_path, before=PLAIN_TASK)

    heavy = ("pyspark", "py4j", "pandas", "openlineage", "sqlalchemy", "tenacity", "rich")
    assert not [name for name in found if name.partition(".")[0] in heavy]
    spared = ("airflow_provider.stores", "airflow_provider.launch.", "airflow_provider.runner.running")
    light = {"airflow_provider.launch.spark_properties", "airflow_provider.launch.driver_addresses"}
    assert not [name for name in found if name.startswith(spared) and name not in light]
