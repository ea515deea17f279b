"""The scheduler starts what may start, in the right order, and nothing else: whatever completes first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.policies import OnFailure
from airflow_provider.runner.planning.decide import plan_skipping
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.running.scheduler import Schedule, ScheduleLimits, ScheduleState
from tests.samples.pipelines import component, pipeline

DIAMOND = {"load": [], "left": ["load"], "right": ["load"], "join": ["left", "right"], "report": []}


def schedule(graph: Mapping[str, Sequence[str]], components: int = 2, **more: Any) -> Schedule:
    actions = dict.fromkeys(graph, Action.RUN) | more.pop("actions", {})
    limits = {name: more.pop(name) for name in ("on_failure", "apart") if name in more}
    return Schedule(actions, graph, ScheduleLimits(components, more.pop("max_resources", {}), **limits), **more)


def played(plan: Schedule, *events: str) -> ScheduleState:
    """Return the state after events such as ``>load``, ``load`` (completed) and ``!load`` (failed)."""
    state = ScheduleState()
    for event in events:
        name = event.lstrip(">!")
        if event[0] == ">":
            assert name in plan.next_steps(state), (name, state)
            state = state.started(name)
        else:
            state = state.has_failed(name) if event[0] == "!" else state.completed(name)
    return state


NEXT: dict[str, tuple[Schedule, tuple[str, ...], list[str]]] = {
    "the one with more descendants comes first": (schedule(DIAMOND), (), ["load", "report"]),
    "with one at a time the plan's order counts": (schedule({"report": [], **DIAMOND}, 1), (), ["report"]),
    "with one at a time nothing starts beside it": (schedule(DIAMOND, 1), (">load",), []),
    "a dependent waits for the record": (schedule(DIAMOND, 4), (">load", ">report", "report"), []),
    "a dependent starts when all are recorded": (
        schedule(DIAMOND, 4),
        (">load", "load", ">left", ">right", "left", "right"),
        ["join", "report"],
    ),
    "the longest remaining path comes first": (
        schedule(DIAMOND, 2, seconds={"load": 1, "left": 1, "right": 9, "join": 1, "report": 20}),
        (),
        ["report", "load"],
    ),
    "what is not known takes as long as usual": (
        schedule({"a": [], "b": [], "c": []}, 3, seconds={"a": 1, "b": 9}),
        (),
        ["b", "c", "a"],
    ),
    "ties are settled by the plan": (schedule({"b": [], "a": [], "c": []}, 2), (), ["b", "a"]),
    "a left out one is passed through": (
        schedule({"a": [], "b": ["a"], "c": ["b"]}, 2, left_out=frozenset({"b"})),
        (">a", "a"),
        ["c"],
    ),
    "reused ones are restored first, beside what runs": (
        schedule({"a": [], "b": [], "c": [], "d": ["c"]}, 1 + 1, actions={"c": Action.REUSE, "b": Action.REUSE}),
        (),
        ["b", "c", "a"],
    ),
    "a replay waits for the reused one on which it depends": (
        schedule({"a": [], "b": ["a"]}, 2, actions={"a": Action.REUSE, "b": Action.REPLAY}),
        (),
        ["a"],
    ),
    "a resource is not shared beyond its amount": (
        schedule(
            {"a": [], "b": [], "c": []},
            3,
            max_resources={"jdbc": 2},
            resources={"a": {"jdbc": 1}, "b": {"jdbc": 2}, "c": {"jdbc": 1}},
        ),
        (),
        ["a", "c"],
    ),
    "writer and reader of process state run apart": (
        schedule({"a": [], "b": [], "c": []}, 3, apart=frozenset({frozenset({"a", "b"})})),
        (),
        ["a", "c"],
    ),
    "nothing starts after a failure": (schedule(DIAMOND), (">load", ">report", "!report", "load"), []),
    "what does not depend on the failed one starts": (
        schedule(DIAMOND, 3, on_failure="continue"),
        (">load", "load", ">left", "!left"),
        ["right", "report"],
    ),
}


@pytest.mark.parametrize(("plan", "events", "expected"), NEXT.values(), ids=NEXT)
def test_what_may_start_now(plan: Schedule, events: tuple[str, ...], expected: list[str]) -> None:
    assert plan.next_steps(played(plan, *events)) == expected


def test_what_depends_on_a_disabled_component_waits_for_what_that_depends_on() -> None:
    plan = Schedule({"a": Action.RUN, "c": Action.RUN}, {"a": [], "off": ["a"], "c": ["off"]}, ScheduleLimits(2))
    assert plan.next_steps(ScheduleState()) == ["a"]
    assert plan.next_steps(played(plan, ">a", "a")) == ["c"]


CROWDED = schedule(
    {"a": [], "b": [], "c": [], "d": ["a"], "e": []},
    2,
    max_resources={"jdbc": 1},
    resources={"a": {"jdbc": 1}, "b": {"jdbc": 1}},
    apart=frozenset({frozenset({"a", "c"})}),
    left_out=frozenset({"e"}),
)
WHY: dict[str, tuple[Schedule, tuple[str, ...], str, str]] = {
    "a resource": (CROWDED, (">a",), "b", "waits for the resource 'jdbc', which 'a' uses"),
    "process state": (
        CROWDED,
        (">a",),
        "c",
        "never runs beside 'a': one of them changes process state that the other one reads",
    ),
    "a dependency": (CROWDED, (">a",), "d", "waits for 'a'"),
    "left out": (CROWDED, (), "e", "left out of this attempt"),
    "no place": (schedule(DIAMOND, 1), (">load",), "report", "waits until one of 'load' ends"),
    "a failure before it": (schedule(DIAMOND, 1), (">load", "!load"), "report", "'load' failed before it"),
    "a failed dependency": (
        schedule(DIAMOND, on_failure="continue"),
        (">load", ">report", "!report", "!load"),
        "join",
        "depends on a failed component",
    ),
}


@pytest.mark.parametrize(("plan", "events", "name", "sentence"), WHY.values(), ids=WHY)
def test_why_a_component_has_not_started(plan: Schedule, events: tuple[str, ...], name: str, sentence: str) -> None:
    assert str(plan.why_not(name, played(plan, *events))) == sentence


def test_a_blocked_component_names_the_failed_ones_on_which_it_depends() -> None:
    plan = schedule(DIAMOND, on_failure="continue")
    why = plan.why_not("join", played(plan, ">load", ">report", "!report", "!load"))
    assert why is not None
    assert (why.names, why.is_final) == (("load",), True)


def test_what_has_started_or_may_start_has_no_reason() -> None:
    plan = schedule(DIAMOND)
    state = played(plan, ">load")
    assert plan.why_not("load", state) is plan.why_not("report", state) is None


@pytest.mark.parametrize(
    ("on_failure", "cancelled"),
    [("finish_running", ()), ("cancel_running", ("load",)), ("continue", ())],
)
def test_what_a_failure_cancels(on_failure: OnFailure, cancelled: tuple[str, ...]) -> None:
    plan = schedule(DIAMOND, on_failure=on_failure)
    assert plan.to_cancel(played(plan, ">load", ">report")) == ()
    assert plan.to_cancel(played(plan, ">load", ">report", "!report")) == cancelled


def test_without_a_session_nothing_runs_any_more() -> None:
    """Whatever the policy: ``continue`` would only fail each of them."""
    plan = schedule(DIAMOND, on_failure="continue")
    state = played(plan, ">load", ">report").has_failed("report", session_is_gone=True)
    assert (plan.to_cancel(state), plan.next_steps(state)) == (("load",), [])
    assert plan.is_over(state.was_cancelled("load"))


def test_a_reused_component_is_restored_although_one_before_it_failed() -> None:
    """What it left was there before. A component that needs it without saying so still finds it."""
    actions = {"set_up": Action.RUN, "views": Action.REUSE, "other": Action.RUN}
    graph: dict[str, list[str]] = {"set_up": [], "views": ["set_up"], "other": []}
    for components in (1, 2):
        plan = Schedule(actions, graph, ScheduleLimits(components, on_failure="continue"))
        assert "views" in plan.next_steps(played(plan, ">set_up", "!set_up"))


def test_a_reused_component_waits_for_what_runs_before_it_behind_a_failed_one() -> None:
    graph: dict[str, list[str]] = {"fails": [], "runs": [], "blocked": ["fails", "runs"], "reused": ["blocked"]}
    plan = schedule(graph, 2, on_failure="continue", actions={"reused": Action.REUSE})
    state = played(plan, ">fails", ">runs", "!fails")
    assert (plan.next_steps(state), plan.next_steps(state.completed("runs"))) == ([], ["reused"])


def test_what_cannot_be_restored_is_replayed_under_the_limits() -> None:
    plan = schedule({"a": [], "b": [], "c": []}, 1 + 1, actions={"c": Action.REUSE})
    state = played(plan, ">a", ">b")
    assert plan.next_steps(state) == ["c"]
    assert plan.replaying("c").next_steps(state) == []
    assert plan.replaying("c").next_steps(state.completed("a")) == ["c"]


AUTO: dict[str, tuple[dict[str, list[str]], int]] = {
    "a chain": ({"a": [], "b": ["a"], "c": ["b"]}, 1),
    "a diamond with a loner": (DIAMOND, 3),
    "more than eight side by side": ({f"c{n}": [] for n in range(20)}, 8),
    "nothing to run": ({}, 1),
}


@pytest.mark.parametrize(("graph", "expected"), AUTO.values(), ids=AUTO)
def test_auto_is_as_many_as_the_graph_is_wide(graph: dict[str, list[str]], expected: int) -> None:
    """A component that had completed does not count, and joins those around it."""
    steps = [component("done"), *(component(name, "done", *needs) for name, needs in graph.items())]
    config = pipeline(*steps).model_copy(update={"max_parallel_components": "auto"})
    assert Schedule.of(config, plan_skipping(config, {"done"})).limits.components == expected


@st.composite
def schedules(draw: st.DrawFn, **fixed: Any) -> Schedule:
    names = [f"c{n}" for n in range(draw(st.integers(1, 6)))]
    graph = {name: [other for other in names[:n] if draw(st.booleans())] for n, name in enumerate(names)}
    kinds = st.sampled_from([Action.RUN, Action.RUN, Action.RUN, Action.REPLAY, Action.REUSE])
    amounts = st.dictionaries(st.sampled_from(["jdbc", "api"]), st.integers(1, 2), max_size=2)
    pairs = [frozenset(pair) for pair in itertools.combinations(names, 2)]
    return Schedule(
        {name: draw(kinds) for name in names},
        graph,
        ScheduleLimits(
            draw(st.integers(1, 4)),
            {"jdbc": 2, "api": 3},
            frozenset(pair for pair in pairs if draw(st.integers(0, 4)) == 0),
            fixed.get("on_failure") or draw(st.sampled_from(["finish_running", "cancel_running", "continue"])),
        ),
        frozenset(name for name in names if draw(st.integers(0, 6)) == 0),
        {name: draw(amounts) for name in names},
        draw(st.dictionaries(st.sampled_from(names), st.floats(0, 100), max_size=6)),
    )


def every_end(plan: Schedule, failing: frozenset[str]) -> Iterator[ScheduleState]:
    """Yield the last state of every order of completion, and check each state on the way."""
    waiting, seen = [ScheduleState()], set[ScheduleState]()
    while waiting:
        state = waiting.pop()
        for name in plan.next_steps(state):
            check(plan, state, name)
            state = state.started(name) if plan.actions[name] is not Action.REUSE else state.completed(name)
            if plan.actions[name] is Action.REUSE:
                break  # what it makes possible starts with the next look
        else:
            check_idle(plan, state)
            if not state.running:
                assert plan.is_over(state)
                yield state
            for name in state.running:
                if name in plan.to_cancel(state):
                    following = state.was_cancelled(name)
                else:
                    following = state.has_failed(name) if name in failing else state.completed(name)
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
            continue
        waiting.append(state)


def ancestors(plan: Schedule, name: str) -> set[str]:
    return {other for other in plan.depends_on if name in descendants(plan.depends_on, {other})} - {name}


def check(plan: Schedule, state: ScheduleState, name: str) -> None:
    """A component that starts keeps every limit, and all that it depends on is recorded."""
    assert name not in plan.left_out
    assert name not in {*state.running, *state.complete, *state.failed, *state.cancelled}
    assert not state.failed or plan.limits.on_failure == "continue"
    before = ancestors(plan, name) - plan.left_out
    if plan.limits.components == 1:
        assert not state.running
    if plan.actions[name] is Action.REUSE:
        assert not before & {*state.running}
        return
    assert before <= state.complete
    running = [*state.running, name]
    assert len(running) <= plan.limits.components
    for resource, limit in plan.limits.resources.items():
        assert sum(plan.resources[each].get(resource, 0) for each in running) <= limit
    assert not any(frozenset(pair) in plan.limits.apart for pair in itertools.combinations(running, 2))


def check_idle(plan: Schedule, state: ScheduleState) -> None:
    """Whatever does not start has a reason that names what is really so, and no reason is that it waits for nobody."""
    for name in plan.actions:
        why = plan.why_not(name, state)
        begun = {*state.running, *state.complete, *state.failed, *state.cancelled}
        assert (why is None) is (name in begun)
        if why is not None and not why.is_final:
            assert why.names, (name, state)
            assert state.running, f"{name} waits for ever: {why}"


@given(schedules(), st.frozensets(st.sampled_from([f"c{n}" for n in range(6)])))
def test_no_order_of_completion_breaks_a_limit_or_ends_in_a_deadlock(plan: Schedule, failing: frozenset[str]) -> None:
    for end in every_end(plan, failing):
        for name in plan.actions:
            why = plan.why_not(name, end)
            assert why is None or why.is_final


@given(schedules(on_failure="continue"), st.frozensets(st.sampled_from([f"c{n}" for n in range(6)])))
def test_each_order_of_completion_ends_with_the_same_components(plan: Schedule, failing: frozenset[str]) -> None:
    """All but the left out, the failed, and what depends on a failed one."""
    runs = {name for name, action in plan.actions.items() if action is not Action.REUSE} - plan.left_out
    reused = set(plan.actions) - runs - plan.left_out
    for end in every_end(plan, failing):
        failed = set(end.failed)
        assert failed == {name for name in failing & runs if not ancestors(plan, name) & failed}
        assert end.complete == (runs - descendants(plan.depends_on, failed)) | reused


@given(schedules())
def test_one_at_a_time_is_the_order_of_the_plan(plan: Schedule) -> None:
    alone = Schedule(plan.actions, plan.depends_on, ScheduleLimits(1), plan.left_out, {}, plan.seconds)
    state, taken = ScheduleState(), []
    while steps := alone.next_steps(state):
        (step,) = steps
        taken.append(step)
        state = state.completed(step)
    assert taken == [name for name in plan.actions if name not in plan.left_out]
