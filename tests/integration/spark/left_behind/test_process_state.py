"""What a component leaves in Python's process: after a failure and in a new process it is there again, or refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)
from tests.integration.spark.left_behind import process_jobs
from tests.integration.spark.left_behind.process_rows import PROCESS_ROWS, ProcessThing
from tests.integration.spark.left_behind.rows import EXPLAINED, REFUSED, REPLAYED
from tests.integration.spark.left_behind.submission import submit
from tests.reliability.every_failure.attempts import python
from tests.reliability.every_failure.warm_jvm import WarmJvm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STEPS = "tests.integration.spark.left_behind.process_steps"
DRIVER = "tests.integration.spark.left_behind.process_driver"


ALL = [(case, False) for case in PROCESS_ROWS] + [(case, True) for case in PROCESS_ROWS]


def name_of(case: ProcessThing, writing: bool) -> str:
    return case.what.replace(" ", "-").replace("'", "") + ("-writing" if writing else "")


@dataclass(frozen=True)
class Outcomes:
    """Of all cases: the run without a failure, and the second attempt after a failure, each in a process of its own."""

    straight: Mapping[str, Any]
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    record: str


def _cases(directory: Path) -> dict[str, Any]:
    (directory / "modules").mkdir(parents=True)
    (directory / "modules" / "left_helper.py").write_text("def answer():\n    return 42\n")
    (directory / "folder").mkdir()
    (directory / "folder" / "here.txt").write_text("here")
    places = {"path": str(directory / "modules"), "folder": str(directory / "folder")}
    found = {}
    for case, writing in ALL:
        name = name_of(case, writing)
        out = str(directory / f"{name}.out")
        given = {key: value.format(**places) for key, value in case.given.items()}
        if writing:
            given["writes"] = str(directory / f"{name}.written")
        middle = [{"name": step, "class_path": f"{STEPS}.{step}"} for step in case.between]
        steps = [
            {"name": "leaves", "class_path": f"{STEPS}.{case.leaves}", "config": given},
            *middle,
            {"name": "gate", "class_path": f"{STEPS}.gate", "config": {"closed": str(directory / "closed")}},
            {"name": "uses", "class_path": f"{STEPS}.{case.reads}", "config": {"out": out, **case.used_with}},
        ]
        found[name] = {"pipeline": {"name": name, "components": steps}, "out": out}
    (directory / "cases.json").write_text(json.dumps(found))
    return found


def _attempt(directory: Path, jvm: WarmJvm | None) -> Mapping[str, Any]:
    if jvm is not None:
        done = python("-m", DRIVER, str(directory), directory=directory, jvm=jvm)
    else:
        done = submit(Path(__file__).parent / "process_driver.py", directory)
    assert done.returncode == 0, done.stderr[-5000:]
    (directory / "log").write_text(done.stderr)
    return json.loads((directory / "found.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["in the task", pytest.param("submitted", marks=pytest.mark.torture)])
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What became of all cases, in a process as the task's, and in drivers that ``spark-submit`` starts."""
    straight, failing = tmp_path_factory.mktemp("straight"), tmp_path_factory.mktemp("failing")
    jvm = WarmJvm(straight) if request.param == "in the task" else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEFT_GIVEN", "given")
        _cases(straight)
        without = _attempt(straight, jvm)
        _cases(failing)
        (failing / "closed").touch()
        first = _attempt(failing, jvm)
        (failing / "closed").unlink()
        record = "".join(path.read_text() for path in (failing / "checkpoints").rglob("*.json"))
        second = _attempt(failing, jvm)
    if jvm is not None:
        jvm.close()
    return Outcomes(without, first, second, record)


@pytest.mark.parametrize(("case", "writing"), ALL, ids=[name_of(*each) for each in ALL])
def test_it_is_there_again_or_the_attempt_is_refused(case: ProcessThing, writing: bool, outcomes: Outcomes) -> None:
    """Invariant 6: never another answer."""
    name = name_of(case, writing)
    straight, second = outcomes.straight[name], outcomes.second[name]
    assert straight["failed"] == {}
    assert list(outcomes.first[name]["failed"]) == ["gate"]
    verdict = case.writing if writing else case.alone
    if verdict is REFUSED:
        assert case.because in second["refused"]
        assert "session_state: replay" in second["refused"]
        return
    assert second["refused"] == ""
    action, reason = second["plan"]["leaves"]
    assert action == ("REPLAY" if verdict is REPLAYED else "REUSE")
    if verdict is REPLAYED:
        assert case.because in reason
    if verdict is EXPLAINED:
        assert list(second["failed"]) == ["uses"]
        assert case.because in str(second["notes"])
        assert case.because in str(second["hints"])
        return
    assert second["failed"] == {}
    assert second["out"] == straight["out"]


def test_no_secret_is_recorded(outcomes: Outcomes) -> None:
    """Invariant 8."""
    assert "LEFT_PASSWORD" in outcomes.record
    assert "hunter2" not in outcomes.record


class OneProcess:
    """A run in this process: a component that must not run again fills a dict, then a gate fails, and one uses it.

    :param directory: scratch space
    """

    def __init__(self, spark: SparkSession, directory: Path) -> None:
        self._spark = spark
        self.directory = directory
        steps = {
            "leaves": {"class_path": f"{STEPS}.fill_cache", "config": {"writes": str(directory / "written")}},
            "gate": {"class_path": f"{STEPS}.gate", "config": {"closed": str(directory / "closed")}},
            "uses": {"class_path": f"{STEPS}.use_cache", "config": {"out": str(directory / "out")}},
        }
        components = [{"name": name, **step} for name, step in steps.items()]
        self._config = load_pipeline_config({"name": "p", "components": components})
        self._store = InMemoryCheckpointStore()
        (directory / "closed").touch()

    def runner(self) -> SimplePipelineRunner:
        hooks = CheckpointHooks(self._store, "run-1", compute_pipeline_fingerprint(self._config))
        return SimplePipelineRunner(self._config, hooks=hooks, spark=self._spark.newSession())

    def attempt(self, runner: SimplePipelineRunner) -> list[str]:
        """Continue the run, and return what failed."""
        completed = load_checkpoint_for_resume(self._store, "run-1", self._config)
        return [name for name, _ in runner.run(completed_components=completed).failed_components]

    def open_gate(self) -> None:
        (self.directory / "closed").unlink()

    @property
    def texts(self) -> tuple[str, str]:
        """What the first component wrote, and what the last one got."""
        return (self.directory / "written").read_text(), (self.directory / "out").read_text()


@pytest.fixture
def one_process(spark: SparkSession, tmp_path: Path) -> Iterator[OneProcess]:
    yield OneProcess(spark, tmp_path)
    process_jobs.CACHE.clear()


def test_a_module_of_a_folder_that_a_component_adds_is_no_change_of_code(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process cannot find it before that component has run again, and what used it must not run twice."""
    (tmp_path / "modules").mkdir()
    helper = tmp_path / "modules" / "left_helper.py"
    helper.write_text("def answer():\n    return 42\n")
    steps = {
        "leaves": {"class_path": f"{STEPS}.add_path", "config": {"folder": str(helper.parent)}},
        "appends": {"class_path": f"{STEPS}.append_by_path", "config": {"out": str(tmp_path / "appended")}},
        "gate": {"class_path": f"{STEPS}.gate", "config": {"closed": str(tmp_path / "closed")}},
        "uses": {"class_path": f"{STEPS}.use_path", "config": {"out": str(tmp_path / "out")}},
    }
    config = load_pipeline_config({"name": "p", "components": [{"name": n, **s} for n, s in steps.items()]})
    store = InMemoryCheckpointStore()

    def attempt() -> tuple[dict[str, str], list[str]]:
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.delitem(sys.modules, "left_helper", raising=False)
        hooks = CheckpointHooks(store, "run-1", compute_pipeline_fingerprint(config))
        runner = SimplePipelineRunner(config, hooks=hooks, spark=spark.newSession())
        plan = runner.plan(store.load("run-1", "p"))
        failed = runner.run(plan=plan).failed_components
        sys.path[:] = [entry for entry in sys.path if entry != str(helper.parent)]
        return {d.component: str(d.action) for d in plan.decisions}, [name for name, _ in failed]

    (tmp_path / "closed").touch()
    assert attempt()[1] == ["gate"]
    (tmp_path / "closed").unlink()
    assert attempt() == ({"leaves": "REPLAY", "appends": "REUSE", "gate": "RUN", "uses": "RUN"}, [])
    assert (tmp_path / "appended").read_text() == "42\n"
    helper.write_text("def answer():\n    return 43\n")
    assert attempt()[0]["appends"] == "RUN"


def test_the_same_runner_still_has_it(one_process: OneProcess) -> None:
    runner = one_process.runner()
    assert one_process.attempt(runner) == ["gate"]
    one_process.open_gate()
    assert one_process.attempt(runner) == []
    assert one_process.texts == ("1\n", "7")


def test_another_runner_of_the_same_process_still_has_it(one_process: OneProcess) -> None:
    """As in a notebook, or in the test of an author."""
    assert one_process.attempt(one_process.runner()) == ["gate"]
    one_process.open_gate()
    assert one_process.attempt(one_process.runner()) == []
    assert one_process.texts == ("1\n", "7")


def test_what_a_later_attempt_would_need_is_said_when_the_component_completes(
    one_process: OneProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """With the remedy, and the attempt that needs it is refused."""
    one_process.attempt(one_process.runner())
    assert "process_jobs.CACHE holds, which 'uses' uses. It must not run again" in caplog.text
    assert "set session_state: replay" in caplog.text
    one_process.open_gate()
    process_jobs.CACHE.clear()  # as in a new process
    with pytest.raises(SessionStateNotSavedError, match=r"process_jobs\.CACHE holds, which 'uses' uses"):
        one_process.attempt(one_process.runner())
