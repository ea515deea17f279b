"""When the session that a server has kept may be used, and which copies of it are made and released."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import CheckpointState, InMemoryCheckpointStore, PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.config_hashes import (
    ConfigHashes,
    component_fingerprint,
    compute_pipeline_fingerprint,
)
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.server_session import why_not_live
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment

NOTHING = SessionStateRecord(handling="kept", reason="nothing")
VIEW = SessionStateRecord(handling="kept", reason="saved", left_views=[ViewName("v")])
GLOBAL = SessionStateRecord(handling="kept", reason="saved", left_views=[ViewName("v", True)])
SETTING = SessionStateRecord(handling="kept", reason="recorded", settings={"spark.sql.ansi.enabled": "false"})
FUNCTION = SessionStateRecord(handling="replay", reason="registered f", functions=["f"])
UNWANTED = SessionStateRecord(handling="none", reason="as asked", left_views=[ViewName("v")])


def pipeline(*names: str, always: str = "", **more: Any) -> PipelineConfig:
    components = [
        {"name": name, "class_path": "tests.samples.components.basic.scripted", "config": {"name": name}}
        | ({"always_run": True} if name == always else {})
        for name in names
    ]
    return PipelineConfig.model_validate({"name": "p", "components": components, **more})


def checkpoint(config: PipelineConfig, **left: SessionStateRecord) -> CheckpointState:
    by_name = {component.name: component for component in config.components}
    return CheckpointState(
        run_id="run",
        pipeline_name="p",
        pipeline_fingerprint=compute_pipeline_fingerprint(config),
        completed_components=list(left),
        components={
            name: ComponentRecord(
                fingerprint=component_fingerprint(by_name[name], Path()),
                completed_at=datetime(2026, 1, 1, tzinfo=UTC),
                duration_seconds=1,
                attempt=1,
                session_state=state,
            )
            for name, state in left.items()
        },
        fields={name: dict(fields) for name, fields in ConfigHashes.of(config).fields.items()},
    )


@pytest.mark.parametrize(
    ("left", "present", "asked", "why_not"),
    [
        ({"a": VIEW, "b": SETTING}, "ab", None, None),
        ({"a": VIEW, "b": FUNCTION}, "ab", None, None),
        ({"a": VIEW, "b": NOTHING}, "a", None, None),
        ({"a": VIEW, "b": UNWANTED}, "a", None, None),
        ({"a": VIEW, "b": VIEW}, "a", None, "it lacks what 'b' left"),
        ({"a": VIEW, "b": VIEW}, "ab", "b", "it has what 'b' left, which no longer counts"),
        ({"a": VIEW, "b": NOTHING}, "ab", "b", None),
        ({"a": GLOBAL, "b": NOTHING}, "ab", None, "'a' made or dropped a global temp view"),
        ({"b": VIEW}, "b", None, "'a' runs before 'b', which completed and left something"),
        ({"b": NOTHING}, "b", None, None),
    ],
)
def test_the_session_is_used_only_if_it_is_what_one_that_never_failed_would_be(
    left: dict[str, SessionStateRecord], present: str, asked: str | None, why_not: str | None
) -> None:
    """All completed components' session state is in it, nothing else is, and none of it would come too early."""
    config = pipeline("a", "b", "c")
    state = checkpoint(config, **left)
    plan = decide(config, Facts(state, restarts=(RestartFrom(components=(asked,)),) if asked else ()))
    record = LiveSessionRecord(session="s", origin="here", copy_id="x", present=list(present))

    found = why_not_live(plan, state, record, "here")

    assert found is None if why_not is None else why_not in str(found)


def test_a_component_that_runs_in_every_attempt_must_not_see_what_came_after_it() -> None:
    """The set-up component runs first again, so the session that holds the later ones' views is not used."""
    config = pipeline("setup", "a", "b", always="setup")
    state = checkpoint(config, setup=NOTHING, a=VIEW)
    record = LiveSessionRecord(session="s", origin="here", copy_id="x", present=["setup", "a"])

    found = why_not_live(decide(config, Facts(state)), state, record, "here")

    assert found == "'setup' runs before 'a', which completed and left something in it"


def test_a_component_that_is_no_longer_in_the_pipeline_spoils_the_session() -> None:
    """What it left would still be there (invariant 7)."""
    before = pipeline("a", "b", "c")
    state = checkpoint(before, a=VIEW, b=VIEW)
    after = pipeline("a", "c", on_config_change="rerun_affected")
    record = LiveSessionRecord(session="s", origin="here", copy_id="x", present=["a", "b"])

    found = why_not_live(decide(after, Facts(state)), state, record, "here")

    assert found == "it has what 'b' left, which no longer counts"


def test_other_spark_properties_or_another_server_need_a_new_session() -> None:
    """Otherwise a setting that was mended in the DAG would have no effect on the retry."""
    config = pipeline("a", "b")
    state = checkpoint(config, a=VIEW)
    record = LiveSessionRecord(session="s", origin="there", copy_id="x", present=["a"])

    found = why_not_live(decide(config, Facts(state)), state, record, "here")

    assert found == "the connection or the Spark properties have changed since"


class Server:
    """Sessions and copies by id; nothing is in them."""

    def __init__(self) -> None:
        self.alive: set[str] = set()
        self.made = 0

    def new(self, kind: str) -> str:
        self.made += 1
        self.alive.add(f"{kind}{self.made}")
        return f"{kind}{self.made}"


class Session:
    """One attempt's session on the server."""

    origin = "here"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session_id = server.new("session")
        self.attached: str | None = None

    def attach(self, copy: str) -> bool:
        self.attached = copy if copy in self.server.alive else None
        return self.attached is not None

    def detach(self) -> None:
        self.attached = None

    def copy(self) -> str | None:
        return self.server.new("copy")

    def release(self, session_id: str) -> None:
        self.server.alive.discard(session_id)


def attempt(store: InMemoryCheckpointStore, live: Session) -> bool:
    environment = RunnerEnvironment(live=live)
    run = AttemptSpec(pipeline("a", "b", "c"), store, RunKey((), "run", "p"), spark=object, environment=environment)
    return run_attempt(run).status == "success"


def test_the_record_names_a_copy_that_is_there_and_no_other_one_is_left(script: Any) -> None:
    """After each component one copy replaces the last; success releases it, failure keeps it for the retry."""
    store, server = InMemoryCheckpointStore(), Server()
    seen: list[tuple[Any, set[str]]] = []

    def look() -> None:
        record = store.load("run", "p").live_session
        seen.append((record.copy_id, {name for name in server.alive if name.startswith("copy")}))

    script.on("b", look)
    script.fail("c")
    assert not attempt(store, Session(server))
    record = store.load("run", "p").live_session
    assert seen == [("copy2", {"copy2"})]
    assert (record.copy_id, record.present) == ("copy3", ["a", "b"])
    assert server.alive == {"session1", "copy3"}

    second = Session(server)
    script.mend("c")
    assert attempt(store, second)
    assert store.load("run", "p").live_session is None
    assert server.alive == {second.session_id}  # the first attempt's session was taken away from it


def test_nothing_is_copied_after_a_component_has_failed(script: Any) -> None:
    """What it left half done would be in the copy (invariant 2)."""
    from airflow_provider.runner import CheckpointHooks, SimplePipelineRunner

    store, server = InMemoryCheckpointStore(), Server()
    config = pipeline("a", "b", "c", "d")
    script.fail("b")
    script.fail("d")
    live = Session(server)
    hooks = CheckpointHooks(store, "run", compute_pipeline_fingerprint(config), live=live)
    environment = RunnerEnvironment(live=live)
    SimplePipelineRunner(config, hooks=hooks, spark=object, fail_fast=False, environment=environment).run()

    state = store.load("run", "p")
    assert state is not None
    assert state.live_session is not None
    assert (state.completed_components, state.live_session.present) == (["a", "c"], ["a"])


def test_a_replaced_attempt_releases_the_copy_that_it_could_not_record(script: Any) -> None:
    """And leaves alone what its successor's record names (invariant 5)."""
    store, server = InMemoryCheckpointStore(), Server()

    def successor() -> None:
        script.on("b", lambda: None)
        script.fail("c")
        assert not attempt(store, Session(server))

    script.on("b", successor)
    with pytest.raises(StaleAttemptError):
        attempt(store, Session(server))

    state = store.load("run", "p")
    assert state is not None
    assert state.live_session is not None
    assert {name for name in server.alive if name.startswith("copy")} == {state.live_session.copy_id}
