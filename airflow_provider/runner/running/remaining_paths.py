"""How long the way from a component to the end of the pipeline is, which tells what should start first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import median

from airflow_provider.runner.config.graph import descendants, execution_order


def remaining_seconds(
    depends_on: Mapping[str, Sequence[str]], to_run: Collection[str], seconds: Mapping[str, float]
) -> dict[str, float]:
    """Return for each component that runs the length of the longest path that begins with it.

    In seconds, where earlier runs tell them; a component of which nothing is known takes as long as the others usually
    do. If nothing is known of any, the number of its descendants that run stands for the length.

    :param depends_on: component to its dependencies; every component is a key
    :param to_run: the components that run
    :param seconds: component to how long it took earlier, as far as that is known
    """
    known = [seconds[name] for name in to_run if name in seconds]
    if not known:
        return {name: float(len(descendants(depends_on, {name}) & set(to_run)) - 1) for name in to_run}
    usual = median(known)
    longest_after: dict[str, float] = {}
    paths: dict[str, float] = {}
    for name in reversed(execution_order(depends_on)):
        own = seconds.get(name, usual) if name in to_run else 0.0
        paths[name] = own + longest_after.get(name, 0.0)
        for other in depends_on[name]:
            longest_after[other] = max(longest_after.get(other, 0.0), paths[name])
    return {name: paths[name] for name in to_run}
