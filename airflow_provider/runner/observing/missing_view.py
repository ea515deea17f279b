"""Hints for an author whose component misses a view, a table or a function."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider.runner.config.graph import ancestors, descendants
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.config.problems import suggestion
from airflow_provider.runner.observing.missed_name import MissedName, find_missed_name
from airflow_provider.runner.planning.dependency_notes import runs_side_by_side
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.needs.view_use import find_function_use

IF_LOST = "restart from the component that made it, or set its session_state: replay if running it twice does no harm"
_QUOTED = re.compile(r"`(?:[^`]|``)+`|(?<=')[^']+(?=')")


def missing_view(
    error: BaseException,
    component: str,
    config: PipelineConfig,
    views: Collection[str],
    lost: Mapping[str, str] = MappingProxyType({}),
    left_by: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Return who leaves the view that a component missed, or which name is near it; empty if it missed none.

    Also who leaves the function, session variable, setting or data source, if that is in ``left_by``.

    :param error: what the component raised
    :param component: its name
    :param config: the pipeline
    :param views: names of the views in the session
    :param lost: quoted names of what completed components left and this attempt could not restore, to the reason
    :param left_by: names, in lower case, of what components left on which this one does not depend, in this attempt or
        an earlier one, to the component; a global temp view as ``global_temp.v``. Empty if components run one after
        the other
    """
    missed = find_missed_name(error)
    if missed is not None and (name := missed.name_in_session) is not None and name.lower() in left_by:
        return [_undeclared(f"{missed.word} {name!r}", left_by[name.lower()], component, config)]
    if hints := [
        f"{name} could not be restored after the failure: {why}; {IF_LOST}" for name, why in _named(error, lost)
    ]:
        return hints
    if missed is not None and runs_side_by_side(config) and (who := _leaver_beside(missed, component, config)):
        return [_undeclared(f"{missed.word} {missed.name!r}", who, component, config)]
    if missed is None or missed.word != "view":
        return []
    name = missed.name
    for other in config.components:
        if other.name != component and _leaves(other, name):
            return [_who(other, name, component, config)]
    near = suggestion(name, sorted(views)) if views else "; the session has no view"
    return [f"no component of this pipeline leaves a view {name!r} as far as its code and config show{near}"]


def _leaver_beside(missed: MissedName, component: str, config: PipelineConfig) -> str | None:
    """Return who leaves something by its code or config; None if nobody does, or one on which the component depends.

    It need not have run: who does not depend on it may be faster.
    """
    leaves = {"view": _leaves, "function": _registers}.get(missed.word)
    if leaves is None or missed.name_in_session is None:
        return None
    names = [other.name for other in config.ordered]
    above = ancestors(config.dependencies, names)
    leavers = [other.name for other in config.ordered if other.name != component and leaves(other, missed.name)]
    if any(name in above[component] for name in leavers):
        return None
    return min(leavers, key=lambda name: component in above[name], default=None)


def _undeclared(what: str, who: str, component: str, config: PipelineConfig) -> str:
    if who in descendants(config.dependencies, {component}):
        return (
            f"{what} is left by component {who!r}, which depends on {component!r}: leave it in a component on which "
            f"{component!r} can depend"
        )
    return f"{what} is left by component {who!r}, on which {component!r} does not depend: add it to depends_on"


def _named(error: BaseException, lost: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the lost names that an error mentions: it says the last part in quotes, or the kind knows its errors."""
    text = f"{type(error).__name__}: {error}"
    return [
        (name, why)
        for name, why in lost.items()
        if any(part in text for part in _QUOTED.findall(name)[-1:])
        or any(kind.is_missed(name, text) for kind in kinds.KINDS)
    ]


def _who(other: ComponentConfig, view: str, component: str, config: PipelineConfig) -> str:
    order = [c.name for c in config.ordered]
    if other.name not in order:
        return f"remedy: component {other.name!r} leaves view {view!r}, but it is disabled; enable it"
    if order.index(other.name) > order.index(component):
        return (
            f"remedy: component {other.name!r} leaves view {view!r} and runs later; add {other.name!r} to "
            f"depends_on of {component!r}"
        )
    return (
        f"component {other.name!r} ran before it and its code or config names view {view!r}, but it did not leave the "
        "view this time, or its session_state is 'none'"
    )


def _leaves(component: ComponentConfig, view: str) -> bool:
    """Return whether a component's config or code says that it leaves a view of that name."""
    written = list(_texts(component.config))
    if any(
        key.endswith("view") and not key.endswith("input_view") and value.lower() == view.lower()
        for key, value in written
    ):
        return True
    name = re.escape(view)
    made = re.compile(rf"""TempView\(\s*["']{name}["']|\bVIEW\s+(?:`{name}`|{name}(?![\w`]))""", re.IGNORECASE)
    return bool(made.search("\n".join([_source(component), *(value for _, value in written)])))


def _registers(component: ComponentConfig, function: str) -> bool:
    """Return whether a component's config or code says that it registers a function of that name."""
    name = re.escape(function)
    made = re.compile(rf"\bFUNCTION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:`{name}`|{name}(?![\w`.]))", re.IGNORECASE)
    if any(made.search(value) for _, value in _texts(component.config)):
        return True
    try:
        return find_function_use(component.target(), function).makes
    except LookupError:
        return False


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, str(name))
    elif isinstance(value, str):
        yield key, value


def _source(component: ComponentConfig) -> str:
    try:
        return inspect.getsource(inspect.unwrap(component.target()))
    except (LookupError, OSError, TypeError):
        return ""  # disabled and not importable, or without a file
