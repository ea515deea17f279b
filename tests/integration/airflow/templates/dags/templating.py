"""Templates where people write them: in SQL files, in native DAGs, in files that only ``template_searchpath`` has."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, task

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": 1, "spark.ui.enabled": "false"}
ONCE = {"retries": 1, "retry_delay": timedelta(0)}
RUN_SQL = "airflow_provider.components.RunSql"
SEARCHED = str(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).parent / "searched")


def tell(spark: SparkSession, view: str, journal: str, failures: int = 0) -> None:
    """Note the rows of a view, and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{json.dumps([list(row) for row in spark.table(view).collect()])}\n")
    if len(Path(journal).read_text().splitlines()) <= failures:
        raise ConnectionError("the service is not up yet")


def note(spark: SparkSession, journal: str, **values: Any) -> None:
    """Note what kinds of values have come."""
    with Path(journal).open("a") as file:
        file.write(f"{json.dumps({key: repr(value) for key, value in values.items()})}\n")


def move_away(spark: SparkSession, folder: str, output_view: str) -> None:
    """Go to a directory that is then removed, and leave a view that is not known to be harmless."""
    Path(folder).mkdir()
    os.chdir(folder)
    Path(folder).rmdir()
    spark.range(2).createOrReplaceTempView(output_view)


def query(name: str, failures: int = 0, told: Any = tell, **config: Any) -> dict[str, Any]:
    component = {"name": "query", "class_path": RUN_SQL, "config": {"output_view": "v", **config}}
    teller = {"view": "v", "journal": "{{ params.journal }}", "failures": failures}
    return {
        "name": name,
        "components": [component, {"name": "told", "class_path": told, "config": teller, "depends_on": ["query"]}],
    }


def dag(name: str, **options: Any) -> DAG:
    return DAG(name, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, **options)


def run(task_id: str, pipeline: Any, **options: Any) -> PySparkPipelineOperator:
    return PySparkPipelineOperator(task_id=task_id, conn_id=None, pipeline=pipeline, **{"spark_conf": LOCAL, **options})


with dag(
    "sql_files",
    template_searchpath=[SEARCHED],
    user_defined_macros={"doubled": lambda number: 2 * number},
    user_defined_filters={"shout": str.upper},
    params={"journal": "", "token": "hunter2"},
    jinja_environment_kwargs={"trim_blocks": True},
):
    run("t", query("sql_files", failures=1, sql_file="sql/all_kinds.sql"), **ONCE)

with dag("wrong_files", params={"journal": ""}):
    run("undefined", query("wrong_files", sql_file="sql/undefined.sql"), **ONCE)
    run("comment", query("wrong_files", sql_file="sql/comment.sql"), **ONCE)
    run("missing", query("wrong_files", sql_file="sql/nowhere.sql"), **ONCE)
    run("comment_tag", query("wrong_files", sql="SELECT regexp_replace('a#b{c', '[{#]', '') AS x"), **ONCE)
    run("as_text", "{{ params.journal and {'name': 'p', 'components': []} }}", **ONCE)

with dag("search_path", template_searchpath=SEARCHED, params={"journal": "", "file": "only_there"}):
    run("t", "{{ params.file }}.yaml", validate_when_parsed=False)

with dag("checked_when_parsed", template_searchpath=[SEARCHED], params={"journal": ""}):
    run("file", "only_there.yaml", validate_when_parsed=True)
    run("inside", query("p", sql_file="sql/{{ ds }}.sql"), validate_when_parsed=True)
    run("searched", query("p", sql_file="sql/searched.sql"), validate_when_parsed=True)

with dag(
    "native",
    render_template_as_native_obj=True,
    params={"journal": "", "rows": 3, "version": "1.10", "conf": {"my.number": "1e5"}},
):
    pipeline = query(
        "native",
        sql_file="sql/native.sql",
        args={
            "version": "1.10",
            "flag": "True",
            "word": "None",
            "code": "1e5",
            "day": "{{ ds_nodash }}",
            "rows": "{{ params.rows }}",
        },
    )
    pipeline["name"] = "{{ logical_date.strftime('%Y%m') if logical_date else '202601' }}"
    pipeline["version"] = "{{ params.version }}"
    values = {
        "text": "1.10",
        "number": "{{ params.rows }}",
        "list": "{{ [params.rows, 'x'] }}",
        "mixed": "a{{ params.rows }}",
        "nested": {"deep": ["07", "{{ params.rows }}", {"none": "None"}]},
        "tuple": "(1, 2)",
        "none": None,
    }
    component = {"name": "kinds", "class_path": note, "config": {"journal": "{{ params.journal }}", **values}}
    pipeline["components"].append(component)
    properties = {"my.version": "1.10", "my.templated": "{{ params.version }}", "my.flag": "True"}
    run("t", pipeline, spark_conf={**LOCAL, **properties})

with dag("whole_native", render_template_as_native_obj=True, params={"journal": ""}):

    @task
    def make(params: Any = None) -> dict[str, Any]:
        config = {"journal": params["journal"], "text": "1.10", "word": "None", "marks": "{{ left }}"}
        component = {"name": "kinds", "class_path": "templating_steps.note", "config": config}
        return {"name": "whole", "components": [component]}

    made = make()
    run("by_template", "{{ ti.xcom_pull(task_ids='make') }}").set_upstream(made)
    run("by_output", made)

with dag("places", params={"journal": "", "here": ""}):
    pipeline = query("places", failures=1, sql_file="{{ params.here }}/late.sql")
    away = {"folder": "{{ params.here }}/away", "output_view": "kept"}
    first = {"name": "away", "class_path": move_away, "config": away, "session_state": "replay"}
    pipeline["components"][0]["depends_on"] = ["away"]
    pipeline["components"].insert(0, first)
    run("t", pipeline, checkpoint_url="relative/checkpoints", session_state_url="relative/views", **ONCE)
