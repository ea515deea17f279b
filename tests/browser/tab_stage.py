"""An Airflow whose task instances show sample progress, and a real Chromium that looks at it.

The DAGs are paused: a task instance has the state that a test gives it, and nothing runs. So a scene takes a second.
What a running pipeline writes is proven in ``test_real_chain.py``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.local_airflow import RELEASE, LocalAirflow, quote

DAGS = Path(__file__).parent / "dags"
COMPONENTS = Path(__file__).parents[1] / "integration" / "airflow" / "real" / "dags" / "acts.py"
USERS = {"alice": "admin", "otto": "op", "vera": "viewer"}
"""Who may log in, each with the name as password, and their roles."""

PROGRESS = "pyspark_pipeline_progress/"
REQUEST = "pyspark_pipeline_restart_from/"


@dataclass(frozen=True)
class TaskPlace:
    """A task instance.

    :param map_index: which of the mapped instances, -1 if it is not mapped
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def api(self) -> str:
        """Its address in the API."""
        path = f"/dags/{quote(self.dag_id)}/dagRuns/{quote(self.run_id)}/taskInstances/{quote(self.task_id)}"
        return path if self.map_index < 0 else f"{path}/{self.map_index}"

    def row(self, key: str) -> str:
        """The address of a row of its task state store in the API."""
        path = f"/dags/{quote(self.dag_id)}/dagRuns/{quote(self.run_id)}/taskInstances/{quote(self.task_id)}"
        return f"{path}/state-store/{quote(key)}?map_index={self.map_index}"

    @property
    def tab(self) -> str:
        """The address of its tab in the UI."""
        mapped = f"/mapped/{self.map_index}" if self.map_index >= 0 else ""
        run = f"/dags/{quote(self.dag_id)}/runs/{quote(self.run_id)}"
        return f"{run}/tasks/{quote(self.task_id)}{mapped}/plugin/spark-pipeline"


class TabAirflow(LocalAirflow):
    """An Airflow with users, whose runs are filled by hand.

    :param home: its ``AIRFLOW_HOME``
    :param parts: the commands of ``airflow`` to start; only with a scheduler does anything run
    """

    def __init__(
        self, home: Path, settings: Mapping[str, str] | None = None, parts: tuple[str, ...] = ("api-server",)
    ) -> None:
        dags = home / "dags"
        shutil.copytree(DAGS, dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(COMPONENTS, dags)
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({user: user for user in USERS}))
        super().__init__(
            home / "airflow",
            dags,
            {
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
                "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # browser and tasks share a small machine
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
                **(settings or {}),
            },
            parts=parts,
        )

    def start(self, timeout: float = 240) -> None:
        super().start(timeout)
        self._token = self.token("alice")
        if "dag-processor" not in self._parts:
            self.command("dags", "reserialize")

    def _healthy(self) -> bool:
        if "scheduler" in self._parts:
            return super()._healthy()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/version", timeout=5):
                return True
        except OSError:
            return False

    def token(self, user: str) -> str:
        """Return a token of a user, as the page for logging in gets it."""
        body = {"username": user, "password": user}
        return str(self._request("POST", "/auth/token", body, {})["access_token"])

    def make_run(self, dag_id: str, run_id: str) -> None:
        """Create a DAG run, whose task instances have no state yet."""
        self.call("POST", f"/dags/{dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": None})

    def set_state(self, place: TaskPlace, state: str, try_number: int = 1) -> None:
        """Give a task instance a state, as if a scheduler and a worker had."""
        identity = self.call("GET", place.api)["id"]
        changed = self.execute(
            "UPDATE task_instance SET state = :state, try_number = :number, max_tries = :number, "
            "start_date = CURRENT_TIMESTAMP WHERE CAST(id AS VARCHAR) IN (:dashed, :plain)",
            state=state,
            number=try_number,
            dashed=identity,
            plain=identity.replace("-", ""),
        )
        assert changed == 1, f"no task instance {place}"
        self.execute(
            "UPDATE dag_run SET state = :state WHERE dag_id = :dag AND run_id = :run",
            state={"queued": "running"}.get(state, state),
            dag=place.dag_id,
            run=place.run_id,
        )

    def execute(self, statement: str, **values: Any) -> int:
        """Change Airflow's database as none of its programs would, and return how many rows that changed."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.database)
        try:
            with engine.begin() as connection:
                return int(connection.execute(text(statement), values).rowcount)
        finally:
            engine.dispose()

    def write(self, place: TaskPlace, document: Mapping[str, Any]) -> None:
        """Write a progress document, as the attempt would."""
        if RELEASE < (3, 3):
            task = place.api.removesuffix(f"/{place.map_index}")
            body = {"key": "pyspark_pipeline_progress", "value": document, "map_index": place.map_index}
            self.call("POST", f"{task}/xcomEntries", body)
            return
        self.call("PUT", place.row(PROGRESS + document["pipeline"]), {"value": document, "expires_at": None})

    def show(self, place: TaskPlace, document: Mapping[str, Any], state: str) -> TaskPlace:
        """Create the run where there is none, and fill it."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.make_run(place.dag_id, place.run_id)
        self.write(place, document)
        self.set_state(place, state, document["attempt"]["try_number"])
        return place

    def request(self, place: TaskPlace, pipeline: str = "orders") -> Any:
        """Return the request that waits for the next attempt, None if there is none."""
        try:
            return self.call("GET", place.row(REQUEST + pipeline))["value"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def state(self, place: TaskPlace) -> str | None:
        """Return the state of a task instance."""
        return self.call("GET", place.api)["state"]


@contextlib.contextmanager
def chromium(**options: Any) -> Iterator[Any]:
    """Start Debian's Chromium and yield it."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        raise RuntimeError("there is no Chromium; `make test-browser` installs it, or: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"], **options)
        try:
            yield browser
        finally:
            browser.close()


def look(browser: Any, airflow: TabAirflow, user: str = "alice", **options: Any) -> Any:
    """Return a page of a user who has logged in.

    :param options: of the browser's context
    """
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, "base_url": airflow.url, **options})
    context.add_cookies([{"name": "_token", "value": airflow.token(user), "url": airflow.url}])
    return context.new_page()
