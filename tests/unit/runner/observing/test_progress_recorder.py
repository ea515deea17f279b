"""What is recorded of an attempt for people: while it runs, after a failure, in the attempt after that."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider.errors import AttemptStopped, CheckpointWriteError, StaleAttemptError
from airflow_provider.runner import InMemoryCheckpointStore, NoOpHooks
from airflow_provider.runner.observing.events import ComponentCompleted, ComponentFailed, ComponentStarted, Step
from airflow_provider.runner.observing.progress_history import earlier_attempts, with_earlier
from airflow_provider.runner.observing.progress_recorder import ProgressRecorder, ProgressStart
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.planning.reasons import NotCompleted
from airflow_provider.runner.planning.start_mode import AirflowTry
from airflow_provider.runner.record.progress_record import ProgressState
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.airflow_attempt import run_airflow_attempt
from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
from airflow_provider.runner.spark.job_progress import SparkWork
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline

KEY = RunKey(("dag", "task", "-1"), "run", "p")
CHAIN = pipeline(component("a"), component("b", "a"), component("c", "b"), component("off", enabled=False))


class Kept:
    """Keeps every document, when the attempt reaches a boundary."""

    any_thread = False

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.earlier: list[dict[str, Any]] = []

    def write(self, document: dict[str, Any]) -> None:
        self.documents.append(with_earlier(document, self.earlier))

    @property
    def last(self) -> dict[str, Any]:
        return self.documents[-1]


class Ticking:
    """A clock on which every look is ten seconds later, so that every boundary is written."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


def attempt(
    store: InMemoryCheckpointStore, kept: Kept, number: int = 1, *hooks: NoOpHooks, **how: Any
) -> ProgressRecorder:
    kept.earlier = earlier_attempts(kept.last, "p", number) if kept.documents else []
    start = ProgressStart(KEY, number, "alice" if number == 1 else None)
    spec = AirflowAttemptSpec(CHAIN, KEY, AirflowTry(number, 3, 3), **how)
    spark: Any = object()
    with ProgressRecorder(start, CHAIN, kept, clock=Ticking()) as recorder:
        run_airflow_attempt(spec, store, progress=recorder, spark=spark, hooks=hooks)
    return recorder


def test_it_tells_of_each_boundary_and_of_the_end(script: Script) -> None:
    """From waiting to running to completed; what is disabled is told of, too."""
    kept = Kept()
    attempt(InMemoryCheckpointStore(), kept)
    states = list(dict.fromkeys((d["attempt"]["state"], d["states"]) for d in kept.documents))
    assert states == [
        ("starting", "wwws"),
        ("running", "wwws"),
        ("running", "xwws"),
        ("running", "cwws"),
        ("running", "cxws"),
        ("running", "ccws"),
        ("running", "ccxs"),
        ("running", "cccs"),
        ("succeeded", "cccs"),
    ]
    last = kept.last
    assert (last["names"], last["needs"]) == (["a", "b", "c", "off"], [[], [0], [1], []])
    assert (last["actions"], last["reason_texts"]) == ("xxxs", ["first attempt", "disabled in the config"])
    assert last["attempt"]["asked_by"] == "alice"
    assert last["attempt"]["how"] == "first attempt"
    assert min(last["began"][:3]) > 0
    assert last["attempt"]["ended_at"]
    assert len(last["details"]["0"]["config"]) == 12


def test_a_failure_and_the_retry_after_it(script: Script) -> None:
    """The first tells what failed, where, and what did not run; the second where it resumes and what was before."""
    store, kept = InMemoryCheckpointStore(), Kept()
    script.fail("b", ValueError("password=hunter2 is wrong"))
    attempt(store, kept)
    failed = kept.last
    assert (failed["attempt"]["state"], failed["states"]) == ("failed", "cfns")
    error = failed["attempt"]["error"]
    assert (error["component"], error["headline"]) == (1, "ValueError: password=*** is wrong")
    assert "in behaviour: raise error" in error["where"]
    assert failed["reason_texts"][failed["reasons"][2]] == "first attempt; not run: 'b' failed before it"
    assert failed["what_if"]["resume"] == "1r2x1s"
    assert failed["what_if"]["from"]["0"] == failed["what_if"]["beginning"] == "3x1s"

    script.mend("b")
    attempt(store, kept, 2)
    retried = kept.last
    assert (retried["attempt"]["state"], retried["states"], retried["actions"]) == ("succeeded", "rccs", "rxxs")
    assert retried["attempt"]["how"] == (
        "retry after an unfinished attempt, so it continues from the checkpoint; it resumes at 'b'"
    )
    [before] = retried["earlier"]
    assert (before["number"], before["states"], before["asked_by"]) == (1, "cfns", "alice")


def test_a_request_is_told_with_who_made_it_and_what_became_of_it(script: Script) -> None:
    store, kept = InMemoryCheckpointStore(), Kept()
    script.fail("c")
    attempt(store, kept)
    script.mend("c")
    request = RestartRequest(components=["b"], requested_by="bob", source="the tab")
    attempt(store, kept, 2, requests=(request,))
    last = kept.last
    [told] = last["requests"]
    assert (told["by"], told["source"], told["outcome"]) == ("bob", "the tab", "carried out by attempt 2")
    assert told["text"] == str(request)
    assert last["attempt"]["asked_by"] == "bob"


class Ends(NoOpHooks):
    """Ends the attempt when a component starts."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def before_component(self, event: ComponentStarted) -> None:
        if event.component.name == "b":
            raise self._error


def test_an_attempt_that_airflow_stops_is_told_as_ended(script: Script) -> None:
    """What ran counts as failed, and the error is the reason."""
    kept = Kept()

    def stop() -> None:
        raise AttemptStopped("Airflow asked the task to stop")

    script.on("b", stop)
    with pytest.raises(AttemptStopped):
        attempt(InMemoryCheckpointStore(), kept)
    assert (kept.last["attempt"]["state"], kept.last["states"]) == ("failed", "cfns")
    assert "Airflow asked the task to stop" in kept.last["attempt"]["error"]["headline"]


def test_the_error_of_the_component_stays_if_more_goes_wrong_after_it(script: Script) -> None:
    """Such as a record that cannot be saved: what failed first is what a person looks for."""

    class Fails(NoOpHooks):
        def on_component_failure(self, event: ComponentFailed) -> None:
            raise CheckpointWriteError("the disk is full")

    kept = Kept()
    script.fail("b")
    start = ProgressStart(KEY, 1)
    spec = AirflowAttemptSpec(CHAIN, KEY, AirflowTry(1, 3, 3))
    spark: Any = object()
    with pytest.raises(CheckpointWriteError), ProgressRecorder(start, CHAIN, kept, clock=Ticking()) as recorder:
        run_airflow_attempt(spec, InMemoryCheckpointStore(), progress=recorder, spark=spark, hooks=[Fails()])
    assert (kept.last["attempt"]["state"], kept.last["states"]) == ("failed", "cfns")
    assert kept.last["attempt"]["error"]["headline"] == "RuntimeError: b broke"


def test_a_replaced_attempt_has_no_last_word(script: Script) -> None:
    """Its successor tells what comes next."""
    kept = Kept()

    def replaced() -> None:
        raise StaleAttemptError("replaced")

    script.on("b", replaced)
    with pytest.raises(StaleAttemptError):
        attempt(InMemoryCheckpointStore(), kept)
    assert kept.last["attempt"]["state"] == "running"


def test_no_sink_fails_an_attempt(script: Script) -> None:
    """Whatever it raises, at whatever boundary."""

    class Broken(Kept):
        def write(self, document: dict[str, Any]) -> None:
            raise OSError("no space left")

    attempt(InMemoryCheckpointStore(), Broken())
    assert script.take_calls() == ["a", "b", "c"]


def test_what_comes_next_is_part_of_the_last_document(script: Script) -> None:
    kept = Kept()

    recorder = attempt(InMemoryCheckpointStore(), kept)
    recorder.add_what_if({"as_of": "now", "resume": "3r"})
    assert recorder.document()["what_if"] == {"as_of": "now", "resume": "3r"}


def test_a_signal_handler_may_say_that_the_attempt_stops(script: Script) -> None:
    """Whatever the attempt does at that moment; what comes after it changes nothing of that."""
    kept = Kept()
    start = ProgressStart(KEY, 1)
    recorder = ProgressRecorder(start, CHAIN, kept)
    with recorder._lock:
        recorder.stop("Airflow asked the task to stop")
    with pytest.raises(AttemptStopped), recorder:
        raise AttemptStopped("later")
    assert kept.last["attempt"]["error"] == {"headline": "Airflow asked the task to stop"}


def test_what_spark_does_is_told_while_a_component_runs() -> None:
    """Only if it is not what was told before, and not any more when the component has ended."""
    recorder = ProgressRecorder(ProgressStart(KEY, 1), CHAIN, Kept())
    recorder._spark_does("b", SparkWork("count", 2, 1, 10, 4, 2))
    assert "work" not in recorder.document()["attempt"]  # nothing runs
    recorder._update("b", state=ProgressState.RUNNING)
    recorder._spark_does("b", SparkWork("count", 2, 1, 10, 4, 2))
    assert recorder.document()["attempt"]["work"] == {
        "component": 1,
        "description": "count",
        "stages": 2,
        "stages_done": 1,
        "tasks": 10,
        "tasks_done": 4,
        "tasks_running": 2,
        "rows": 0,
        "bytes": 0,
    }
    recorder._spark_does("b", None)
    assert "work" not in recorder.document()["attempt"]


def started(name: str) -> ComponentStarted:
    place = [c.name for c in CHAIN.ordered].index(name)
    return ComponentStarted(
        Step(CHAIN.ordered[place], Decision(name, Action.RUN, NotCompleted(1, False)), place + 1, 3)
    )


def test_of_several_that_run_the_work_of_the_first_one_with_work_is_told() -> None:
    recorder = ProgressRecorder(ProgressStart(KEY, 1), CHAIN, Kept(), clock=Ticking())

    def told() -> tuple[int, str] | None:
        work = recorder.document()["attempt"].get("work")
        return (work["component"], work["description"]) if work else None

    for name in ("a", "b", "c"):
        recorder.before_component(started(name))
    document = recorder.document()
    assert document["states"] == "xxxs"
    assert len(set(document["began"][:3])) == 3
    recorder._spark_does("a", None)
    recorder._spark_does("c", SparkWork("of c"))
    assert told() == (2, "of c")
    recorder._spark_does("b", SparkWork("of b"))
    assert told() == (1, "of b")
    recorder.after_component(ComponentCompleted(started("b").step, 1.0, 0))
    assert told() == (2, "of c")
    recorder.on_component_failure(ComponentFailed(started("c").step, 1.0, ValueError("x")))
    assert told() is None
    recorder._spark_does("c", SparkWork("of c"))  # its reader was still answering
    assert told() is None
    assert recorder.document()["states"] == "xcfs"


def test_several_are_watched_at_once_and_each_is_forgotten_when_it_ends() -> None:
    """Each in its own thread, as they run."""
    recorder = ProgressRecorder(ProgressStart(KEY, 1), CHAIN, Kept(), clock=Ticking())
    together = threading.Barrier(3, timeout=20)
    asked: list[set[str]] = []

    def component(name: str, position: int) -> None:
        with recorder.watching(name, position, 3, object()):
            recorder._spark_does(name, SparkWork(f"of {name}"))
            together.wait()
            asked.append(set(recorder._poll._asked))
            together.wait()

    for name in ("a", "b", "c"):
        recorder.before_component(started(name))
    threads = [threading.Thread(target=component, args=each) for each in (("a", 1), ("b", 2), ("c", 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [{"a", "b", "c"}] * 3
    assert recorder._poll._asked == {}
    assert "work" not in recorder.document()["attempt"]
    recorder.stop("the end")
    assert recorder.document()["states"] == "fffs"
