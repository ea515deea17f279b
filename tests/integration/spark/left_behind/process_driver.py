"""One attempt at each case, in one process: ``python process_driver.py <directory>``. Prints the outcomes as JSON."""

from __future__ import annotations

import contextlib
import importlib
import json
import locale
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import (
    CheckpointHooks,
    LocalCheckpointStore,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_pipeline_config,
)
from tests.integration.spark.left_behind import process_jobs
from tests.reliability.every_failure.driver import open_spark


def attempt(case: dict[str, Any], directory: Path, spark: Any) -> dict[str, Any]:
    """One attempt at a case; what went wrong is in the result."""
    config = load_pipeline_config(case["pipeline"])
    store = LocalCheckpointStore(directory / "checkpoints")
    runner = SimplePipelineRunner(
        config,
        hooks=CheckpointHooks(store, "run-1", compute_pipeline_fingerprint(config)),
        spark=spark.newSession(),
        session_state_url=str(directory / "state" / config.name),
    )
    try:
        plan = runner.plan(store.load("run-1", config.name))
    except SessionStateNotSavedError as error:
        return {"refused": str(error)}
    result = runner.run(plan=plan)
    return {
        "refused": "",
        "failed": {name: str(error) for name, error in result.failed_components},
        "hints": [str(found.failure) for found in result.component_results if found.failure],
        "plan": {decision.component: [str(decision.action), str(decision.reason)] for decision in plan.decisions},
        "notes": plan.notes,
        "out": Path(case["out"]).read_text() if Path(case["out"]).is_file() else "",
    }


@contextlib.contextmanager
def process_as_it_was() -> Iterator[None]:
    """Undo afterwards what the steps do to the process, so that the next case begins as in a process of its own."""
    here, path, variables = os.getcwd(), list(sys.path), dict(os.environ)
    language, limit, is_empty = locale.setlocale(locale.LC_ALL), sys.getrecursionlimit(), DataFrame.isEmpty
    yield
    os.chdir(here)
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(variables)
    locale.setlocale(locale.LC_ALL, language)
    sys.setrecursionlimit(limit)
    DataFrame.isEmpty = is_empty  # type: ignore[method-assign]
    if hasattr(DataFrame, "left_doubled"):
        del DataFrame.left_doubled
    sys.modules.pop("left_helper", None)
    importlib.reload(process_jobs)


def main() -> None:
    directory = Path(sys.argv[1])
    cases = json.loads((directory / "cases.json").read_text())
    spark = open_spark(directory)
    found = {}
    for name, case in cases.items():
        with process_as_it_was():
            found[name] = attempt(case, directory, spark)
    spark.stop()  # its JVM may be there for more than this process
    (directory / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
