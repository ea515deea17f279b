"""The operator on an Airflow that the tests of the newest do not fit: a DAG fails, is retried and resumes.

Run in an environment of its own by ``make test-matrix``: ``python tests/lowest/smoke.py``. Exits with 1 if anything is
not as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

DAGS = Path(__file__).parent / "dags"


def run() -> int:
    """Run the DAG to its end, in a process whose ``AIRFLOW_HOME`` is set."""
    sys.path.insert(0, str(DAGS))
    import lowest

    ended = lowest.dag.test()
    ran = Path(os.environ["JOURNAL"]).read_text().split()
    told = ", ".join(f"{name} {version(name)}" for name in ("apache-airflow", "pyspark", "pydantic"))
    print(f"{told}: {ended.state}, components ran: {' '.join(ran)}")
    return 0 if (str(ended.state), ran) == ("success", ["a", "b", "b", "c"]) else 1


def main() -> int:
    """Make a home with a database of its own, and run the DAG there."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "JOURNAL": f"{folder}/journal",
        }
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True)
        return subprocess.run([sys.executable, __file__, "run"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(run() if sys.argv[1:] else main())
