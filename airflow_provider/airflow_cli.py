"""``airflow pyspark-pipeline``: commands for the people who operate the pipelines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import CheckpointError, PySparkPipelineError

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand

    from airflow_provider.runner import CheckpointState, CheckpointStore


def get_cli_commands() -> list[CLICommand]:
    """Return the commands, in the form that Airflow asks providers for."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    dag = Arg(("dag_id",), help="the DAG")
    task = Arg(("task_id",), help="the task")
    run = Arg(("run_id",), help="the DAG run")
    component = Arg(("component",), help="name of the component")
    index = Arg(("--map-index",), type=int, default=-1, help="index of a mapped task (default: not mapped)")
    pipeline = Arg(("--pipeline",), help="name of the pipeline, if the task has run several")
    store = Arg(
        ("--store",),
        help="where the task keeps its checkpoints, if its checkpoint_url is not that of Airflow's configuration",
    )
    some_dag = Arg(("--dag-id",), help="only this DAG")
    one = (dag, task, run, index, pipeline, store)
    return [
        GroupCommand(
            name="pyspark-pipeline",
            help="Look at the checkpoints of PySpark pipelines, and say where a run goes on",
            subcommands=(
                ActionCommand("list", "One line for each checkpoint", _command(_list), (some_dag, store)),
                ActionCommand("show", "What a checkpoint says of each component", _command(_show), one),
                ActionCommand(
                    "forget", "Delete a checkpoint, so that the run starts from the beginning", _command(_forget), one
                ),
                ActionCommand(
                    "restart-from",
                    "Let the next attempt run a component and all its descendants again",
                    _command(_restart_from),
                    (dag, task, run, component, index, pipeline, store),
                ),
            ),
        )
    ]


def _command(work: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    def command(options: argparse.Namespace) -> None:
        try:
            work(options)
        except PySparkPipelineError as error:
            raise SystemExit(str(error)) from None

    return command


def _list(options: argparse.Namespace) -> None:
    from airflow_provider.runner.observing.report import checkpoints_table

    url = _url(options)
    if url:
        from airflow_provider.stores.location import store_at

        found = [state for state in store_at(url).list() if options.dag_id in (None, *state.scope[:1])]
    else:
        from airflow_provider.stores.metastore import stored_checkpoints

        found = stored_checkpoints(options.dag_id)
    for line in checkpoints_table(found) if found else ["no checkpoint"]:
        print(line)


def _show(options: argparse.Namespace) -> None:
    from airflow_provider.runner.checkpoint.store import RestartRequests
    from airflow_provider.runner.observing.report import checkpoint_lines

    store, state = _find(options)
    for line in checkpoint_lines(state):
        print(line)
    if isinstance(store, RestartRequests):
        request = store.find_request(state.key)
        if request is not None and request.id != state.restart_request:
            print(
                f"the next attempt restarts from {request.component!r}: asked for at {request.requested_at:%F %T} UTC"
            )


def _forget(options: argparse.Namespace) -> None:
    from airflow_provider.runner.checkpoint.forget import forget

    print(forget(*_find(options)))


def _restart_from(options: argparse.Namespace) -> None:
    from airflow_provider.runner.checkpoint.store import RestartRequests
    from airflow_provider.runner.config.problems import suggest
    from airflow_provider.runner.record.requests import RestartRequest

    store, state = _find(options)
    if options.component not in state.fields:
        raise CheckpointError(
            f"pipeline {state.pipeline_name!r} has no component {options.component!r}"
            f"{suggest(options.component, state.fields)}"
        )
    if not isinstance(store, RestartRequests):
        raise CheckpointError(f"{store} takes no requests")
    request = RestartRequest(component=options.component)
    store.leave_request(request, state.key)
    print(
        f"the next attempt of {options.dag_id}.{options.task_id} in run {state.run_id!r} runs {options.component!r} "
        "and all its descendants again; if none is due, clear the task"
    )


def _find(options: argparse.Namespace) -> tuple[CheckpointStore, CheckpointState]:
    """Return the checkpoint that the command line names, and the store that has it."""
    scope = (options.dag_id, options.task_id, str(options.map_index))
    url = _url(options)
    store: Any
    if url:
        from airflow_provider.stores.location import store_at

        store = store_at(url)
        state = store.load(options.run_id, options.pipeline, scope=scope)
    else:
        from airflow_provider.stores.metastore import MetastoreAccessor, stored_checkpoints
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

        store = TaskStateCheckpointStore(
            MetastoreAccessor(options.dag_id, options.task_id, options.run_id, options.map_index)
        )
        found = [
            state
            for state in stored_checkpoints(options.dag_id)
            if (state.run_id, state.scope) == (options.run_id, scope)
            and options.pipeline in (None, state.pipeline_name)
        ]
        if len(found) > 1:
            names = ", ".join(repr(state.pipeline_name) for state in found)
            raise CheckpointError(f"the task has run several pipelines ({names}); choose one with --pipeline")
        state = found[0] if found else None
    if state is None:
        hint = "" if url else "; if the task has a checkpoint_url of its own, name it with --store"
        raise CheckpointError(
            f"no checkpoint of task {options.dag_id}.{options.task_id}, run {options.run_id!r}, map index "
            f"{options.map_index} in {store}{hint}"
        )
    return store, state


def _url(options: argparse.Namespace) -> str:
    from airflow.configuration import conf

    return str(options.store or conf.get("pyspark_pipeline", "checkpoint_url", fallback=""))
