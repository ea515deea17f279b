"""Hooks that were written for pyspark-pipeline-framework are called as they expect; ours go on getting events."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from pyspark_pipeline_framework.core.audit.sinks import AuditSink
from pyspark_pipeline_framework.core.config.base import ComponentType, Environment
from pyspark_pipeline_framework.core.config.component import ComponentConfig as TheirComponent
from pyspark_pipeline_framework.core.config.pipeline import PipelineConfig as TheirPipeline
from pyspark_pipeline_framework.core.resilience.circuit_breaker import CircuitState
from pyspark_pipeline_framework.runner import hooks as theirs
from pyspark_pipeline_framework.runner.audit_hooks import AuditHooks
from pyspark_pipeline_framework.runner.hooks_builtin import LoggingHooks as TheirLogging
from pyspark_pipeline_framework.runner.hooks_builtin import MetricsHooks as TheirMetrics
from pyspark_pipeline_framework.runner.result import PipelineResult as TheirResult
from pyspark_pipeline_framework.runner.result import PipelineResultStatus as TheirStatus

from airflow_provider.errors import CheckpointWriteError, PipelineConfigError
from airflow_provider.runner import (
    CheckpointHooks,
    CompositeHooks,
    InMemoryCheckpointStore,
    NoOpHooks,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.observing import peer_views
from airflow_provider.runner.observing.events import ComponentStarted, PipelineStarted
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from tests.conftest import Script
from tests.samples.pipelines import component, pipeline


def ticks(step: float = 0.25) -> Callable[[], float]:
    """A clock that moves each time somebody looks at it."""
    now = [0.0]

    def look() -> float:
        now[0] += step
        return now[0]

    return look


def run(config: PipelineConfig, hooks: Any, completed: set[str] | None = None, **options: Any) -> Any:
    environment = RunnerEnvironment(clock=ticks(), sleep=lambda seconds: None)
    spark: Any = object()
    return SimplePipelineRunner(config, hooks=hooks, spark=spark, environment=environment, **options).run(completed)


class Told:
    """Keeps what it is told, with the arguments of their protocol and no base class."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def before_pipeline(self, config: Any) -> None:
        self.told.append(("before_pipeline", config.name, config.version, len(config.components)))

    def after_pipeline(self, config: Any, result: Any) -> None:
        self.told.append(("after_pipeline", config.name, result.status.value, result.completed_components))

    def before_component(self, config: Any, index: int, total: int) -> None:
        self.told.append(("before_component", config.name, index, total))

    def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
        self.told.append(("after_component", config.name, index, total, duration_ms))

    def on_component_failure(self, config: Any, index: int, error: BaseException) -> None:
        self.told.append(("on_component_failure", config.name, index, str(error)))

    def on_retry_attempt(
        self, config: Any, attempt: int, max_attempts: int, delay_ms: int, error: BaseException
    ) -> None:
        self.told.append(("on_retry_attempt", config.name, attempt, max_attempts, delay_ms, str(error)))

    def on_circuit_breaker_state_change(self, component_name: str, old_state: Any, new_state: Any) -> None:
        self.told.append(("on_circuit_breaker_state_change", component_name, old_state.value, new_state.value))


EXPECTED = [
    ("before_pipeline", "p", "1", 3),
    ("before_component", "a", 0, 3),
    ("after_component", "a", 0, 3, 250),
    ("before_component", "b", 1, 3),
    ("on_retry_attempt", "b", 1, 2, 1500, "b broke"),
    ("on_circuit_breaker_state_change", "b", "closed", "open"),
    ("on_component_failure", "b", 1, "b broke"),
    ("after_pipeline", "p", "failure", ["a"]),
]


def failing_pipeline(script: Script) -> PipelineConfig:
    script.fail("b")
    retry = {"max_attempts": 2, "initial_delay_seconds": 1.5}
    return pipeline("a", component("b", retry=retry, circuit_breaker={"failure_threshold": 2}), "c")


@pytest.mark.parametrize("given", [lambda h: h, lambda h: [h], lambda h: (None, [h]), CompositeHooks])
def test_their_hooks_get_their_arguments_with_index_from_0_and_milliseconds(
    script: Script, caplog: pytest.LogCaptureFixture, given: Callable[[Any], Any]
) -> None:
    hooks = Told()
    run(failing_pipeline(script), given(hooks))
    assert hooks.told == EXPECTED
    assert "failed; the run goes on" not in caplog.text


def test_their_base_classes_are_known_whatever_the_arguments_are_called(script: Script) -> None:
    seen: list[Any] = []

    class Theirs(theirs.NoOpHooks):
        def before_pipeline(self, *args: Any) -> None:
            seen.append(args)

        def after_component(self, *args: Any, **more: Any) -> None:
            seen.append(args)

        def on_component_failure(self, what, where, why):  # type: ignore[no-untyped-def]
            seen.append((what, where, why))

    run(failing_pipeline(script), Theirs())
    (started,), (done, index, total, took), (failed, place, error) = seen
    assert isinstance(started, TheirPipeline)
    assert isinstance(done, TheirComponent)
    assert (done.name, index, total, took) == ("a", 0, 3, 250)
    assert (failed.name, place, str(error)) == ("b", 1, "b broke")


def test_what_their_hooks_read_is_there(script: Script) -> None:
    """Enums with ``value`` and ``is``, the sections, ``asdict``: as objects of their own classes."""
    seen: dict[str, Any] = {}

    class Theirs(theirs.NoOpHooks):
        def before_pipeline(self, config: Any) -> None:
            seen["config"] = config

        def after_pipeline(self, config: Any, result: Any) -> None:
            seen["result"] = result

    source = component("a", component_type="source", config={"secret": {"key": "x"}}, retry={"max_attempts": 7})
    written = pipeline(source, component("b", "a"))
    config = written.model_copy(update={"environment": "prod", "tags": {"team": "data"}})
    run(config, Theirs())
    found = seen["config"]
    assert found.environment is Environment.PROD
    assert found.mode.value == "batch"
    assert found.tags == {"team": "data"}
    assert found.spark.app_name == "p"
    assert found.get_execution_order() == ["a", "b"]
    a = found.get_component("a")
    assert a.component_type is ComponentType.SOURCE
    assert a.retry.max_attempts == 7
    assert dataclasses.asdict(a)["config"] == {"name": "a", "secret": {"key": "x"}}
    a.config["secret"].clear()
    assert config.components[0].config["secret"] == {"key": "x"}, "a hook that looks changes nothing"
    assert isinstance(seen["result"], TheirResult)
    assert seen["result"].status is TheirStatus.SUCCESS


def test_what_they_read_is_there_although_their_package_is_not(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_views, "PACKAGE", "a_package_that_is_not_installed")
    hooks, seen = Told(), []
    hooks.before_component = lambda config, index, total: seen.append(config)  # type: ignore[method-assign]
    run(pipeline("a").model_copy(update={"environment": "qa"}), hooks)
    (a,) = seen
    assert (a.component_type, a.component_type.value, a.component_type.name) == (
        "transformation",
        "transformation",
        "TRANSFORMATION",
    )
    assert dataclasses.asdict(a)["class_path"] == "tests.samples.components.basic.scripted"
    assert hooks.told[-1] == ("after_pipeline", "p", "success", ["a"])


def test_an_environment_that_they_do_not_know_is_text_that_reads_like_theirs() -> None:
    view = peer_views.pipeline_view(pipeline("a").model_copy(update={"environment": "qa"}))
    assert isinstance(view, TheirPipeline)
    assert view.environment.value == "qa"
    assert view.get_execution_order() == ["a"]


def test_components_that_did_not_run_are_not_in_their_result(script: Script) -> None:
    """Their runner leaves out what it skips."""
    hooks = Told()
    run(pipeline("a", "b"), hooks, {"a"})
    assert [told[:2] for told in hooks.told] == [
        ("before_pipeline", "p"),
        ("before_component", "b"),
        ("after_component", "b"),
        ("after_pipeline", "p"),
    ]
    assert hooks.told[1] == ("before_component", "b", 1, 2)
    assert hooks.told[-1][-1] == ["b"]


# Which way a callback is called


def styles(hook: Any) -> list[Any]:
    """Return what the callbacks of a hook got in a run of one component."""
    run(pipeline("a"), hook)
    return list(hook.got)


class Got(NoOpHooks):
    def __init__(self) -> None:
        self.got: list[Any] = []


class MixedByMethod(Got):
    """Our base class, one callback of each kind."""

    def before_component(self, config, index, total):  # type: ignore[no-untyped-def, override]
        self.got.append((config.name, index, total))

    def after_component(self, event: Any) -> None:
        self.got.append(event.position)


class OursNamedConfig(Got):
    """One argument each, called ``config`` although it is our event."""

    def before_pipeline(self, config: Any) -> None:
        self.got.append(config.plan.decisions[0].component)

    def before_component(self, config: Any) -> None:  # type: ignore[override]
        self.got.append(config.position)


class OnlyBeforePipelineReadsTheConfig(Got):
    def before_pipeline(self, config: Any) -> None:
        self.got.append((config.name, len(config.components), config.spark.app_name))


class TheirsWithOneOfOurs(Got):
    """Written for the other package; what only ours tell was added."""

    def before_pipeline(self, config: Any) -> None:
        self.got.append((config.name, config.version))

    def on_component_reuse(self, event: Any) -> None:
        self.got.append(event.position)


class OnlyBeforePipelineReadsTheEvent(Got):
    def before_pipeline(self, config: Any) -> None:
        self.got.append((config.config.name, config.plan.kept, isinstance(config, PipelineStarted)))


class Annotated(Got):
    def before_pipeline(self, started: PipelineStarted) -> None:
        self.got.append(type(started))


class AnnotatedAsTheirs(Got):
    def before_pipeline(self, started: theirs.PipelineConfig) -> None:  # type: ignore[override]
        self.got.append(type(started))


class ByKeyword(Got):
    def before_component(self, *, config, index, total):  # type: ignore[no-untyped-def, override]
        self.got.append((config.name, index, total))

    def after_component(self, *, event: Any) -> None:  # type: ignore[override]
        self.got.append(event.position)


class Anything(Got):
    def before_component(self, *args: Any, **named: Any) -> None:
        self.got.append([type(arg) for arg in args])


class AnythingAmongTheirs(Got):
    def before_component(self, *args: Any) -> None:
        self.got.append(args[1:])

    def after_component(self, component, i, n, ms):  # type: ignore[no-untyped-def, override]
        self.got.append((i, n, ms))


class CallsItsBase(Got):
    def after_component(self, config, index, total, duration_ms):  # type: ignore[no-untyped-def, override]
        super().after_component(config, index, total, duration_ms)
        self.got.append(index)


def timed(callback: Any) -> Any:
    """A decorator that does not say what it decorates."""

    def call(*args: Any, **named: Any) -> Any:
        return callback(*args, **named)

    return call


class Decorated(Got):
    @timed
    def before_pipeline(self, event: Any) -> None:
        self.got.append(event.plan.kept)

    @timed
    def before_component(self, config, index, total):  # type: ignore[no-untyped-def]
        self.got.append((config.name, index, total))


class Static(Got):
    got: list[Any] = []  # noqa: RUF012 - a static method has no object

    def __init__(self) -> None:
        self.got.clear()

    @staticmethod
    def before_component(config, index, total):  # type: ignore[no-untyped-def, override]
        Static.got.append(index)

    @classmethod
    def after_component(cls, event: Any) -> None:  # type: ignore[override]
        cls.got.append(event.position)


class Defaults(Got):
    def after_component(self, config, index=None, total=None, duration_ms=None):  # type: ignore[no-untyped-def, override]
        self.got.append((index, total, duration_ms))


class OursWithDefaults(Got):
    def after_component(self, event, verbose=False, sep=" ", end=""):  # type: ignore[no-untyped-def, override]
        self.got.append((event.position, verbose))


@pytest.mark.parametrize(
    ("hook", "got"),
    [
        (MixedByMethod, [("a", 0, 1), 1]),
        (OursNamedConfig, ["a", 1]),
        (OnlyBeforePipelineReadsTheConfig, [("p", 1, "p")]),
        (TheirsWithOneOfOurs, [("p", "1")]),
        (OnlyBeforePipelineReadsTheEvent, [("p", [], True)]),
        (Annotated, [PipelineStarted]),
        (AnnotatedAsTheirs, [TheirPipeline]),
        (ByKeyword, [("a", 0, 1), 1]),
        (Anything, [[ComponentStarted]]),
        (AnythingAmongTheirs, [(0, 1), (0, 1, 250)]),
        (CallsItsBase, [0]),
        (Decorated, [[], ("a", 0, 1)]),
        (Static, [0, 1]),
        (Defaults, [(0, 1, 250)]),
        (OursWithDefaults, [(1, False)]),
    ],
)
def test_each_callback_is_called_as_it_was_written(script: Script, hook: Any, got: list[Any]) -> None:
    assert styles(hook()) == got


def test_loose_functions_and_a_mock_are_called_as_they_were(script: Script) -> None:
    seen: list[Any] = []
    run(pipeline("a"), SimpleNamespace(before_component=lambda config, index, total: seen.append((config.name, index))))
    assert seen == [("a", 0)]
    mock = MagicMock(spec=NoOpHooks)
    run(pipeline("a"), mock)
    (event,), named = mock.before_component.call_args
    assert isinstance(event, ComponentStarted)
    assert not named


def test_an_error_of_their_hook_is_logged_and_the_run_goes_on(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    class Breaks(theirs.NoOpHooks):
        def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
            raise RuntimeError("no contact")

    after = Told()
    assert run(pipeline("a"), [Breaks(), after]).status is PipelineResultStatus.SUCCESS
    assert "hook Breaks.after_component failed; the run goes on" in caplog.text
    assert after.told[-1] == ("after_pipeline", "p", "success", ["a"])


def test_an_async_hook_is_warned_about(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    class Async(theirs.NoOpHooks):
        async def before_component(self, config: Any, index: int, total: int) -> None:  # type: ignore[override]
            raise AssertionError

    run(pipeline("a"), Async())
    assert "hook Async.before_component is async, so it never runs; make it a plain function" in caplog.text


# Their ready-made hooks, and ours inside theirs


def test_their_ready_made_hooks_work(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    class Sink(AuditSink):
        def __init__(self) -> None:
            self.events: list[Any] = []

        def emit(self, event: Any) -> None:
            self.events.append(event)

    caplog.set_level(logging.INFO)
    metrics, sink = TheirMetrics(), Sink()
    run(failing_pipeline(script), [TheirLogging(), metrics, AuditHooks(sink)])
    assert metrics.component_durations == {"a": 250}
    assert metrics.component_retries == {"b": 1}
    assert [event.action for event in sink.events] == [
        "pipeline_started",
        "component_started",
        "component_completed",
        "component_started",
        "component_retried",
        "circuit_breaker_changed",
        "component_failed",
        "pipeline_completed",
    ]
    assert "Component 'a' [1/3] completed in 250ms" in caplog.text
    assert f"Circuit breaker 'b': {CircuitState.CLOSED.value} -> {CircuitState.OPEN.value}" in caplog.text
    assert "failed; the run goes on" not in caplog.text


class FullStore(InMemoryCheckpointStore):
    """A store with no room."""

    def storage(self) -> Any:
        raise OSError("no space left on device")


def test_a_record_inside_their_composite_is_kept_and_its_loss_still_fails_the_attempt(script: Script) -> None:
    """Their CompositeHooks would log a lost record and go on."""
    config, store = pipeline("a", "b"), InMemoryCheckpointStore()
    record: Any = CheckpointHooks(store, "r", compute_pipeline_fingerprint(config))
    run(config, theirs.CompositeHooks(TheirLogging(), record))
    state = store.load("r", "p")
    assert state is not None
    assert (state.status, state.completed_components) == ("completed", ["a", "b"])

    from airflow_provider.runner.checkpoint.saving import SavePolicy

    lost: Any = CheckpointHooks(FullStore(), "r", "f", saving=SavePolicy(patience_seconds=0))
    with pytest.raises(CheckpointWriteError):
        run(config, theirs.CompositeHooks(lost))


def test_a_record_that_an_authors_hook_passes_on_is_kept(script: Script) -> None:
    class Passes(theirs.NoOpHooks):
        def __init__(self, record: Any) -> None:
            self.record = record

        def before_pipeline(self, config: Any) -> None:
            self.record.before_pipeline(config)

        def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
            self.record.after_component(config, index, total, duration_ms)

        def after_pipeline(self, config: Any, result: Any) -> None:
            self.record.after_pipeline(config, result)

    config, store = pipeline("a", "b"), InMemoryCheckpointStore()
    run(config, Passes(CheckpointHooks(store, "r", compute_pipeline_fingerprint(config))))
    state = store.load("r", "p")
    assert state is not None
    assert (state.status, state.completed_components) == ("completed", ["a", "b"])


class Leaves(theirs.NoOpHooks):
    """Passes everything on to other hooks, as that package's runner would call them."""

    def __init__(self, *hooks: Any) -> None:
        self.hooks: Any = CompositeHooks(*hooks)

    def before_pipeline(self, config: Any) -> None:
        self.hooks.before_pipeline(config)

    def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
        self.hooks.after_component(config, index, total, duration_ms)

    def after_pipeline(self, config: Any, result: Any) -> None:
        self.hooks.after_pipeline(config, result)


def test_our_composite_passes_on_what_it_is_called_with_by_hand(script: Script) -> None:
    config, store, told = pipeline("a", "b"), InMemoryCheckpointStore(), Told()
    run(config, Leaves(told, CheckpointHooks(store, "r", compute_pipeline_fingerprint(config))))
    assert [line[:2] for line in told.told] == [
        ("before_pipeline", "p"),
        ("after_component", "a"),
        ("after_component", "b"),
        ("after_pipeline", "p"),
    ]
    state = store.load("r", "p")
    assert state is not None
    assert (state.status, state.completed_components) == ("completed", ["a", "b"])


def test_a_record_that_is_lost_on_the_way_through_other_hooks_fails_the_attempt(script: Script) -> None:
    from airflow_provider.runner.checkpoint.saving import SavePolicy

    lost = CheckpointHooks(FullStore(), "r", "f", saving=SavePolicy(patience_seconds=0))
    with pytest.raises(CheckpointWriteError):
        run(pipeline("a"), Leaves(lost))
    assert script.take_calls() == []


# What is no hook


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        (Told, r"field 'hooks': Told is a class; pass an instance: Told\(…\)"),
        ([NoOpHooks(), NoOpHooks], r"field 'hooks': NoOpHooks is a class"),
        ("my.Hooks", r"field 'hooks': a str has no callback such as before_component\(\)"),
        ({"logging": {}}, r"field 'hooks': a dict has no callback"),
        (lambda event: None, r"field 'hooks': a function has no callback"),
    ],
)
def test_what_is_no_hook_is_refused_before_anything_runs(script: Script, hooks: Any, message: str) -> None:
    with pytest.raises(PipelineConfigError, match=message):
        run(pipeline("a"), hooks)
    assert script.take_calls() == []
