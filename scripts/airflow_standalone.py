"""Start Airflow with the example DAGs, print address and login, and stay until Ctrl-C."""

from __future__ import annotations

import time
from pathlib import Path

from local_airflow import PARTS, LocalAirflow

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    # Anybody on this machine may log in as admin: this is a playground, and it listens on 127.0.0.1 only.
    settings = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"}
    airflow = LocalAirflow(
        ROOT / ".airflow" / "standalone", ROOT / "example_dags", settings, 8080, (*PARTS, "triggerer")
    )
    print(f"starting Airflow; its log: {airflow.log}", flush=True)
    with airflow:
        print(f"Airflow is at {airflow.url}, no login needed; stop it with Ctrl-C", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print("stopping", flush=True)


if __name__ == "__main__":
    main()
