"""What a request to restart comes to: which components run, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.errors import ConfigProblem, PipelineConfigError, RestartRefusedError, SessionStateNotSavedError
from airflow_provider.runner import CheckpointState, PipelineConfig
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.decide import decide
from airflow_provider.runner.planning.facts import Facts
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.record.view_names import ViewName
from tests.samples.sketches import checkpoint, config

GRAPH = "a b(a) c(b) d(c) e(b) f(e)"
ALL = "a b c d e f"


def left(**fields: Any) -> SessionStateRecord:
    """What a component left that is known to be harmless, unless it is said otherwise."""
    return SessionStateRecord(**{"handling": "kept", "reason": "left no view", "harmless": True, **fields})


NOTHING = left()


def recorded(today: PipelineConfig, done: str = ALL, **of: dict[str, Any]) -> CheckpointState:
    """Return a checkpoint in which components left nothing, except as given by name."""
    state = checkpoint(today, done)
    records = {
        name: record.model_copy(update={"session_state": NOTHING, **of.get(name, {})})
        for name, record in state.components.items()
    }
    return state.model_copy(update={"components": records, "status": "completed"})


def plan(found: CheckpointState, *asked: RestartFrom, **facts: Any) -> RunPlan:
    return decide(config(GRAPH), Facts(found, restarts=asked, **facts))


def ran(made: RunPlan) -> str:
    return "".join(d.component for d in made.decisions if d.action is Action.RUN)


def start(*names: str, **scope: Any) -> RestartFrom:
    return RestartFrom(components=names, **scope)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("b", start("b")),
        (["b", "c"], start("b", "c")),
        ({"components": "b", "only": True}, start("b", only=True)),
        ({"components": ["b"], "until": "d"}, start("b", until="d")),
    ],
    ids=repr,
)
def test_a_pipeline_may_say_it_in_short_or_in_full(written: Any, expected: RestartFrom) -> None:
    assert config(GRAPH, restart_from=written).restart_from == expected


@pytest.mark.parametrize(
    ("written", "field", "message"),
    [
        (["b", "bb"], "restart_from", "unknown component 'bb'; did you mean 'b'?"),
        ({"components": "b", "until": "dd"}, "restart_from", "unknown component 'dd'; did you mean 'd'?"),
        ({"components": "b", "util": "d"}, "restart_from.util", "is not a known field; did you mean 'until'?"),
        ({"components": "b", "only": True, "until": "d"}, "restart_from", "has both 'only' and 'until'"),
        ([], "restart_from.components", "is empty"),
        (True, "restart_from", "expected a mapping"),
    ],
    ids=repr,
)
def test_a_pipeline_that_says_it_wrongly_is_a_config_error(written: Any, field: str, message: str) -> None:
    with pytest.raises(PipelineConfigError) as caught:
        config(GRAPH, restart_from=written)
    problem: ConfigProblem = caught.value.problems[0]
    assert problem.field == field
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (start("b"), "bcdef"),
        (start("d", "e"), "def"),
        (start("f", only=True), "f"),
        (start("c", "e", only=True), "ce"),
        (start("c", until="d"), "cd"),
        (start("b", until="b"), "b"),
        (start("e", until="f"), "ef"),
    ],
    ids=str,
)
def test_after_a_success_what_was_asked_for_runs_and_nothing_else(asked: RestartFrom, expected: str) -> None:
    made = plan(recorded(config(GRAPH)), asked)
    assert ran(made) == expected
    assert {str(d.reason) for d in made.decisions if d.action is Action.RUN} == {f"{asked} was requested"}


def test_several_requests_in_one_plan_are_all_carried_out() -> None:
    assert ran(plan(recorded(config(GRAPH)), start("d"), start("f", only=True))) == "df"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (start("x"), "unknown or disabled component 'x'"),
        (start("b", until="x"), "unknown or disabled component 'x'"),
        (start("d", until="f"), "'f', where it should end, does not depend on 'd'"),
        (start("b", "f", until="d"), "'f' comes after 'd', where it should end"),
    ],
    ids=str,
)
def test_a_request_that_the_pipeline_cannot_carry_out_is_an_error(asked: RestartFrom, message: str) -> None:
    with pytest.raises(PipelineConfigError, match=message):
        plan(recorded(config(GRAPH)), asked)


READ_T = SourceRecord(kind="table", name="spark_catalog.default.t")

ROOT = SourceRecord(kind="files", name="/data", roots=["/data"])
IN_THE_SESSION = "'c' with an old result: it depends on 'b' and may have read what that left in the session"

READS = {
    "a view": ({"b": {"session_state": left(left_views=[ViewName("v")])}}, f"{IN_THE_SESSION} (v)"),
    "a setting": ({"b": {"session_state": left(settings={"spark.x": "1"})}}, f"{IN_THE_SESSION} (spark.x)"),
    "a function": (
        {"b": {"session_state": left(handling="replay", functions=["g"])}},
        f"{IN_THE_SESSION} (g)",
    ),
    "a table": (
        {"b": {"writes": ["`default`.`t`"]}, "d": {"sources": [READ_T]}},
        "'d' with an old result: it read spark_catalog.default.t, where 'b' writes",
    ),
    "a path": (
        {"b": {"writes": ["file:/data/out"]}, "f": {"sources": [ROOT]}},
        "'f' with an old result: it read /data, where 'b' writes",
    ),
    "something outside Spark": (
        {"b": {"session_state": left(harmless=False)}},
        "'c' with an old result: it depends on 'b', which changed something outside Spark",
    ),
    "no record of it": ({"b": {"session_state": None}}, "the checkpoint does not say what that left"),
}


@pytest.mark.parametrize(("of", "message"), READS.values(), ids=READS)
@pytest.mark.parametrize("asked", [start("b", only=True), start("a", until="b"), start("b", until="b")], ids=str)
def test_a_part_is_refused_if_what_is_left_out_read_what_it_leaves(
    asked: RestartFrom, of: dict[str, Any], message: str
) -> None:
    """Otherwise old and new would be mixed (invariant 6). The whole is never refused."""
    found = recorded(config(GRAPH), **of)
    with pytest.raises(RestartRefusedError) as caught:
        plan(found, asked)
    assert message in str(caught.value)
    assert str(asked) in str(caught.value)
    assert ran(plan(found, start("b"))) == "bcdef"


def test_a_part_may_run_alone_if_no_component_read_what_it_wrote() -> None:
    """Also a component that others depend on; and who reads it is no matter if that runs, too."""
    of = {
        "b": {"writes": ["`default`.`audit`"], "session_state": left(harmless=False)},
        "d": {"sources": [READ_T]},
    }
    assert ran(plan(recorded(config(GRAPH), **of), start("b", only=True))) == "b"
    read = {"c": {"writes": ["`default`.`t`"], "session_state": left(harmless=False)}, "d": {"sources": [READ_T]}}
    assert ran(plan(recorded(config(GRAPH), **read), start("c", until="d"))) == "cd"


def test_a_part_that_had_not_completed_is_nothing_new_to_what_is_complete() -> None:
    """It would run anyway."""
    found = recorded(config(GRAPH), "a c d e f", c={"session_state": None}).model_copy(update={"status": "failed"})
    assert ran(plan(found, start("b", only=True))) == "b"


GONE = "its saved view 'v' is gone from /saved"


def test_after_a_success_the_plan_names_replays_whose_saved_views_are_gone() -> None:
    """They were deleted with the success; what is known to be harmless is replayed."""
    found = recorded(config(GRAPH), a={"session_state": left(left_views=[ViewName("v")])})
    made = plan(found, start("d"), damaged={"a": GONE})
    assert [(d.component, d.action.value) for d in made.decisions if d.action is not Action.REUSE] == [
        ("a", "REPLAY"),
        ("d", "RUN"),
    ]
    assert GONE in str(made.decisions[0].reason)
    assert "keep_session_state_hours" in str(made.decisions[0].reason)
    assert made.obstacle is None


@pytest.mark.parametrize("policy", ["auto", "save", "replay"])
def test_what_may_do_harm_does_not_run_again_because_its_saved_views_are_gone(policy: str) -> None:
    """Invariant 11: it is named, and whoever asked can name it as well, or has vouched for it."""
    today = config(GRAPH, session_state=policy)
    found = recorded(today, a={"session_state": left(left_views=[ViewName("v")], harmless=False)})
    made = decide(today, Facts(found, restarts=(start("d"),), damaged={"a": GONE}))
    if policy == "replay":
        assert made.obstacle is None
        assert made.decisions[0].action is Action.REPLAY
        return
    assert isinstance(made.obstacle, SessionStateNotSavedError)
    assert made.obstacle.components == ("a",)
    assert "restart from it as well" in str(made.obstacle)
    both = decide(today, Facts(found, restarts=(start("d", "a"),), damaged={"a": GONE}))
    assert both.obstacle is None
