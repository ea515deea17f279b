"""``airflow pyspark-pipeline``: commands for the people who operate the pipelines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider.commands.airflow.find_checkpoint import find, url_of
from airflow_provider.errors import PySparkPipelineError

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand


def get_cli_commands() -> list[CLICommand]:
    """Return the commands, in the form that Airflow asks providers for."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    from airflow_provider.commands.age import AGE, age
    from airflow_provider.commands.airflow import restarts

    dag = Arg(("dag_id",), help="the DAG")
    task = Arg(("task_id",), help="the task")
    run = Arg(("run_id",), help="the DAG run")
    component = Arg(("component",), nargs="+", help="name of a component; several may be given")
    again = Arg(("--restart-from",), action="append", metavar="COMPONENT", help="as if that were asked for; repeatable")
    only = Arg(("--only",), action="store_true", help="these components alone, without their descendants")
    until = Arg(("--until",), metavar="COMPONENT", help="of the descendants those up to this one in the order")
    file = Arg(("--config-from-file",), metavar="FILE", help="as if the task's pipeline were the one in this file")
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
                    "Let the next attempt run components and all their descendants again",
                    _command(restarts.restart_from),
                    (dag, task, run, component, only, until, index, region, pipeline, store, clear),
                ),
                ActionCommand(
                    "withdraw",
                    "Take back what `restart-from` asked for, or somebody typed into the store",
                    _command(restarts.withdraw),
                    one,
                ),
                ActionCommand(
                    "plan",
                    "What the next attempt would do with each component and why; nothing runs",
                    _command(restarts.plan),
                    (*one, again, only, until, file),
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

    url = url_of(options)
    if url:
        from airflow_provider.stores.location import store_at

        found = [state for state in store_at(url).list() if options.dag_id in (None, *state.scope[:1])]
    else:
        from airflow_provider.commands.airflow.database import stored_checkpoints

        found = stored_checkpoints(options.dag_id)
    for line in checkpoints_table(found) if found else ["no checkpoint"]:
        print(line)


def _show(options: argparse.Namespace) -> None:
    from airflow_provider.commands.airflow.restarts import due_line
    from airflow_provider.runner.observing.report import checkpoint_lines

    store, state = find(options)
    for line in checkpoint_lines(state):
        print(line)
    if due := due_line(store, state):
        print(due)


def _forget(options: argparse.Namespace) -> None:
    from airflow_provider.commands.airflow.database import task_instance_activity
    from airflow_provider.commands.cleanup import reach, spark_conf
    from airflow_provider.runner.housekeeping.forget import SavedViewsLocation, forget
    from airflow_provider.stores.bucket_storage import files_at

    conf = spark_conf(options)
    store, state = find(options)
    url = state.session_state_url
    if url is not None and options.session_state_url:
        url = state.key.directory(options.session_state_url[-1])
    done = forget(
        store,
        state,
        SavedViewsLocation(url, lambda base: reach(base, conf, files_at)),
        activity=task_instance_activity(state.key),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    if not done.complete:
        raise SystemExit(1)


def _prune(options: argparse.Namespace) -> None:
    from datetime import UTC, datetime

    from airflow_provider.commands.airflow.database import Lookup, running_activity
    from airflow_provider.commands.cleanup import reach, report, spark_conf
    from airflow_provider.operators.airflow_config import checkpoint_retention_days, deployment_address
    from airflow_provider.runner.housekeeping.prune import Prune, PruneRules
    from airflow_provider.stores.bucket_storage import files_at
    from airflow_provider.stores.location import store_at

    conf = spark_conf(options)
    days = checkpoint_retention_days(None)
    address = _checkpoints(options)
    store = store_at(address) if address else None
    prune = Prune(
        PruneRules(
            datetime.now(UTC),
            retention=None if days is None else timedelta(days=days),
            older_than=options.older_than,
            silent_at_most=options.silent_at_most,
        ),
        store,
        [(url, reach(url, conf, files_at)) for url in _saved(options)],
        Lookup(store, deployment_address()),
        running_activity,
        dry_run=options.dry_run,
    )
    if not report(prune(), dry_run=options.dry_run):
        raise SystemExit(1)


def _checkpoints(options: argparse.Namespace) -> str | None:
    """Return where checkpoints are kept beside the task state store, None if nowhere."""
    from airflow_provider.operators.airflow_config import airflow_home

    default = airflow_home() / "pyspark_pipeline" / "checkpoints"
    return url_of(options) or (str(default) if default.is_dir() else None)


def _saved(options: argparse.Namespace) -> list[str]:
    """Return where saved views are looked for."""
    from airflow_provider.operators.airflow_config import resolve_session_state_url

    base = resolve_session_state_url(None, True, first=False)
    return options.session_state_url or ([base] if base else [])
