"""A pipeline whose components leave the process in a state that is hard to work in, with a failure in between."""

from __future__ import annotations

from pathlib import Path

from tests.reliability.every_failure.attempts import python

# Each file names its encoding: while a trace function is set, Python 3.13.0 may stumble over the one of the locale.
ATTEMPTS = """
import logging, sys
from pathlib import Path
from airflow_provider.runner import (
    CheckpointHooks, LocalCheckpointStore, SimplePipelineRunner, compute_pipeline_fingerprint, load_pipeline_config
)
from tests.reliability.every_failure.driver import open_spark

logging.basicConfig(filename="log", level=logging.INFO)
here = Path.cwd()
names = "closes_output leaves_its_directory changes_the_locale lowers_the_recursion_limit traces starts_threads forks"
steps = [{"name": name, "class_path": f"tests.samples.components.hostile.{name}"} for name in names.split()]
steps[1]["session_state"] = "replay"  # a later component may need the directory, and making one is an act outside Spark
files = {"target": str(here / "counts"), "needs": str(here / "mended")}
steps.append({"name": "counts", "class_path": "tests.samples.components.hostile.counts", "config": files})
config = load_pipeline_config({"name": "p", "components": steps})
store = LocalCheckpointStore(here / "checkpoints")
spark = open_spark(here)


def attempt(session):
    hooks = CheckpointHooks(store, "run-1", compute_pipeline_fingerprint(config))
    runner = SimplePipelineRunner(config, hooks=hooks, spark=session, session_state_url=str(here / "state"))
    return runner.run(plan=runner.plan(store.load("run-1", "p")))


failed = attempt(spark.newSession()).failed_components
(here / "failed").write_text(repr(failed), encoding="utf-8")
(here / "mended").touch()
(here / "failed again").write_text(repr(attempt(spark.newSession()).failed_components), encoding="utf-8")
"""


def test_a_process_that_is_hard_to_work_in_fails_no_pipeline_that_plain_spark_runs(tmp_path: Path) -> None:
    """Closed output, a directory that is gone, another locale, little recursion, tracing, threads, a fork."""
    done = python("-c", ATTEMPTS, directory=tmp_path)
    log = (tmp_path / "log").read_text()
    assert (tmp_path / "failed").exists(), done.stderr[-3000:] + log[-3000:]
    assert (tmp_path / "failed").read_text().startswith("[('counts', FileNotFoundError("), log[-5000:]
    assert (tmp_path / "failed again").read_text() == "[]", log[-5000:]
    assert (tmp_path / "counts").read_text() == "[1, 2, 3, 4, 5, 6, 7]"
