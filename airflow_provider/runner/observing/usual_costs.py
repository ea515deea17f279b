"""What components usually take: figures of up to ten earlier runs that succeeded, and how a run compares with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from airflow_provider.runner.observing.progress_budget import json_size
from airflow_provider.runner.observing.report import duration
from airflow_provider.runner.record.progress_record import ProgressState, SparkCosts
from airflow_provider.runner.session_state.saved.files import readable_size

MOST_RUNS = 10
LARGEST = 48_000

_FORMAT = 1
_SLOWER, _FASTER = 1.5, 0.5
_MATTERS_SECONDS = 10.0  # a difference of less is no news
_MUCH_SPILLED = 100 * 2**20


@dataclass(frozen=True)
class UsualCosts:
    """What one component took in earlier runs, the newest last.

    :param seconds: how long it ran
    :param spilled: bytes that it wrote to disk for lack of memory, as far as they are known
    """

    seconds: tuple[float, ...] = ()
    spilled: tuple[int, ...] = ()

    @property
    def median_seconds(self) -> float | None:
        """The median of how long it ran, None if that is not known."""
        return median(self.seconds) if self.seconds else None

    def compared(self, seconds: float, costs: SparkCosts | None) -> str:
        """Return in which respect a run is not as usual, in words; empty if in none."""
        usual, told = self.median_seconds, []
        if usual is not None and abs(seconds - usual) >= _MATTERS_SECONDS and usual > 0:
            if seconds >= _SLOWER * usual:
                told.append(f"{seconds / usual:.1f} × its usual time of {duration(usual)}")
            elif seconds <= _FASTER * usual:
                told.append(f"{duration(seconds)} instead of its usual {duration(usual)}")
        spilled = costs.spilled_bytes if costs is not None else None
        if spilled is not None and spilled >= _MUCH_SPILLED and self.spilled and not any(self.spilled):
            told.append(f"spilled {readable_size(spilled)}, never before")
        return "; ".join(told)

    def followed_by(self, seconds: float, spilled: int | None) -> UsualCosts:
        """Return the figures with those of one more run."""
        return UsualCosts(
            (*self.seconds, round(seconds, 1))[-MOST_RUNS:],
            (*self.spilled, *([spilled] if spilled is not None else []))[-MOST_RUNS:],
        )


def read_usual(data: object, pipeline: str) -> dict[str, UsualCosts]:
    """Return the figures of a pipeline's components; empty if there are none.

    :param data: what :func:`usual_to_json` returned in an earlier run; a person may have edited it
    :param pipeline: name of the pipeline
    """
    if not isinstance(data, Mapping) or data.get("format") != _FORMAT or data.get("pipeline") != pipeline:
        return {}
    components = data.get("components")
    if not isinstance(components, Mapping):
        return {}
    return {
        str(name): UsualCosts(_numbers(entry, "seconds"), tuple(map(int, _numbers(entry, "spilled"))))
        for name, entry in components.items()
    }


def usual_to_json(pipeline: str, usual: Mapping[str, UsualCosts]) -> dict[str, Any]:
    """Return figures as plain JSON of at most 48,000 characters: in a large pipeline those of fewer runs."""
    for runs in (MOST_RUNS, 5, 2, 1):
        components = {name: _entry(costs, runs) for name, costs in usual.items()}
        found = {"format": _FORMAT, "pipeline": pipeline, "components": components}
        if json_size(found) <= LARGEST:
            return found
    return {"format": _FORMAT, "pipeline": pipeline, "components": _as_many_as_fit(components)}


def with_this_run(usual: Mapping[str, UsualCosts], document: Mapping[str, Any]) -> dict[str, UsualCosts]:
    """Return the figures of today's components after a run that succeeded.

    :param usual: those of earlier runs
    :param document: the last document of the run's progress. A reused component counts with the time that it took
    """
    found = {}
    details = document.get("details", {})
    columns = zip(document["names"], document["states"], document["seconds"], strict=True)
    for place, (name, state, seconds) in enumerate(columns):
        known = usual.get(name, UsualCosts())
        if state in (ProgressState.COMPLETED, ProgressState.REUSED) and seconds >= 0:
            costs = details.get(str(place), {}).get("costs", {})
            known = known.followed_by(seconds, costs.get("spilled_bytes"))
        if known.seconds:
            found[name] = known
    return found


def _entry(costs: UsualCosts, runs: int) -> dict[str, list[Any]]:
    spilled = {"spilled": list(costs.spilled[-runs:])} if costs.spilled else {}
    return {"seconds": list(costs.seconds[-runs:]), **spilled}


def _as_many_as_fit(components: Mapping[str, Any]) -> dict[str, Any]:
    found, room = {}, LARGEST - 500
    for name, entry in components.items():
        room -= len(json.dumps({name: entry}))
        if room < 0:
            break
        found[name] = entry
    return found


def _numbers(entry: object, field: str) -> tuple[float, ...]:
    found = entry.get(field, []) if isinstance(entry, Mapping) else []
    known: Sequence[Any] = found if isinstance(found, list) else []
    return tuple(
        value
        for value in known[-MOST_RUNS:]
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    )
