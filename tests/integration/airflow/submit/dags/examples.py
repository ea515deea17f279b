"""The example DAGs that need a connection, with the connections that their docstrings show, but to this host."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[5] / "example_dags"))
for conn_id, host in (("SPARK_CLUSTER", os.environ["CLUSTER_MASTER"]), ("SPARK_SUBMIT", "local[2]")):
    os.environ[f"AIRFLOW_CONN_{conn_id}"] = json.dumps({"conn_type": "spark", "host": host})

from example_spark_cluster import dag as in_the_task  # noqa: E402, F401 - Airflow looks for DAGs in this module
from example_spark_submit import dag as submitted  # noqa: E402, F401
