"""One run with several attempts on a real Spark: each attempt in a new session, as in a new process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner import (
    CheckpointHooks,
    ComponentConfig,
    InMemoryCheckpointStore,
    PipelineConfig,
    PipelineResult,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.samples.components.basic import BEHAVIOUR, CALLS
from tests.samples.harness.application_state import ApplicationState
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Work = Callable[["SparkSession"], object]


class Clock:
    """A clock that stands still unless a component lets time pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SparkRun:
    """One run of a pipeline of scripted components.

    :param spark: any session of the Spark to use
    :param url: where views are saved; None for nowhere
    :param components: names in the order of execution, or configs
    :param fields: further fields of the pipeline, such as ``session_state``
    """

    def __init__(
        self, spark: SparkSession, url: Path | str | None, *components: ComponentConfig | str, **fields: Any
    ) -> None:
        self._spark = spark
        self.session = spark.newSession()
        self._application = ApplicationState(spark) if hasattr(spark, "sparkContext") else None
        self.url = None if url is None else str(url)
        steps = [component(step) if isinstance(step, str) else step for step in components]
        # What the test lets them do is none of their code; what comes of it is seen as ever.
        self.config = PipelineConfig(name="p", components=steps, **{"harmless_modules": ["tests.samples"], **fields})
        self.store = InMemoryCheckpointStore()
        self.clock = Clock()

    def does(self, name: str, work: Work, *, seconds: float = 0.0) -> None:
        """Let a component do ``work`` and take so many seconds."""

        def behaviour() -> None:
            work(self.session)
            self.clock.now += seconds

        BEHAVIOUR[name] = behaviour

    def fails(self, name: str) -> None:
        """Let a component fail."""

        def behaviour() -> None:
            raise RuntimeError(f"{name} broke")

        BEHAVIOUR[name] = behaviour

    def mend(self, name: str) -> None:
        """Let a component succeed and do nothing."""
        BEHAVIOUR.pop(name, None)

    def in_new_session(self) -> SparkRun:
        """Forget the session, and what components left in the application, as a new process does."""
        if self._application is not None:
            self._application.put_back()
        self.session = self._spark.newSession()
        return self

    def runner(self, **options: Any) -> SimplePipelineRunner:
        hooks = CheckpointHooks(self.store, "run-1", compute_pipeline_fingerprint(self.config))
        return SimplePipelineRunner(
            self.config,
            hooks=hooks,
            spark=self.session,
            session_state_url=self.url,
            environment=RunnerEnvironment(clock=self.clock),
            **options,
        )

    def plan(self) -> RunPlan:
        """What the next attempt would do."""
        return self.runner().plan(self.store.load("run-1", "p"))

    def attempt(self, **options: Any) -> PipelineResult:
        """One attempt, in the current session."""
        runner = self.runner(**options)
        return runner.run(plan=runner.plan(self.store.load("run-1", "p")))

    def resume(self, **options: Any) -> PipelineResult:
        """The next attempt, in a new session."""
        return self.in_new_session().attempt(**options)

    def record(self, name: str) -> SessionStateRecord:
        """What is recorded of the session state that a component left."""
        checkpoint = self.store.load("run-1", "p")
        assert checkpoint is not None
        state = checkpoint.components[name].session_state
        assert state is not None
        return state

    def handling(self, name: str) -> tuple[str, str]:
        state = self.record(name)
        return state.handling, state.reason

    def record_text(self) -> str:
        """The whole stored record."""
        checkpoint = self.store.load("run-1", "p")
        assert checkpoint is not None
        return str(checkpoint.to_json())

    @staticmethod
    def took_turns() -> list[str]:
        """Which components ran since this was asked last."""
        ran = list(CALLS)
        CALLS.clear()
        return ran
