"""What a DAG file pays for importing this package's operators, which it does every time that Airflow parses it.

    python benchmarks/import_cost.py [--rounds 5]

Each measurement is a fresh interpreter that has imported ``airflow.sdk`` and Airflow's compatibility module already;
what counts is the time and the memory on top of that. Memory is the growth of the resident set (RSS) of the process.
The modules take turns, and the figures are medians. The operator of Airflow's Spark provider is there to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

MODULES = {
    "PySparkPipelineOperator": "airflow_provider.operators.pyspark_pipeline",
    "PySparkPipelineSubmitOperator": "airflow_provider.operators.pyspark_pipeline_submit",
    "@task.pyspark_pipeline": "airflow_provider.decorators.task_decorator",
    "SparkSubmitOperator (Spark provider)": "airflow.providers.apache.spark.operators.spark_submit",
}

LIMIT_MS, LIMIT_MB = 40.0, 5.0

ONE = """
import importlib, json, resource, sys, time
import airflow.sdk, airflow.providers.common.compat.sdk

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6

memory, began = resident(), time.perf_counter()
importlib.import_module(sys.argv[1])
print(json.dumps([(time.perf_counter() - began) * 1000, resident() - memory]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MODULES}
    with tempfile.TemporaryDirectory(prefix="import-cost-") as home:
        for _ in range(rounds + 1):
            for name, module in MODULES.items():
                found[name].append(measure(module, home))
    print(f"on top of airflow.sdk, medians of {rounds} fresh interpreters; memory is RSS\n")
    kept = True
    for name, (_, *counted) in found.items():  # the first round compiles and fills the disk cache
        milliseconds, megabytes = (statistics.median(figures) for figures in zip(*counted, strict=True))
        ours = MODULES[name].startswith("airflow_provider.")
        good = milliseconds <= LIMIT_MS and megabytes <= LIMIT_MB
        kept = kept and (good or not ours)
        verdict = ("ok" if good else f"above {LIMIT_MS:.0f} ms or {LIMIT_MB:.0f} MB") if ours else ""
        print(f"{name:38}{milliseconds:7.1f} ms{megabytes:7.1f} MB   {verdict}".rstrip())
    return 0 if kept else 1


def measure(module: str, home: str) -> tuple[float, float]:
    """Return the milliseconds and megabytes that importing a module takes in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", ONE, module],
        env={**os.environ, "AIRFLOW_HOME": home},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    milliseconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return milliseconds, megabytes


if __name__ == "__main__":
    sys.exit(main())
