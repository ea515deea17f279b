"""A store at which steps go wrong as a test says, and attempts that keep their record there as the operator's do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider.runner import (
    CheckpointState,
    ComponentConfig,
    PipelineConfig,
    PipelineResult,
    PipelineResultStatus,
)
from airflow_provider.runner.checkpoint.file_store import FileCheckpointStore
from airflow_provider.runner.checkpoint.saving import SavePolicy
from airflow_provider.runner.checkpoint.store import Takeover, TakeoverClaim
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.conftest import Script
from tests.samples.harness.places import Place, TaskState

KEY = RunKey((), "run-1", "etl")
CONFIG = PipelineConfig(
    name="etl",
    components=[
        ComponentConfig(name=name, class_path="tests.samples.components.basic.scripted", config={"name": name})
        for name in ("a", "b", "c")
    ],
    on_code_change="reuse",  # what a test lets them do is none of their code
)
NO_SPARK: Any = object()

FILES = ["local", "file://", "s3://"]
"""The places of files that outlive the process."""
KEPT = [*FILES, "task state"]
"""All places that do."""

Do = Callable[[], Any]
Fault = Callable[[Do], Any]
"""What happens instead of a step; it is given the step."""


def refuses(error: BaseException) -> Fault:
    """The step is not done."""

    def fault(do: Do) -> None:
        raise error

    return fault


def and_then(act: Callable[[], object]) -> Fault:
    """The step is done, and something else after it."""

    def fault(do: Do) -> Any:
        done = do()
        act()
        return done

    return fault


def loses_the_answer(do: Do) -> None:
    """The step is done, and nobody learns of it."""
    do()
    raise TimeoutError("no answer from the store")


class Faults:
    """What goes wrong at a store.

    Its steps are those of the backend (``write``, ``list``, ``read``, ``move``, ``delete``, … or ``set``, ``get``,
    ``delete``) and, above them, ``take_over``, ``begin`` and ``append``.

    :ivar steps: the steps so far, also those that went wrong
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._next: dict[str, list[Fault]] = {}
        self._always: Fault | None = None

    def around(self, store: Any) -> Any:
        """Return the store, with these faults."""
        if isinstance(store, FileCheckpointStore):
            files = store.storage
            store.storage = lambda: _Faulty(files(), self)  # type: ignore[method-assign]
        else:
            store._accessor = _Faulty(store._accessor, self)
        take_over = store.take_over

        def faulty(claim: TakeoverClaim) -> Takeover:
            taken: Takeover = self.act("take_over", lambda: take_over(claim))
            return replace(taken, writer=_Faulty(taken.writer, self))

        store.take_over = faulty
        return store

    def next(self, step: str, *faults: Fault) -> None:
        """Let these happen instead of the next steps of this name, one each."""
        self._next.setdefault(step, []).extend(faults)

    def breaks(self, error: BaseException) -> None:
        """From now on let nothing be done at the backend."""
        self._always = refuses(error)

    def mend(self) -> None:
        """Let everything be done again."""
        self._always = None
        self._next.clear()

    def act(self, step: str, do: Do) -> Any:
        """Do the step, or what happens instead of it."""
        self.steps.append(step)
        faults = self._next.get(step)
        if faults:
            return faults.pop(0)(do)
        if self._always is not None and step not in ("take_over", "begin", "append"):
            return self._always(do)
        return do()


class _Faulty:
    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def __getattr__(self, step: str) -> Any:
        act = getattr(self._inner, step)
        return lambda *arguments, **more: self._faults.act(step, lambda: act(*arguments, **more))


class Pauses(list[float]):
    """Stands in for the pauses between tries: notes them, and lets the test act in them."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.then = then

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.then()


@dataclass
class FaultyRun:
    """Attempts at one run of a pipeline of three components, each attempt as in a new process.

    :param place: where its checkpoint is
    :param script: says what the components do
    """

    place: Place
    script: Script
    faults: Faults = field(default_factory=Faults)
    pauses: Pauses = field(default_factory=Pauses)

    def step(self, name: str) -> str:
        """Return what the backend calls a step: what is done with files is done with rows in Airflow's task state."""
        rows = {"write": "set", "read": "get", "list": "get"}
        return rows.get(name, name) if isinstance(self.place, TaskState) else name

    def attempt(self, spark: Any = NO_SPARK) -> PipelineResult:
        """Take over, plan, run and record, at the faulty store."""
        store = self.faults.around(self.place.attempt())
        return run_attempt(AttemptSpec(CONFIG, store, KEY, spark=spark, saving=SavePolicy(sleep=self.pauses)))

    def fail_at(self, component: str) -> None:
        """One attempt that ends because this component fails."""
        self.script.fail(component)
        self.attempt()
        self.script.mend(component)
        self.script.take_calls()
        self.faults.steps.clear()

    def recorded(self) -> CheckpointState:
        found = self.place.store().load("run-1", "etl")
        assert found is not None
        return found

    def assert_the_next_attempt_goes_on(self, after: str) -> None:
        """Invariant 1: what was recorded is reused, the rest runs, and the record is complete.

        :param after: the names of the recorded components
        """
        for component in "abc":
            self.script.mend(component)
        self.script.take_calls()
        self.faults.mend()
        assert self.attempt().status is PipelineResultStatus.SUCCESS
        assert "".join(self.script.take_calls()) == "abc".replace(after, "")
        self.assert_complete()

    def assert_complete(self) -> None:
        """The record is complete, and there is one of everything."""
        state = self.recorded()
        assert (state.status, state.completed_components) == ("completed", ["a", "b", "c"])
        assert list(state.components) == ["a", "b", "c"]
        names = [name for name in self.place.documents() if ".corrupt-" not in name]
        assert len({found[0] for name in names if (found := RANK.search(name))}) in (0, 1), "one attempt's files"
        assert len({found[1] for name in names if (found := ROWS.match(name))}) in (0, 1), "one attempt's rows"


RANK = re.compile(r"\d{6}~\d{6}~\w+")
ROWS = re.compile(r"pyspark_pipeline_record/etl/(\w+)")


def assert_one_clear_error(error: BaseException, reason: str, what: str = "checkpoint") -> None:
    text = str(error)
    begins = rf"saving the {what} of pipeline 'etl', run 'run-1' failed \d+ times: "
    assert re.match(begins, text), text
    assert reason in text
    assert text.endswith("because without the record the next attempt would run finished components again")
    assert "\n" not in text
