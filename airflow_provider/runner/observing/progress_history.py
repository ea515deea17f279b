"""Changes a progress document where it is kept: adds the attempts before, and the end of one that could not say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider.runner.observing.progress_budget import add_as_many_as_fit, json_size
from airflow_provider.runner.observing.progress_details import shown
from airflow_provider.runner.observing.progress_document import ACTIONS, LARGEST, timestamp
from airflow_provider.runner.observing.result import ComponentStatus
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.record.progress_record import (
    NOT_KNOWN,
    PROGRESS_FORMAT,
    AttemptState,
    ProgressState,
)

_FOR_EARLIER = 12_000  # characters that details make room for
_COMPLETED = {
    Action.RUN: ProgressState.COMPLETED,
    Action.REUSE: ProgressState.REUSED,
    Action.REPLAY: ProgressState.REPLAYED,
}
_ENDED = {
    ComponentStatus.FAILED.value: ProgressState.FAILED,
    ComponentStatus.NOT_RUN.value: ProgressState.NOT_RUN,
}


def with_earlier(document: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a document that tells of earlier attempts, too: of as many as there is room for.

    Details give way to them, those last that people ask for first.

    :param earlier: newest first, as :func:`earlier_attempts` returns them
    """
    told = dict(document)
    this = told["attempt"].get("try_number")
    before = _comparable([entry for entry in earlier if entry.get("try_number") != this], told)
    if not before:
        return told
    wanted = min(_FOR_EARLIER, json_size(before) + 20)
    details = dict(told.get("details", {}))
    room = LARGEST - json_size(told)
    while details and room < wanted:
        room += json_size(dict([details.popitem()]))
    if "details" in told:
        told["details"] = details
    add_as_many_as_fit(told, "earlier", before, LARGEST - json_size(told) - 20)
    return told


def ended_document(document: Mapping[str, Any], at: datetime, headline: str | None) -> dict[str, Any]:
    """Return the document of an attempt that has ended without saying so.

    :param at: when it was known
    :param headline: why it failed, None if it succeeded
    """
    state = AttemptState.SUCCEEDED if headline is None else AttemptState.FAILED
    error = {} if headline is None else {"error": {"headline": shown(headline)}}
    attempt = {**error, **document["attempt"], "state": state.value, "ended_at": timestamp(at)}
    attempt.pop("work", None)
    return {**document, "written_at": timestamp(at), "attempt": attempt, "states": _without_running(document["states"])}


def with_summary(document: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with what the summary of the attempt says of its components.

    :param summary: see :meth:`~airflow_provider.runner.PipelineResult.summary`
    """
    known = {part["name"]: part for part in summary["components"]}
    states, actions, seconds = list(document["states"]), list(document["actions"]), list(document["seconds"])
    for place, name in enumerate(document["names"]):
        if (part := known.get(name)) is not None:
            actions[place] = ACTIONS[Action(part["action"])]
            states[place] = _ENDED.get(part["status"], _COMPLETED[Action(part["action"])])
            took = part["duration_seconds"] or part.get("seconds_saved")  # a reused one shows what it took when it ran
            seconds[place] = took or int(NOT_KNOWN)
    return {**document, "states": "".join(states), "actions": "".join(actions), "seconds": seconds}


def earlier_attempts(document: object, pipeline: str, try_number: int) -> list[dict[str, Any]]:
    """Return the attempts that the document of an earlier one tells of, newest first; empty if it is none.

    :param document: what was stored; a person may have edited it
    :param pipeline: name of the pipeline
    :param try_number: Airflow's number of this try, which is no earlier one
    """
    if not isinstance(document, Mapping) or document.get("format") != PROGRESS_FORMAT:
        return []
    attempt, before = document.get("attempt"), document.get("earlier", [])
    if not isinstance(attempt, Mapping) or not isinstance(before, list) or document.get("pipeline") != pipeline:
        return []
    names = {"names": document.get("names", [])}
    found = [{**entry, **names} for entry in before if isinstance(entry, Mapping)]
    if attempt.get("try_number") != try_number:
        found.insert(0, _as_earlier(document, attempt) | names)
    return [entry for entry in found if entry.get("try_number") != try_number]


def _as_earlier(document: Mapping[str, Any], attempt: Mapping[str, Any]) -> dict[str, Any]:
    """Return what later documents keep of the attempt of this one."""
    fields = ("number", "try_number", "began_at", "ended_at", "state", "how", "asked_by", "error")
    entry = {field: attempt[field] for field in fields if field in attempt}
    columns = {field: document[field] for field in ("states", "began", "seconds") if field in document}
    if "ended_at" not in entry:  # it was killed, or its worker died
        entry |= {"state": "failed", "ended_at": document.get("written_at", "")}
        entry.setdefault("error", {"headline": "the attempt was not heard of again: it was killed, or its host died"})
        columns["states"] = _without_running(str(columns.get("states", "")))
    return {**entry, **columns}


def _without_running(states: str) -> str:
    """Return the states of an attempt in which nothing runs any more."""
    states = states.replace(ProgressState.RUNNING, ProgressState.FAILED)
    return states.replace(ProgressState.WAITING, ProgressState.NOT_RUN)


def _comparable(earlier: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return earlier attempts, with columns if they are of the same components in the same order."""
    hidden = {"names"}
    columns = {"states", "began", "seconds"}
    return [
        {
            key: value
            for key, value in entry.items()
            if key not in (hidden if entry.get("names", document["names"]) == document["names"] else hidden | columns)
        }
        for entry in earlier
    ]
