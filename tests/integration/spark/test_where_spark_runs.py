"""Spark runs where it was asked to, in processes of their own: what a module or the environment started first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]

MODULE = """
from pyspark.sql import SparkSession

spark = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()


def load(session, output_view):
    spark.range(3).createOrReplaceTempView(output_view)


def stop_and_start(session):
    session.stop()
    SparkSession.builder.master("local[2]").getOrCreate().range(1).count()
"""

PIPELINE = {
    "name": "where",
    "components": [
        {"name": "load", "class_path": "jobs_at_import.load", "config": {"output_view": "orders"}},
        {
            "name": "count",
            "class_path": "airflow_provider.components.RunSql",
            "depends_on": ["load"],
            "config": {"sql": "SELECT count(*) AS n FROM orders", "output_view": "n"},
        },
    ],
}


def python(code: str, folder: Path, **environment: str) -> dict[str, str]:
    """Run code in an interpreter of its own; return what it printed as ``> name: text``, and the log."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(folder),
            "PYTHONPATH": f"{ROOT}:{folder}",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PIPELINE": json.dumps(PIPELINE),
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
    )
    found = dict(line[2:].split(": ", 1) for line in done.stdout.splitlines() if line.startswith("> "))
    return {**found, "log": done.stdout + done.stderr}


def test_a_module_that_starts_spark_when_it_is_imported_is_named_and_its_session_is_the_pipelines(
    tmp_path: Path,
) -> None:
    """Elsewhere than asked: the attempt fails and names it. As asked: one session, with the views of the module's."""
    (tmp_path / "jobs_at_import.py").write_text(MODULE)
    told = python(
        """
        import json, logging, os
        from airflow_provider.launch.in_process import InProcessSpark
        from airflow_provider.runner import SimplePipelineRunner, load_pipeline_config

        logging.basicConfig(level=logging.WARNING)
        config = load_pipeline_config(json.loads(os.environ["PIPELINE"]))
        for name, conf in {
            "elsewhere": {"spark.master": "local[1]", "spark.driver.memory": "700m"},
            "as asked": {"spark.master": "local[*]", "spark.sql.shuffle.partitions": "1"},
        }.items():
            try:
                with InProcessSpark(None, conf, {}, "test") as spark:
                    result = SimplePipelineRunner(config, spark=spark.open).run()
                    print(f"> {name}:", result.status.value, spark._session.table("n").first().n)
            except Exception as error:
                print(f"> {name}:", type(error).__name__, error)
        asked = config.model_copy(update={"spark": config.spark.model_copy(update={"master": "yarn"})})
        try:
            SimplePipelineRunner(asked).run()
        except Exception as error:
            print("> without a launcher:", type(error).__name__, error)
        again = load_pipeline_config(
            {"name": "p", "components": [{"name": "stop", "class_path": "jobs_at_import.stop_and_start"}]}
        )
        with InProcessSpark(None, {}, {}, "test") as spark:
            (stopped,) = SimplePipelineRunner(again, spark=spark.open).run().component_results
            print("> stopped:", stopped.error)
        """,
        tmp_path,
    )

    assert "importing 'jobs_at_import' started Spark" in told["log"]
    for where in ("elsewhere", "without a launcher"):
        assert told[where].startswith("SparkConfigError Spark already runs in this process")
        assert f"importing the module 'jobs_at_import' started it ({tmp_path}/jobs_at_import.py:4)" in told[where]
        assert "move SparkSession.builder...getOrCreate()" in told[where]
    assert "spark.master is 'local[*]' instead of 'local[1]'" in told["elsewhere"]
    assert "spark.driver.memory is '1g' instead of '700m'" in told["elsewhere"]
    assert "spark.master is 'local[*]' instead of 'yarn'" in told["without a launcher"]
    assert told["as asked"] == "success 3"
    assert "must not stop the session" in told["stopped"]


def test_a_start_that_the_environment_prevents_names_the_variable(tmp_path: Path) -> None:
    """One process: none of these gets as far as a JVM that runs."""
    cases = {
        "SPARK_HOME": "/nowhere/spark",
        "JAVA_HOME": "/nowhere/java",
        "SPARK_REMOTE": "sc://localhost:1/;token=hunter2",
        "PYSPARK_GATEWAY_PORT": "1",
    }
    told = python(
        f"""
        import os
        from airflow_provider.launch.in_process import InProcessSpark

        os.environ["PYSPARK_GATEWAY_SECRET"] = "x"
        for name, value in {cases!r}.items():
            before = os.environ.get(name)
            os.environ[name] = value
            try:
                InProcessSpark(None, {{"spark.master": "local[1]"}}, {{}}, "test").open()
            except Exception as error:
                print(f"> {{name}}:", type(error).__name__, str(error).replace(chr(10), " | "))
            del os.environ[name]
            if before is not None:
                os.environ[name] = before
        """,
        tmp_path,
    )

    for name in cases:
        assert f"the environment variable {name}" in told[name], told["log"]
        assert told[name].startswith("SparkConfigError" if name == "SPARK_REMOTE" else "SparkSessionError")
        assert "hunter2" not in told[name]
        assert "unset" in told[name] or "remedy: set" in told[name]


def test_what_was_asked_for_wins_over_the_environment_and_over_an_earlier_jvm(tmp_path: Path) -> None:
    """Arguments for spark-submit would decide on the memory, an API mode on the kind of session, and a JVM that an
    earlier Spark of the process has left on both. A context that somebody made without a session counts as Spark."""
    told = python(
        """
        import logging
        from airflow_provider.launch.in_process import InProcessSpark
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession

        logging.basicConfig(level=logging.WARNING)
        for memory, more in (("600m", {}), ("700m", {"spark.sql.ansi.enabled": "false"}), ("700m", {})):
            conf = {"spark.master": "local[1]", "spark.driver.memory": memory, "spark.ui.enabled": "false", **more}
            with InProcessSpark(None, conf, {}, "test") as spark:
                session = spark.open()
                print(f"> {memory}:", session._jvm.java.lang.Runtime.getRuntime().maxMemory() // 2**20)
                print("> ansi:", session.conf.get("spark.sql.ansi.enabled"))
                print("> master:", session.sparkContext.master, session.conf.get("spark.mine"))
                print("> own:", SparkSession.builder.appName("x").getOrCreate() is session)
        SparkContext(conf=SparkConf().setMaster("local[1]").setAppName("x"))  # somebody's, without a session
        for name, conf in {"same": {"spark.master": "local[1]"}, "other": {"spark.master": "local[2]"}}.items():
            try:
                with InProcessSpark(None, conf, {}, "test") as spark:
                    print(f"> {name}:", spark.open().range(2).count())
            except Exception as error:
                print(f"> {name}:", error)
        print("> alive:", SparkContext._active_spark_context is not None)
        """,
        tmp_path,
        PYSPARK_SUBMIT_ARGS="--master local[4] --driver-memory 900m --conf spark.mine=here",
        SPARK_API_MODE="connect",
    )

    assert 500 < int(told["600m"]) <= 600 < int(told["700m"]) <= 700, told["log"]
    assert told["master"] == "local[1] here"
    assert told["own"] == "True"
    assert told["ansi"] == "true"  # what an earlier Spark of the process was asked for is forgotten
    assert "PYSPARK_SUBMIT_ARGS also says --master, local[4], --driver-memory, 900m" in told["log"]
    assert "SPARK_API_MODE ('connect')" in told["log"]
    assert (told["same"], told["alive"]) == ("2", "True")
    assert "spark.master is 'local[1]' instead of 'local[2]'" in told["other"]
