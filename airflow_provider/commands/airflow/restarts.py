"""The commands of ``airflow pyspark-pipeline`` about the next attempt: plan it, request or withdraw a restart."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
from typing import TYPE_CHECKING

from airflow_provider.commands.airflow.find_checkpoint import find_checkpoint
from airflow_provider.errors import (
    CheckpointError,
    DagNotReadError,
    NotRetriableError,
    RestartRefusedError,
    SessionStateNotSavedError,
    SourceChangedError,
    UnreadableRequestError,
)

if TYPE_CHECKING:
    from airflow_provider.runner import CheckpointState, CheckpointStore
    from airflow_provider.runner.checkpoint.store import RestartRequests
    from airflow_provider.runner.config.restart_from import RestartFrom
    from airflow_provider.runner.record.requests import RestartRequest
    from airflow_provider.runner.record.run_key import RunKey
    from airflow_provider.runner.running.airflow_attempt_spec import AirflowAttemptSpec
    from airflow_provider.runner.running.preview import Preview


def request_restart(options: argparse.Namespace) -> None:
    """Leave a restart request for the next attempt, unless that attempt would have to ignore it."""
    from airflow_provider.commands.airflow.clear import clear_task
    from airflow_provider.runner.record.requests import RestartRequest

    store, state = find_checkpoint(options)
    requests = _request_store(store)
    request = RestartRequest(
        **_requested_scope(options, options.component).model_dump(),
        requested_by=_user(),
        source="airflow pyspark-pipeline restart-from",
    )
    for line in _refuse_impossible(store, state, request):
        print(line)
    replaced = pending_request_line(store, state)
    requests.leave_request(request, state.key)
    if replaced:
        print(f"this replaces the {replaced}")
    print(
        f"the next attempt of {options.dag_id}.{options.task_id} in run {state.run_id!r} will {request}"
        f"{'' if request.partial else ' with all descendants'}, once{'' if options.clear else f'; {_when(state)}'}"
    )
    if options.clear:
        print(f"cleared, keeping the task state: {', '.join(clear_task(state.key))}")


def withdraw_request(options: argparse.Namespace) -> None:
    """Remove the restart request that waits for the next attempt."""
    store, state = find_checkpoint(options)
    requests = _request_store(store)
    pending = pending_request_line(store, state)
    if pending is None:
        print(f"run {state.run_id!r} has no pending restart request; nothing to withdraw")
        return
    requests.drop_request(state.key)
    print(f"withdrew the {pending}; {_when(state)}")


def plan_next_attempt(options: argparse.Namespace) -> None:
    """Print what the next attempt would do, and why."""
    from airflow_provider.runner.observing.report import plan_table
    from airflow_provider.runner.planning.dependency_notes import dependency_notes, dependency_warnings
    from airflow_provider.runner.record.requests import RestartRequest
    from airflow_provider.runner.running.view_use_facts import undeclared_dependencies

    store, state = find_checkpoint(options)
    run = _describe_next_attempt(state.key, options.config_from_file)
    if run.config.name != state.pipeline_name:
        print(
            f"the task now runs pipeline {run.config.name!r}, which has no checkpoint, instead of "
            f"{state.pipeline_name!r}: everything would run"
        )
        return
    requested = (
        (RestartRequest(**_requested_scope(options, options.restart_from).model_dump()),)
        if options.restart_from
        else ()
    )
    found, reason = _preview(store, state, run, requested)
    print(f"pipeline {state.pipeline_name!r}, run {state.run_id!r}, next attempt: {reason}; {_when(state)}")
    if found.plan is not None:
        for outcome in found.plan.requests:
            what = str(outcome.request) if outcome.request is not None else "an unreadable request"
            print(f"would ignore: {what}: {outcome.set_aside}" if outcome.set_aside else f"requested: {what}")
        for line in plan_table(found.plan):
            print(line)
        lacking = undeclared_dependencies(run.config, state, code=True)
        notes = *dependency_warnings(run.config, lacking), *dependency_notes(run.config, lacking)
        for note in (*found.plan.notes, *notes):
            print(note)
        if found.plan.kept_by_rerun_affected:
            print(
                f"{found.plan.restarted_by}: rerun_affected would keep {', '.join(found.plan.kept_by_rerun_affected)}"
            )
    else:
        print(f"the attempt would fail: {found.error}")
    for unknown in (*found.unknown, "whether the worker has the same code, files and Python environment as this host"):
        print(f"not known from here: {unknown}")


def pending_request_line(store: CheckpointStore, state: CheckpointState) -> str | None:
    """Return the restart request that waits for the next attempt, in words; None if there is none."""
    from airflow_provider.runner.checkpoint.store import RestartRequests

    if not isinstance(store, RestartRequests):
        return None
    try:
        request = store.find_request(state.key)
    except UnreadableRequestError as error:
        return f"unreadable request, which the next attempt ignores: {error}"
    if request is None or state.settled(request.id):
        return None
    return f"pending request for the next attempt: {request} ({request.origin})"


def _refuse_impossible(store: CheckpointStore, state: CheckpointState, request: RestartRequest) -> list[str]:
    """Refuse a request that the next attempt would have to ignore; return in words what could not be checked.

    :raises PySparkPipelineError: the next attempt would have to ignore it
    """
    from airflow_provider.runner.config.problems import suggestion
    from airflow_provider.runner.planning.restart_plan import why_impossible

    for name in request.names:
        if name not in state.fields:
            raise CheckpointError(
                f"pipeline {state.pipeline_name!r} has no component {name!r}{suggestion(name, state.fields)}"
            )
    try:
        run = _describe_next_attempt(state.key)
    except (DagNotReadError, NotRetriableError) as error:
        return [f"could not check the request against the current DAG: {error}"]
    if run.config.name != state.pipeline_name:
        raise CheckpointError(f"the task now runs pipeline {run.config.name!r} instead of {state.pipeline_name!r}")
    if (why := why_impossible(run.config, request)) is not None:
        raise CheckpointError(f"{request}: {why}; no request was left")
    found, _ = _preview(store, state, run, (request,), alone=True)
    if isinstance(found.error, (RestartRefusedError, SessionStateNotSavedError, SourceChangedError)):
        raise found.error
    ignored = [outcome.set_aside for outcome in found.plan.requests if outcome.set_aside] if found.plan else []
    if ignored:
        raise CheckpointError(f"{ignored[0]}; no request was left")
    return [f"not known from here: {unknown}" for unknown in found.unknown]


def _preview(
    store: CheckpointStore,
    state: CheckpointState,
    run: AirflowAttemptSpec,
    requested: tuple[RestartRequest, ...],
    *,
    alone: bool = False,
) -> tuple[Preview, str]:
    """Return what the next attempt would do, and which case it is.

    :param requested: further requests
    :param alone: ignore the request that is in the store
    """
    from airflow_provider.runner.checkpoint.memory_store import InMemoryCheckpointStore
    from airflow_provider.runner.running.airflow_attempt_spec import start_mode_of
    from airflow_provider.runner.running.preview import preview
    from airflow_provider.runner.running.restart_requests import find_requests

    place = InMemoryCheckpointStore() if alone else store
    config_requests = (*run.requests, *requested)
    requests = find_requests(place, state.key, run.config, state, config_requests)
    start = start_mode_of(run, state, asked=bool(requests))
    return preview(run.config, state, start, requests), str(start.case)


def _describe_next_attempt(key: RunKey, config_file: str | None = None) -> AirflowAttemptSpec:
    """Describe the next attempt. What Airflow and the DAG's code print goes to standard error."""
    from airflow_provider.commands.airflow.next_attempt import describe_next_attempt

    with contextlib.redirect_stdout(sys.stderr):
        return describe_next_attempt(key, config_file)


def _requested_scope(options: argparse.Namespace, components: list[str]) -> RestartFrom:
    from pydantic import ValidationError

    from airflow_provider.runner.config.restart_from import RestartFrom

    if options.without_descendants and options.until is not None:
        raise CheckpointError("--without-descendants and --until exclude each other; give one of them")
    try:
        return RestartFrom(components=tuple(components), only=options.without_descendants, until=options.until)
    except ValidationError as error:
        raise CheckpointError(str(error.errors(include_url=False)[0]["msg"])) from None


def _request_store(store: CheckpointStore) -> RestartRequests:
    from airflow_provider.runner.checkpoint.store import RestartRequests

    if not isinstance(store, RestartRequests):
        raise CheckpointError(f"{store} cannot hold restart requests")
    return store


def _when(state: CheckpointState) -> str:
    """Say which attempt the next one is."""
    from datetime import UTC, datetime

    from airflow_provider.commands.airflow.task_instance_row import task_instance_activity
    from airflow_provider.operators.airflow_config import clear_discards_task_state
    from airflow_provider.runner.housekeeping.activity import ActivityKind, active_attempt
    from airflow_provider.runner.planning.start_mode import KEEP_TASK_STATE

    active = active_attempt(state, task_instance_activity(state.key), datetime.now(UTC))
    if active is None:
        tick = (
            f" and tick {KEEP_TASK_STATE!r}, without which a request is discarded"
            if clear_discards_task_state()
            else ""
        )
        return f"if no attempt is due, clear the task{tick}"
    if active.kind is ActivityKind.DUE:
        return f"{active}: that is the next attempt"
    return f"{active}: that attempt continues unchanged, and the next one comes after it"


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container whose user has no name
        return None
