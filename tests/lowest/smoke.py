"""The operator on the lowest versions that ``pyproject.toml`` allows: a DAG fails, is retried and resumes.

Run by ``make test-lowest`` in an environment of its own: ``python tests/lowest/smoke.py``. Exits with 1 if anything
is not as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def note(spark: SparkSession, line: str, journal: str, failures: int = 0) -> None:
    """Append the line to the journal, leave a view, and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{line}\n")
    if line != "a":
        assert spark.table("seen_a").count() == 3
    spark.range(3).createOrReplaceTempView(f"seen_{line}")
    if Path(journal).read_text().splitlines().count(line) <= failures:
        raise ConnectionError("the service is not up yet")


def run(home: Path) -> int:
    """Run the DAG to its end, in a process whose ``AIRFLOW_HOME`` is set."""
    from airflow.models.dag import DAG  # Airflow 3.0.0 has test() only here

    from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator

    journal = home / "journal"
    with DAG("lowest", schedule=None, start_date=datetime(2025, 1, 1), catchup=False) as dag:
        PySparkPipelineOperator(
            task_id="work",
            retries=1,
            retry_delay=timedelta(0),
            conn_id=None,
            spark_conf={"spark.master": "local[1]", "spark.ui.enabled": False},
            pipeline={
                "name": "lowest",
                "session_state": "save",
                "components": [
                    {"name": name, "class_path": note, "config": {"line": name, "journal": str(journal), **more}}
                    for name, more in (("a", {}), ("b", {"failures": 1}), ("c", {}))
                ],
            },
        )
    ended = dag.test()
    ran = journal.read_text().split()
    told = ", ".join(f"{name} {version(name)}" for name in ("apache-airflow", "pyspark", "pydantic"))
    print(f"{told}: {ended.state}, components ran: {' '.join(ran)}")
    return 0 if (str(ended.state), ran) == ("success", ["a", "b", "b", "c"]) else 1


def main() -> int:
    """Make a home with a database of its own, and run the DAG there."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        }
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True)
        return subprocess.run([sys.executable, __file__, folder], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])) if sys.argv[1:] else main())
