"""The next attempt does what was worked out for its request when the last one ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.runner import LocalCheckpointStore, PipelineConfig, PipelineResult
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.running.what_if import Answer, WhatIf, what_if
from tests.conftest import Script
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONFIG = PipelineConfig(
    name="p",
    components=[
        component("load"),
        component("clean", "load"),
        component("count", "clean"),
        component("send", "load"),
        component("last", "count", "send"),
    ],
    harmless_modules=["tests.samples"],
)
KEY = RunKey((), "r", "p")
LETTERS = {Action.REUSE: "r", Action.REPLAY: "p", Action.RUN: "x"}


class Scene:
    """A run in which `clean` leaves a lazy view and `load` a costly one, which is saved when `last` fails."""

    def __init__(self, spark: SparkSession, place: Path, script: Script) -> None:
        self.spark, self.place, self.script = spark, place, script
        script.on("load", lambda: self.view("loaded", "SELECT id, uuid() AS u FROM range(3)"))
        script.on("clean", lambda: self.view("cleaned", "SELECT id FROM range(2)"))

    def view(self, name: str, text: str) -> None:
        self.session.sql(f"CREATE OR REPLACE TEMP VIEW {name} AS {text}")

    def attempt(self, number: int, store: LocalCheckpointStore) -> tuple[PipelineResult, WhatIf]:
        self.session = self.spark.newSession()
        run = AirflowAttemptSpec(CONFIG, KEY, AirflowTry(number, number, 0, clear_number=number - 1))
        result = run_airflow_attempt(run, store, spark=self.session, session_state_url=str(self.place / "saved"))
        state = store.load("r", "p")
        assert state is not None
        return result, what_if(run, state)


@pytest.fixture
def scene(spark: SparkSession, tmp_path: Path, script: Script) -> Scene:
    return Scene(spark, tmp_path, script)


REQUESTS: dict[str, tuple[dict[str, Any] | None, str]] = {
    # what is asked for: what it means for load, clean, count, send and last
    "resume": (None, "rprrx"),
    "from the first one": ({"components": ("load",)}, "xxxxx"),
    "from a middle one": ({"components": ("clean",)}, "rxxrx"),
    "from a leaf": ({"components": ("send",)}, "rprxx"),
    "one alone": ({"components": ("last",), "only": True}, "rprrx"),
}


@pytest.mark.parametrize(("asked", "actions"), REQUESTS.values(), ids=REQUESTS)
def test_the_next_attempt_does_what_was_told(
    scene: Scene, script: Script, asked: dict[str, Any] | None, actions: str
) -> None:
    script.fail("last")
    store = LocalCheckpointStore(scene.place / "checkpoints")
    _, told = scene.attempt(1, store)
    script.mend("last")
    if asked is None:
        expected = told.resume
    else:
        [name] = asked["components"]
        expected = (told.alone if asked.get("only") else told.restart)[name]
        store.leave_request(RestartRequest(**asked), KEY)
    assert expected == Answer(actions)
    result, _ = scene.attempt(2, store)
    assert result.failed_components == []
    done = "".join(
        "s" if part.status is ComponentStatus.NOT_RUN else LETTERS[part.action] for part in result.component_results
    )
    assert done == actions
