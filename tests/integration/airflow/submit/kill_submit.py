"""Runs the submitting operator as Airflow's task process does, so that a test can kill it. Argument: a folder."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

FOLDER = Path(sys.argv[1])
STEPS = Path(__file__).parent / "dags" / "submit_steps.py"
JOURNAL = {"journal": str(FOLDER / "journal")}


def main() -> None:
    os.environ["AIRFLOW_CONN_HERE"] = json.dumps({"conn_type": "spark", "host": "local[2]"})
    operator = PySparkPipelineSubmitOperator(
        task_id="task",
        conn_id="here",
        conf={"spark.ui.enabled": False},
        py_files=str(STEPS),
        checkpoint_url=str(FOLDER / "checkpoints"),
        pipeline={
            "name": "linger",
            "components": [
                {"name": "make", "class_path": "submit_steps.make", "config": JOURNAL},
                {"name": "linger", "class_path": "submit_steps.linger", "config": {**JOURNAL, "seconds": 600}},
            ],
        },
    )
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    ti = SimpleNamespace(dag_id="dag", task_id="task", map_index=-1, try_number=1, max_tries=1, stats_tags={})
    try:
        operator.execute({"ti": ti, "run_id": "run"})
    except BaseException as error:
        print(f"> {type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
