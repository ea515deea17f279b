"""``airflow pyspark-pipeline``: commands for the people who operate the pipelines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import CheckpointError, PySparkPipelineError

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand

    from airflow_provider.runner import CheckpointState, CheckpointStore


def get_cli_commands() -> list[CLICommand]:
    """Return the commands, in the form that Airflow asks providers for."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    from airflow_provider.ages import AGE, age

    dag = Arg(("dag_id",), help="the DAG")
    task = Arg(("task_id",), help="the task")
    run = Arg(("run_id",), help="the DAG run")
    component = Arg(("component",), help="name of the component")
    index = Arg(("--map-index",), type=int, default=-1, help="index of a mapped task (default: not mapped)")
    region = Arg(
        ("--region",),
        nargs=2,
        metavar=("ID", "INDEX"),
        help="the iteration, if the task is in a loop over tasks: what `list` shows after the map index",
    )
    pipeline = Arg(("--pipeline",), help="name of the pipeline, if the task has run several")
    store = Arg(
        ("--store",),
        help="where the task keeps its checkpoints, if its checkpoint_url is not that of Airflow's configuration",
    )
    some_dag = Arg(("--dag-id",), help="only this DAG")
    one = (dag, task, run, index, region, pipeline, store)
    saved = Arg(
        ("--session-state-url",),
        action="append",
        help="where temp views are saved, as this command reaches it, such as s3://my_aws@bucket/prefix; repeatable",
    )
    spark = Arg(("--spark",), action="store_true", help="reach saved views through Spark: hdfs:// and the like")
    conf = Arg(("--conf",), action="append", help="a Spark property for that, KEY=VALUE; repeatable")
    force = Arg(("--force",), action="store_true", help="also while an attempt may be running: fence it off first")
    older = Arg(("--older-than",), type=age, help=f"{AGE} (default: what each says; checkpoints: retention_days)")
    silent = Arg(
        ("--silent-at-most",),
        type=age,
        default=timedelta(days=7),
        help="where Airflow cannot tell, an attempt that has recorded nothing for so long is taken for dead "
        "(default: 7d)",
    )
    clear = Arg(
        ("--clear",),
        action="store_true",
        help="clear the task and those downstream of it in this run, and keep its task state",
    )
    dry = Arg(("--dry-run",), action="store_true", help="list what would be deleted, and delete nothing")
    return [
        GroupCommand(
            name="pyspark-pipeline",
            help="Look at the checkpoints of PySpark pipelines, and say where a run goes on",
            subcommands=(
                ActionCommand("list", "One line for each checkpoint", _command(_list), (some_dag, store)),
                ActionCommand("show", "What a checkpoint says of each component", _command(_show), one),
                ActionCommand(
                    "forget",
                    "Delete a checkpoint and its saved views, so that the run starts from the beginning",
                    _command(_forget),
                    (*one, saved, spark, conf, force),
                ),
                ActionCommand(
                    "prune",
                    "Delete checkpoints and saved views that have expired or belong to no run any more",
                    _command(_prune),
                    (store, saved, older, silent, dry, spark, conf),
                ),
                ActionCommand(
                    "restart-from",
                    "Let the next attempt run a component and all its descendants again",
                    _command(_restart_from),
                    (dag, task, run, component, index, region, pipeline, store, clear),
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
    from airflow_provider.cleaning import reach, spark_conf
    from airflow_provider.runner.housekeeping.forget import Saved, forget
    from airflow_provider.stores.metastore import task_instance_activity
    from airflow_provider.stores.object_files import files_at

    conf = spark_conf(options)
    store, state = _find(options)
    url = state.session_state_url
    if url is not None and options.session_state_url:
        url = state.key.directory(options.session_state_url[-1])
    done = forget(
        store,
        state,
        Saved(url, lambda base: reach(base, conf, files_at)),
        activity=task_instance_activity(state.key),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    if not done.complete:
        raise SystemExit(1)


def _prune(options: argparse.Namespace) -> None:
    from datetime import UTC, datetime

    from airflow_provider.cleaning import reach, report, spark_conf
    from airflow_provider.operators.places import checkpoint_retention, deployment
    from airflow_provider.runner.housekeeping.prune import Kept, Prune, Rules
    from airflow_provider.stores.location import store_at
    from airflow_provider.stores.metastore import Lookup, running_activity
    from airflow_provider.stores.object_files import files_at

    conf = spark_conf(options)
    days = checkpoint_retention(None)
    address = _checkpoints(options)
    store = store_at(address) if address else None
    prune = Prune(
        Rules(
            datetime.now(UTC),
            retention=None if days is None else timedelta(days=days),
            older_than=options.older_than,
            silent_at_most=options.silent_at_most,
        ),
        Kept(store, reach(address, None, files_at)) if store and address else None,
        [(url, reach(url, conf, files_at)) for url in _saved(options)],
        Lookup(store, deployment()),
        running_activity,
        dry_run=options.dry_run,
    )
    if not report(prune(), dry_run=options.dry_run):
        raise SystemExit(1)


def _checkpoints(options: argparse.Namespace) -> str | None:
    """Return where checkpoints are kept beside the task state store, None if nowhere."""
    from airflow_provider.operators.places import airflow_home

    default = airflow_home() / "pyspark_pipeline" / "checkpoints"
    return _url(options) or (str(default) if default.is_dir() else None)


def _saved(options: argparse.Namespace) -> list[str]:
    """Return where saved views are looked for."""
    from airflow_provider.operators.places import session_state_base

    base = session_state_base(None, True, first=False)
    return options.session_state_url or ([base] if base else [])


def _restart_from(options: argparse.Namespace) -> None:
    from airflow_provider.operators.places import a_clear_may_discard
    from airflow_provider.runner.checkpoint.store import RestartRequests
    from airflow_provider.runner.config.problems import suggest
    from airflow_provider.runner.planning.start import KEEP
    from airflow_provider.runner.record.requests import RestartRequest
    from airflow_provider.stores.clear import clear_task

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
        "and all its descendants again"
    )
    if options.clear:
        print(f"cleared, with the task state kept: {', '.join(clear_task(state.key))}")
    else:
        tick = f" and tick {KEEP!r}, without which the request is discarded" if a_clear_may_discard() else ""
        print(f"if none is due, clear the task{tick}; or let this command do that with --clear")


def _find(options: argparse.Namespace) -> tuple[CheckpointStore, CheckpointState]:
    """Return the checkpoint that the command line names, and the store that has it."""
    scope = (options.dag_id, options.task_id, str(options.map_index), *(options.region or ()))
    url = _url(options)
    store: Any
    if url:
        from airflow_provider.stores.location import store_at

        store = store_at(url)
        state = store.load(options.run_id, options.pipeline, scope=scope)
    else:
        from airflow_provider.runner.record.run_key import RunKey
        from airflow_provider.stores.metastore import MetastoreAccessor, stored_checkpoints
        from airflow_provider.stores.task_state import TaskStateCheckpointStore

        store = TaskStateCheckpointStore(MetastoreAccessor.of(RunKey(scope, options.run_id, options.pipeline or "")))
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
