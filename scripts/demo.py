"""The main job, end to end: the flights pipeline in a real Airflow fails, is retried, and goes on where it stopped.

One component asks a service for data, and the service is not up yet when the first attempt asks. As soon as that
attempt has failed the service starts, and Airflow's automatic retry does the rest. A second run, uninterrupted, must
come to the same result; otherwise this exits with 1.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path

import pandas as pd
from local_airflow import LocalAirflow, free_port

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".airflow" / "demo"
DAG, TASK = "example_flights_etl", "flights"
RESULTS = ("delays_by_carrier", "published/delays_by_route")


def main() -> int:
    shutil.rmtree(HOME, ignore_errors=True)
    port = free_port()
    targets = f"http://127.0.0.1:{port}/carrier_targets.json"
    airflow = LocalAirflow(HOME, ROOT / "example_dags")
    say(f"starting a real Airflow in {HOME.relative_to(ROOT)} (its log: {airflow.log.relative_to(ROOT)})")
    with airflow:
        say("triggering the flights pipeline; the service that 'fetch_targets' asks is not up yet")
        airflow.trigger(DAG, "interrupted", {"lake": str(HOME / "interrupted"), "targets_url": targets})
        airflow.wait(lambda: state_of(airflow, "interrupted") == "up_for_retry", "attempt 1 to fail", 300)
        show_log(airflow, "interrupted", 1)
        server = serve(port)
        say("the service is up now; Airflow retries by itself")
        ended = airflow.wait_for_run(DAG, "interrupted")
        show_log(airflow, "interrupted", airflow.task(DAG, "interrupted", TASK)["try_number"])
        if ended != "success":
            say(f"FAILED: the retried run ended as {ended}")
            return 1
        summary = airflow.summary(DAG, "interrupted", TASK)

        say("running the same pipeline once more without a failure, to compare")
        airflow.trigger(DAG, "uninterrupted", {"lake": str(HOME / "uninterrupted"), "targets_url": targets})
        ended = airflow.wait_for_run(DAG, "uninterrupted")
        server.shutdown()
        if ended != "success":
            show_log(airflow, "uninterrupted", 1)
            say(f"FAILED: the uninterrupted run ended as {ended}")
            return 1

    actions = [(part["name"], part["action"]) for part in summary["components"]]
    say(f"attempt 1 failed at 'fetch_targets'; attempt {summary['attempt']} did this:")
    for action in ("REUSE", "RUN"):
        say(f"  {action:<5} {', '.join(name for name, what in actions if what == action)}")
    say(f"reuse saved {summary['seconds_saved']:.1f} s")
    say("top of delays_by_carrier (resumed run):")
    print(read("interrupted", "delays_by_carrier").head(6).to_string(index=False))
    different = [name for name in RESULTS if not read("interrupted", name).equals(read("uninterrupted", name))]
    if different:
        say(f"FAILED: the resumed result differs from the uninterrupted one in {', '.join(different)}")
        return 1
    rows = ", ".join(f"{name} {len(read('interrupted', name))} rows" for name in RESULTS)
    say(f"the resumed result equals the uninterrupted one ({rows})")
    return 0


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def state_of(airflow: LocalAirflow, run_id: str) -> str:
    return str(airflow.task(DAG, run_id, TASK)["state"])


def show_log(airflow: LocalAirflow, run_id: str, attempt: int) -> None:
    say(f"from the task log of attempt {attempt}:")
    began = False
    for line in airflow.log_lines(DAG, run_id, TASK, attempt):
        began = began or line.startswith("run '")
        if began and ("Task failed with exception" in line or line.startswith("::group::Post")):
            break
        if began:
            print(f"    {line}", flush=True)


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
