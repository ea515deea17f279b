"""Commands for people who try pipelines and look after checkpoints, without Airflow.

Results go to standard output, the log and errors to standard error. Exit status: 0 if it worked, 1 if the pipeline
failed or there was nothing to do, 2 if trying again cannot help: the input is wrong, or what is recorded does not fit.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider.commands.age import AGE, age
from airflow_provider.commands.cleanup import reach, report, spark_conf
from airflow_provider.commands.standalone import pipeline_commands
from airflow_provider.commands.standalone.pipeline_commands import FAILED, OK, SAVED
from airflow_provider.commands.standalone.terminal import StderrHandler
from airflow_provider.errors import CheckpointError, NotRetriableError, PySparkPipelineError
from airflow_provider.runner import (
    CheckpointState,
    LocalCheckpointStore,
)
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.config.absolute_paths import absolute_path, absolute_url
from airflow_provider.runner.housekeeping.forget import SavedViewsLocation, forget
from airflow_provider.runner.housekeeping.prune import SILENT_AT_MOST, CheckpointLookup, Prune, PruneRules
from airflow_provider.runner.observing.report import checkpoint_lines, checkpoints_table
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import DirectoryMarker

WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :param arguments: the command line; default: the process's own
    :return: the exit status, see above
    """
    parser = _parser()
    _offer_completion(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[StderrHandler()])
    logging.getLogger("py4j").setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except NotRetriableError as error:
        print(error, file=sys.stderr)
        return WRONG
    except PySparkPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check a pipeline file, its components and their config")
    validate.add_argument("pipeline", type=Path, help="a YAML, JSON or HOCON file")
    validate.add_argument("--run-id", default="manual", help="for templates: name of the run (default: manual)")
    pipeline_commands.add_template_options(validate)
    validate.add_argument(
        "--code", action="store_true", help="print what the fingerprint of each component's code covers"
    )
    validate.set_defaults(command=pipeline_commands.validate)

    plan = commands.add_parser("plan", help="print what an attempt would do and why, and run nothing")
    pipeline_commands.add_run_options(plan)
    plan.set_defaults(command=pipeline_commands.plan)

    run = commands.add_parser("run", help="run a pipeline; run it again to go on after a failure")
    pipeline_commands.add_run_options(run)
    run.add_argument("--fresh", action="store_true", help="leave the checkpoint aside and run everything")
    run.add_argument("--master", help="Spark master (default: the pipeline's, or local[*])")
    run.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark property; repeatable")
    run.add_argument("--keep-session-state", action="store_true", help="leave saved views there after a success")
    run.set_defaults(command=pipeline_commands.run)

    checkpoints = commands.add_parser("checkpoints", help="look at and delete checkpoints")
    actions = checkpoints.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line for each checkpoint")
    show = actions.add_parser("show", help="what a checkpoint says of each component")
    delete = actions.add_parser("delete", help="delete a checkpoint and its saved views")
    for action, command in ((listing, _list), (show, _show), (delete, _delete)):
        action.add_argument("--store", type=absolute_path, required=True, help="directory of the checkpoints")
        action.set_defaults(command=command)
    for action in (show, delete):
        action.add_argument("run_id")
        action.add_argument("--pipeline", help="name of the pipeline, if the run has several")
        action.add_argument("--scope", nargs="*", help="dag id, task id and map index, if several share the run id")
    delete.add_argument("--force", action="store_true", help="also while an attempt may be running: fence it off first")
    _add_spark_options(delete)

    prune = commands.add_parser("prune", help="delete checkpoints and saved views that have expired or belong to none")
    prune.add_argument("--store", type=absolute_path, help="directory of the checkpoints")
    prune.add_argument(
        "--session-state-url",
        action="append",
        metavar="URL",
        help="where temp views are saved; repeatable (default: below --store)",
    )
    prune.add_argument(
        "--older-than", type=age, metavar="AGE", help=f"{AGE} (default: what each says; checkpoints: 90d)"
    )
    prune.add_argument(
        "--silent-at-most",
        type=age,
        metavar="AGE",
        default=SILENT_AT_MOST,
        help="an attempt that has recorded nothing for so long is taken for dead (default: 7d)",
    )
    prune.add_argument("--dry-run", action="store_true", help="list what would be deleted, and delete nothing")
    _add_spark_options(prune)
    prune.set_defaults(command=_prune)
    return parser


def _add_spark_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spark", action="store_true", help="reach saved views that are not local through Spark")
    parser.add_argument("--conf", action="append", metavar="KEY=VALUE", help="a Spark property for that; repeatable")


def _offer_completion(parser: argparse.ArgumentParser) -> None:
    """Complete words in the shell, if the package argcomplete is there, which Airflow brings along."""
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def _list(options: argparse.Namespace) -> int:
    states = list(LocalCheckpointStore(options.store).list())
    for line in checkpoints_table(states) if states else [f"no checkpoint in {options.store}"]:
        print(line)
    return OK


def _show(options: argparse.Namespace) -> int:
    for line in checkpoint_lines(_find(options)):
        print(line)
    return OK


def _delete(options: argparse.Namespace) -> int:
    conf = spark_conf(options)
    state = _find(options)
    done = forget(
        LocalCheckpointStore(options.store),
        state,
        SavedViewsLocation(state.session_state_url, lambda url: reach(url, conf, None)),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    return OK if done.complete else FAILED


def _prune(options: argparse.Namespace) -> int:
    conf = spark_conf(options)
    if options.store is None and not options.session_state_url:
        raise CheckpointError("nothing to look through: give --store, --session-state-url, or both")
    store = LocalCheckpointStore(options.store) if options.store else None
    urls = [absolute_url(url) for url in options.session_state_url or [f"{options.store}/{SAVED}"]]
    kept_at = store_address(store) if store else None

    def known(marker: DirectoryMarker, key: RunKey) -> CheckpointLookup:
        return (
            CheckpointLookup(True, load(store, key)) if store and marker.checkpoint == kept_at else CheckpointLookup()
        )

    prune = Prune(
        PruneRules(datetime.now(UTC), older_than=options.older_than, silent_at_most=options.silent_at_most),
        store,
        [(url, reach(url, conf, None)) for url in urls],
        known,
        dry_run=options.dry_run,
    )
    return OK if report(prune(), dry_run=options.dry_run) else FAILED


def _find(options: argparse.Namespace) -> CheckpointState:
    found = [
        state
        for state in LocalCheckpointStore(options.store).list()
        if state.run_id == options.run_id
        and options.pipeline in (None, state.pipeline_name)
        and (options.scope is None or tuple(options.scope) == state.scope)
    ]
    if not found:
        raise CheckpointError(f"no such checkpoint in {options.store}; see: checkpoints list --store {options.store}")
    if len(found) > 1:
        which = "; ".join(f"--pipeline {s.pipeline_name} --scope {' '.join(s.scope)}" for s in found)
        raise CheckpointError(f"{len(found)} checkpoints have run id {options.run_id!r}; choose one: {which}")
    return found[0]
