"""The main job, end to end: the flights pipeline in a real Airflow fails, is retried, and resumes where it stopped.

One component asks a service for data, and the service is down when the first attempt asks. As soon as that attempt has
failed the service starts, and Airflow's automatic retry does the rest. A second run, uninterrupted, must have the same
result; otherwise this exits with 1.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pandas as pd
from local_airflow import LocalAirflow, free_port

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".airflow" / "demo"
DAG, TASK = "example_flights_etl", "flights"
RESULTS = ("delays_by_carrier", "published/delays_by_route")
SUMMARY = "pyspark_pipeline_summary"
PATIENCE = 600.0  # seconds, for one attempt on a machine that is busy with other things
SETTINGS = {
    # A Spark that lives for half a minute does not repay a thorough compiler.
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # The DAG files do not change, and reading them again and again takes half a core.
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
}
BEGAN = time.monotonic()

INTRODUCTION = """\
One Airflow task runs a pipeline of twelve Spark components. The eighth, 'fetch_targets', calls a service that is down.
The task fails, Airflow retries it, and the second attempt resumes at 'fetch_targets'.
"""

WHAT_NEXT = """\
What next:
  make airflow                         start Airflow with all examples: run and clear the same task yourself
  example_dags/flights/pipeline.yaml   the pipeline that you have just seen
  docs/tutorial/index.md               make a pipeline of your own in ten minutes"""


def main() -> int:
    shutil.rmtree(HOME, ignore_errors=True)
    port = free_port()
    targets = f"http://127.0.0.1:{port}/carrier_targets.json"
    airflow = LocalAirflow(HOME, ROOT / "example_dags", SETTINGS)
    print(INTRODUCTION, flush=True)
    say(f"starting a real Airflow (its log: {airflow.log.relative_to(ROOT)})")
    with airflow:
        airflow.trigger(DAG, "interrupted", conf_of("interrupted", targets))
        say("attempt 1 is running")
        first = airflow.wait(lambda: failed_summary(airflow), "attempt 1 to fail", PATIENCE)
        say(f"attempt 1 has failed at {error_of(first)}")
        server = serve(port)
        say("the service is up now, and Airflow retries the task by itself")
        say("an uninterrupted run starts as well, for comparison")
        airflow.trigger(DAG, "uninterrupted", conf_of("uninterrupted", targets))
        for run_id in ("interrupted", "uninterrupted"):
            if (ended := airflow.wait_for_run(DAG, run_id, PATIENCE)) != "success":
                say(f"FAILED: the {run_id} run ended as {ended}; its logs are in {HOME.relative_to(ROOT)}/logs")
                return 1
            say(f"the {run_id} run has succeeded")
        server.shutdown()
        second = airflow.summary(DAG, "interrupted", TASK)
    print()
    for line in comparison(first, second):
        print(line)
    print()
    return judge(second)


def say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - BEGAN), 60)
    print(f"{minutes}:{seconds:02d} {text}", flush=True)


def conf_of(run_id: str, targets: str) -> dict[str, str]:
    return {"lake": str(HOME / run_id), "targets_url": targets}


def failed_summary(airflow: LocalAirflow) -> Mapping[str, Any] | None:
    """Return the summary of an attempt that has failed, None before that."""
    try:
        summary: Mapping[str, Any] = airflow.summary(DAG, "interrupted", TASK, key=SUMMARY)
    except HTTPError as error:
        if error.code != 404:
            raise
        return None
    return summary if summary["status"] == "failure" else None


def error_of(summary: Mapping[str, Any]) -> str:
    """Return which component failed and why."""
    return next(f"'{part['name']}': {part['error']}" for part in summary["components"] if "error" in part)


def comparison(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table: what each component did in the two attempts."""
    rows = [("component", "attempt 1", "attempt 2")]
    for part, again in zip(first["components"], second["components"], strict=True):
        saved_view = "saving_seconds" in part
        rows.append((part["name"], what_it_did(part, saved_view), what_it_did(again, saved_view)))
    lines = [f"  {name:<20}{one:<36}{two}".rstrip() for name, one, two in rows]
    return [
        *lines,
        "",
        f"  The reused components did not run again, which saved {second['seconds_saved']:.0f} s.",
        "  'enrich' leaves a temp view. It ended with attempt 1's Spark session; attempt 2 restored it from storage.",
    ]


def what_it_did(part: Mapping[str, Any], saved_view: bool) -> str:
    if part["action"] == "REUSE":
        seconds = part.get("restoring_seconds") if saved_view else None
        return "reused" if seconds is None else f"reused, view restored in {seconds:.1f} s"
    if part["status"] != "completed":
        return {"failed": "FAILED", "not_run": "not run"}[part["status"]]
    ran = f"ran {part['duration_seconds']:.1f} s"
    return f"{ran}, view saved in {part['saving_seconds']:.1f} s" if saved_view else ran


def judge(second: Mapping[str, Any]) -> int:
    """Return 0 if attempt 2 restored the view and both runs wrote the same tables, 1 otherwise."""
    if not any(part["name"] == "enrich" and "restoring_seconds" in part for part in second["components"]):
        say("FAILED: attempt 2 has not restored the view of 'enrich'")
        return 1
    different = [name for name in RESULTS if not read("interrupted", name).equals(read("uninterrupted", name))]
    if different:
        say(f"FAILED: the resumed result differs from the uninterrupted one in {', '.join(different)}")
        return 1
    rows = " and ".join(f"{name.split('/')[-1]} ({len(read('interrupted', name))} rows)" for name in RESULTS)
    say(f"both runs wrote the same tables: {rows}")
    print(f"\n{WHAT_NEXT}")
    return 0


def serve(port: int) -> http.server.ThreadingHTTPServer:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep the demo's output readable."""

    handler = functools.partial(Quiet, directory=str(ROOT / "example_dags" / "flights"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def read(run_id: str, name: str) -> pd.DataFrame:
    frame = pd.read_parquet(HOME / run_id / name)
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


if __name__ == "__main__":
    sys.exit(main())
