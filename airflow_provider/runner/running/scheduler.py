"""Decides which components may start now: pure decisions, without threads and without a clock.

The caller keeps a :class:`ScheduleState` up to date and asks a :class:`Schedule` what comes next. One component at a
time means the order of the plan, exactly. Otherwise the one with the longest remaining path comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from airflow_provider.runner.config.graph import descendants, direct_needs, graph_width
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.policies import OnFailure
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.running.remaining_paths import remaining_seconds

MOST_AT_ONCE = 8
"""What ``max_parallel_components: auto`` allows at most."""

_FINAL = ("left out", "failure", "blocked")


@dataclass(frozen=True)
class ScheduleLimits:
    """What the components that run side by side must keep to.

    :param components: how many run at once
    :param resources: how much there is of each resource
    :param apart: pairs of components that never run side by side, because the code of one writes process state that the
        code of the other one reads
    :param on_failure: what a failure stops
    """

    components: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    apart: frozenset[frozenset[str]] = frozenset()
    on_failure: OnFailure = "finish_running"


@dataclass(frozen=True)
class ScheduleState:
    """What has happened so far.

    :param running: components that have started, in that order
    :param complete: components whose records are durable, and reused ones that were restored as far as needed
    :param failed: components that failed, in that order
    :param cancelled: components that were cancelled after another one had failed
    :param session_is_gone: whether nothing can run any more
    """

    running: tuple[str, ...] = ()
    complete: frozenset[str] = frozenset()
    failed: tuple[str, ...] = ()
    cancelled: frozenset[str] = frozenset()
    session_is_gone: bool = False

    def started(self, component: str) -> ScheduleState:
        """Return the state after a component has started."""
        return replace(self, running=(*self.running, component))

    def completed(self, component: str) -> ScheduleState:
        """Return the state after the record of a component is durable."""
        return replace(self._ended(component), complete=self.complete | {component})

    def has_failed(self, component: str, *, session_is_gone: bool = False) -> ScheduleState:
        """Return the state after a component has failed.

        :param session_is_gone: whether nothing can run in the session any more
        """
        gone = self.session_is_gone or session_is_gone
        return replace(self._ended(component), failed=(*self.failed, component), session_is_gone=gone)

    def was_cancelled(self, component: str) -> ScheduleState:
        """Return the state after a component has ended because it was cancelled."""
        return replace(self._ended(component), cancelled=self.cancelled | {component})

    def _ended(self, component: str) -> ScheduleState:
        return replace(self, running=tuple(name for name in self.running if name != component))


@dataclass(frozen=True)
class NotStarted:
    """Why a component has not started; ``str()`` of it is the sentence for people.

    :param because: ``left out`` of this attempt; a ``failure`` before it, after which nothing starts; ``blocked``,
        because it depends on a failed one; or it waits for ``dependencies``, for a ``place``, a ``resource`` or
        ``process state``
    :param names: the failed component, the dependencies, the components that hold what it waits for
    :param resource: the resource that it waits for
    """

    because: Literal["left out", "failure", "blocked", "dependencies", "place", "resource", "process state"]
    names: tuple[str, ...] = ()
    resource: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it does not start any more in this attempt."""
        return self.because in _FINAL

    def __str__(self) -> str:
        names = ", ".join(map(repr, self.names))
        return {
            "left out": "left out of this attempt",
            "failure": f"{names} failed before it",
            "blocked": "depends on a failed component",
            "dependencies": f"waits for {names}",
            "place": f"waits until one of {names} ends",
            "resource": f"waits for the resource {self.resource!r}, which {names} uses",
            "process state": f"never runs beside {names}: one of them changes process state that the other one reads",
        }[self.because]


@dataclass(frozen=True)
class Schedule:
    """What of a plan may start when.

    :param actions: component to what the plan does with it, in the order of the plan
    :param depends_on: component to its dependencies; other components than those of the plan may be in it
    :param limits: what the components must keep to
    :param left_out: components that this attempt leaves out
    :param resources: component to how much it uses of each resource, at most what there is
    :param seconds: component to how long it took earlier, as far as that is known
    """

    actions: Mapping[str, Action]
    depends_on: Mapping[str, Sequence[str]]
    limits: ScheduleLimits = field(default_factory=ScheduleLimits)
    left_out: frozenset[str] = frozenset()
    resources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    _needs: Mapping[str, Sequence[str]] = field(init=False, repr=False, compare=False)
    _ranks: Mapping[str, tuple[float, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = [name for name in self.actions if name not in self.left_out]
        needs = direct_needs(self.depends_on, steps)
        positions = {name: number for number, name in enumerate(self.actions)}
        ranks = {name: (0.0, positions[name]) for name in steps}
        if self.limits.components > 1:
            paths = remaining_seconds(needs, [name for name in steps if self._runs(name)], self.seconds)
            ranks |= {name: (-seconds, positions[name]) for name, seconds in paths.items()}
            # The main thread restores, so it does that before it waits for those that it has started.
            ranks |= {name: (float("-inf"), positions[name]) for name in steps if not self._runs(name)}
        object.__setattr__(self, "_needs", needs)
        object.__setattr__(self, "_ranks", ranks)

    @classmethod
    def of(
        cls,
        config: PipelineConfig,
        plan: RunPlan,
        seconds: Mapping[str, float] | None = None,
    ) -> Schedule:
        """Return the schedule of a plan.

        :param config: the pipeline
        :param plan: what to do with its components
        :param seconds: component to how long it took earlier, as far as that is known
        """
        actions = {decision.component: decision.action for decision in plan.decisions}
        runs = {name for name, action in actions.items() if action is not Action.REUSE} - plan.left_out
        asked = config.max_parallel_components
        if asked == "auto":
            asked = min(max(graph_width(direct_needs(config.dependencies, runs)), 1), MOST_AT_ONCE)
        return cls(
            actions,
            config.dependencies,
            ScheduleLimits(int(asked), config.max_resources, on_failure=config.on_failure),
            plan.left_out,
            {component.name: component.resources for component in config.components},
            seconds or {},
        )

    def keeping_apart(self, pairs: frozenset[frozenset[str]]) -> Schedule:
        """Return the schedule in which some pairs of components never run side by side."""
        return replace(self, limits=replace(self.limits, apart=self.limits.apart | pairs))

    def replaying(self, component: str) -> Schedule:
        """Return the schedule in which a component is replayed, because what it left could not be restored."""
        return replace(self, actions={**self.actions, component: Action.REPLAY})

    def next_steps(self, state: ScheduleState) -> list[str]:
        """Return the components to start now, in this order.

        Reused ones are among them: what they left is restored, which takes no place and no resources.
        """
        chosen: list[str] = []
        over = self._over(state)
        for name in sorted(self._ranks, key=self._ranks.__getitem__):
            if self._has_begun(name, state):
                continue
            if self._why_not(name, state, over, self._busy(state, chosen)) is None:
                chosen.append(name)
        return chosen

    def why_not(self, component: str, state: ScheduleState) -> NotStarted | None:
        """Return why a component has not started, None if it has, or may start now."""
        starting = self.next_steps(state)
        if component in starting or self._has_begun(component, state):
            return None
        return self._why_not(component, state, self._over(state), self._busy(state, starting))

    def to_cancel(self, state: ScheduleState) -> tuple[str, ...]:
        """Return the running components that are to be cancelled."""
        cancels = state.failed and self.limits.on_failure == "cancel_running"
        return state.running if cancels or state.session_is_gone else ()

    def is_over(self, state: ScheduleState) -> bool:
        """Return whether nothing runs and nothing more starts."""
        return not state.running and not self.next_steps(state)

    def _runs(self, name: str) -> bool:
        return self.actions[name] is not Action.REUSE

    def _busy(self, state: ScheduleState, starting: Sequence[str]) -> list[str]:
        """Return what runs, with what is about to start. One at a time means that restoring takes the place, too."""
        alone = self.limits.components == 1
        return [*state.running, *(name for name in starting if alone or self._runs(name))]

    def _has_begun(self, name: str, state: ScheduleState) -> bool:
        return name in state.running or name in state.complete or name in state.failed or name in state.cancelled

    def _over(self, state: ScheduleState) -> frozenset[str]:
        """Return what does not become complete any more: the failed and cancelled ones and their descendants."""
        ended = {*state.failed, *state.cancelled}
        return frozenset(descendants(self.depends_on, ended)) if ended else frozenset()

    def _why_not(
        self, name: str, state: ScheduleState, over: frozenset[str], running: Sequence[str]
    ) -> NotStarted | None:
        if name in self.left_out:
            return NotStarted("left out")
        if state.session_is_gone or (state.failed and self.limits.on_failure != "continue"):
            return NotStarted("failure", state.failed[:1])
        if self._runs(name) and name in over:
            return NotStarted("blocked", tuple(f for f in state.failed if name in descendants(self.depends_on, {f})))
        if waits := tuple(self._awaited(name, state, over)):
            return NotStarted("dependencies", waits)
        if self.limits.components == 1:
            return NotStarted("place", tuple(running)) if running else None
        return self._crowded_out(name, running) if self._runs(name) else None

    def _awaited(self, name: str, state: ScheduleState, over: frozenset[str]) -> Iterator[str]:
        """Yield what has to end before a component starts.

        What a reused component left is there already, whatever has become of those before it. So it waits only for
        those that may still run.
        """
        above = list(self._needs[name])
        for other in above:
            if other in over and not self._runs(name):
                above += (each for each in self._needs.get(other, ()) if each not in above)
            elif other not in state.complete:
                yield other

    def _crowded_out(self, name: str, running: Sequence[str]) -> NotStarted | None:
        """Return who runs and keeps a component from running beside it."""
        beside = tuple(other for other in running if frozenset((name, other)) in self.limits.apart)
        if beside:
            return NotStarted("process state", beside)
        for resource, amount in self.resources.get(name, {}).items():
            used = {other: self.resources.get(other, {}).get(resource, 0) for other in running}
            if amount + sum(used.values()) > self.limits.resources[resource]:
                return NotStarted("resource", tuple(other for other in running if used[other]), resource)
        return NotStarted("place", tuple(running)) if len(running) >= self.limits.components else None
