"""``airflow pyspark-pipeline``: commands for the people who operate the pipelines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider.commands.airflow.find_checkpoint import checkpoint_url_of, find_checkpoint
from airflow_provider.errors import PySparkPipelineError

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


def get_cli_commands() -> list[CLICommand]:
    """Return the commands, in the form that Airflow asks providers for."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    from airflow_provider.commands.age import AGE, parse_age
    from airflow_provider.commands.airflow import restarts

    dag = Arg(("dag_id",), help="id of the DAG")
    task = Arg(("task_id",), help="id of the task")
    run = Arg(("run_id",), help="id of the DAG run")
    component = Arg(("component",), nargs="+", help="run this component again, and its descendants; repeatable")
    restart_from = Arg(
        ("--restart-from",),
        action="append",
        metavar="COMPONENT",
        help="preview a restart from this component; repeatable",
    )
    alone = Arg(("--without-descendants",), action="store_true", help="rerun only the components that you name")
    until = Arg(("--until",), metavar="COMPONENT", help="rerun no descendants that come after this component")
    file = Arg(("--config-from-file",), metavar="FILE", help="plan the pipeline in this file instead of the task's own")
    index = Arg(("--map-index",), type=int, default=-1, help="index of a mapped task (default: not mapped)")
    region = Arg(
        ("--region",),
        nargs=2,
        metavar=("ID", "INDEX"),
        help="iteration of a task in a loop over tasks: what `list` shows after the map index",
    )
    pipeline = Arg(("--pipeline",), help="name of the pipeline, if the task has run several")
    store = Arg(
        ("--store",),
        metavar="URL",
        help="where the task keeps its checkpoints, if its checkpoint_url is not that of Airflow's configuration",
    )
    some_dag = Arg(("--dag-id",), help="only this DAG")
    one = (dag, task, run, index, region, pipeline, store)
    saved = Arg(
        ("--session-state-url",),
        action="append",
        metavar="URL",
        help="where temp views are saved, as this host reaches it, such as s3://my_aws@bucket/prefix; repeatable",
    )
    spark = Arg(("--spark",), action="store_true", help="open saved views through Spark, as hdfs:// needs")
    conf = Arg(("--conf",), action="append", metavar="KEY=VALUE", help="Spark property for --spark; repeatable")
    force = Arg(("--force",), action="store_true", help="also while an attempt may be running; fences it off first")
    older = Arg(
        ("--older-than",),
        type=parse_age,
        metavar="AGE",
        help=f"delete what is older than this, such as {AGE} (default: the retention of "
        "each; checkpoints: retention_days)",
    )
    presumed_dead = Arg(
        ("--presume-dead-after",),
        type=parse_age,
        metavar="AGE",
        default=timedelta(days=7),
        help="if Airflow does not know an attempt, presume it dead when it has recorded nothing for this long "
        "(default: 7d)",
    )
    clear = Arg(
        ("--clear",),
        action="store_true",
        help="also clear the task and those downstream of it in this run, keeping the task state",
    )
    dry = Arg(("--dry-run",), action="store_true", help="list what would be deleted, and delete nothing")
    return [
        GroupCommand(
            name="pyspark-pipeline",
            help="Inspect, restart and clean up the runs of PySpark pipelines",
            subcommands=(
                ActionCommand("list", "List checkpoints, one per line", _command(_list), (some_dag, store)),
                ActionCommand(
                    "show", "Show what a checkpoint records of each component, and what it took", _command(_show), one
                ),
                ActionCommand(
                    "forget",
                    "Delete a checkpoint and its saved views, so that the run starts from the beginning",
                    _command(_forget),
                    (*one, saved, spark, conf, force),
                ),
                ActionCommand(
                    "prune",
                    "Delete checkpoints and saved views that have expired or no longer belong to a run",
                    _command(_prune),
                    (store, saved, older, presumed_dead, dry, spark, conf),
                ),
                ActionCommand(
                    "restart-from",
                    "Request that the next attempt runs components and all their descendants again",
                    _command(restarts.request_restart),
                    (dag, task, run, component, alone, until, index, region, pipeline, store, clear),
                ),
                ActionCommand(
                    "withdraw",
                    "Withdraw the restart request that waits for the next attempt",
                    _command(restarts.withdraw_request),
                    one,
                ),
                ActionCommand(
                    "plan",
                    "Show what the next attempt would do with each component and why; runs nothing",
                    _command(restarts.plan_next_attempt),
                    (*one, restart_from, alone, until, file),
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

    url = checkpoint_url_of(options)
    if url:
        from airflow_provider.stores.location import store_at

        found = [state for state in store_at(url).list() if options.dag_id in (None, *state.scope[:1])]
    else:
        from airflow_provider.commands.airflow.metastore import stored_checkpoints

        found = stored_checkpoints(options.dag_id)
    for line in checkpoints_table(found) if found else ["no checkpoints"]:
        print(line)


def _show(options: argparse.Namespace) -> None:
    from airflow_provider.commands.airflow.restarts import pending_request_line
    from airflow_provider.commands.airflow.stored_progress import stored_progress
    from airflow_provider.runner.observing.progress_lines import progress_lines
    from airflow_provider.runner.observing.report import checkpoint_lines

    store, state = find_checkpoint(options)
    for line in (*checkpoint_lines(state), *progress_lines(stored_progress(state.key))):
        print(line)
    if pending := pending_request_line(store, state):
        print(pending)


def _forget(options: argparse.Namespace) -> None:
    from airflow_provider.commands.airflow.task_instance_row import task_instance_activity
    from airflow_provider.commands.cleanup import open_storage, requested_spark_conf
    from airflow_provider.runner.housekeeping.forget import SavedViewsLocation, forget
    from airflow_provider.stores.bucket_storage import files_at

    conf = requested_spark_conf(options)
    store, state = find_checkpoint(options)
    url = state.session_state_url
    if url is not None and options.session_state_url:
        url = state.key.directory(options.session_state_url[-1])
    done = forget(
        store,
        state,
        SavedViewsLocation(url, lambda base: open_storage(base, conf, files_at)),
        activity=task_instance_activity(state.key),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    if not done.complete:
        raise SystemExit(1)


def _prune(options: argparse.Namespace) -> None:
    from datetime import UTC, datetime

    from airflow_provider.commands.airflow.metastore import MetastoreLookup
    from airflow_provider.commands.airflow.task_instance_row import running_activity
    from airflow_provider.commands.cleanup import open_storage, print_prune_report, requested_spark_conf
    from airflow_provider.operators.airflow_config import checkpoint_retention_days, deployment_address
    from airflow_provider.runner.housekeeping.prune import Prune, PruneRules
    from airflow_provider.stores.bucket_storage import files_at
    from airflow_provider.stores.location import store_at

    conf = requested_spark_conf(options)
    days = checkpoint_retention_days(None)
    address = _checkpoint_directory(options)
    store = store_at(address) if address else None
    prune = Prune(
        PruneRules(
            datetime.now(UTC),
            retention=None if days is None else timedelta(days=days),
            older_than=options.older_than,
            silent_at_most=options.presume_dead_after,
        ),
        store,
        [(url, open_storage(url, conf, files_at)) for url in _saved_view_urls(options)],
        MetastoreLookup(store, deployment_address()),
        running_activity,
        dry_run=options.dry_run,
    )
    if not print_prune_report(prune(), dry_run=options.dry_run):
        raise SystemExit(1)


def _checkpoint_directory(options: argparse.Namespace) -> str | None:
    """Return where checkpoints are kept beside the task state store, None if nowhere."""
    from airflow_provider.operators.airflow_config import airflow_home

    default = airflow_home() / "pyspark_pipeline" / "checkpoints"
    return checkpoint_url_of(options) or (str(default) if default.is_dir() else None)


def _saved_view_urls(options: argparse.Namespace) -> list[str]:
    """Return the directories to prune saved views in."""
    from airflow_provider.operators.airflow_config import resolve_session_state_url

    base = resolve_session_state_url(None, True, first=False)
    return options.session_state_url or ([base] if base else [])
