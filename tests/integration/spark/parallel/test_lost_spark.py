"""Spark is lost while components run side by side: the attempt says so in the words in which it says that elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from airflow_provider.errors import SparkLostError

ROOT = Path(__file__).parents[4]
ATTEMPT = """
import os, signal, time
from pyspark.sql import SparkSession
from airflow_provider.errors import SparkLostError
from airflow_provider.runner import NoOpHooks, PipelineConfig, SimplePipelineRunner

class Kill(NoOpHooks):
    def after_component(self, event):
        os.kill(jvm, signal.SIGKILL)
        time.sleep(1.0)

def quick(spark):
    spark.range(1).createOrReplaceTempView("quick")

def slow(spark):
    time.sleep(5.0)

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
jvm = int(spark._jvm.java.lang.ProcessHandle.current().pid())
steps = [{"name": each.__name__, "class_path": each} for each in (quick, slow)]
config = PipelineConfig(name="p", components=steps, max_parallel_components=2)
try:
    SimplePipelineRunner(config, spark=spark, hooks=Kill()).run()
except Exception as error:
    print(type(error).__name__, flush=True)
os._exit(0)
"""


def test_an_attempt_whose_spark_is_killed_between_two_components_says_so(tmp_path: Path) -> None:
    script = tmp_path / "attempt.py"
    script.write_text(ATTEMPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1:] == [SparkLostError.__name__], done.stderr[-3000:]
