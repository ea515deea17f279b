"""A UDF finds the modules beside the DAG file, which Airflow adds to the path of the task only.

From public reports, such as databricks/databricks-vscode 827: a helper of a UDF was not found on the workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_TASK = """
import sys

sys.path.append(sys.argv[1])  # as Airflow adds the folder of DAGs
import steps
from airflow_provider.runner.spark.session import open_session

spark = open_session({"spark.master": "local[1]", "spark.ui.enabled": "false"}, "udf")
steps.words(spark)
print("WORDS", [row.word for row in spark.table("words").collect()])
spark.stop()
"""


def test_a_udf_uses_a_module_that_lies_beside_its_own(tmp_path: Path) -> None:
    """A process of its own: the path of the workers is fixed when Spark starts."""
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "text.py").write_text("def reverse(word):\n    return word[::-1]\n")
    (dags / "steps.py").write_text(
        "import text\n\n\n"
        "def shout(word):\n    return text.reverse(word).upper()\n\n\n"
        "def words(spark):\n"
        "    from pyspark.sql import functions as F\n\n"
        "    frame = spark.createDataFrame([('foo',)], 'word string')\n"
        "    frame.select(F.udf(shout)('word').alias('word')).createOrReplaceTempView('words')\n"
    )
    task = tmp_path / "task.py"
    task.write_text(_TASK)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}

    done = subprocess.run(
        [sys.executable, str(task), str(dags)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert "WORDS ['OOF']" in done.stdout, done.stderr
