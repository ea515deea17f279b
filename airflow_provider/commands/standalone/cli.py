"""Try, run and look after pipelines without Airflow.

Results go to standard output, the log and errors to standard error. Exit status: 0 for success, 1 if the pipeline
failed or there was nothing to do, 2 if a retry cannot help: the input is wrong, or does not fit the checkpoint.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider.commands.age import AGE, parse_age
from airflow_provider.commands.cleanup import open_storage, print_prune_report, requested_spark_conf
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

_STORE = "where checkpoints are"


def run_command_line(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status, see above.

    :param arguments: the words of the command; default: the process's own
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
    _add_pipeline_commands(commands)
    _add_checkpoint_commands(commands)
    return parser


def _add_pipeline_commands(commands: Any) -> None:
    validate = commands.add_parser("validate", help="check a pipeline file, its components and their config")
    validate.add_argument("pipeline", type=Path, help="a YAML, JSON or HOCON file")
    validate.add_argument("--run-id", default="manual", help="run id for the templates (default: manual)")
    pipeline_commands.add_template_options(validate)
    validate.add_argument(
        "--code", action="store_true", help="print what the fingerprint of each component's code covers"
    )
    validate.add_argument(
        "--fix", action="store_true", help="write into a YAML file the dependencies that its components lack"
    )
    validate.set_defaults(command=pipeline_commands.validate_pipeline)

    plan = commands.add_parser("plan", help="show what a run would do with each component and why; runs nothing")
    pipeline_commands.add_run_options(plan)
    plan.set_defaults(command=pipeline_commands.plan_pipeline)

    run = commands.add_parser("run", help="run a pipeline; after a failure run it again to resume it")
    pipeline_commands.add_run_options(run)
    run.add_argument("--fresh", action="store_true", help="ignore the checkpoint and run everything")
    run.add_argument("--master", help="Spark master (default: the pipeline's, or local[*])")
    run.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="Spark property; repeatable")
    run.add_argument("--keep-session-state", action="store_true", help="keep saved views after a success")
    run.set_defaults(command=pipeline_commands.run_pipeline)


def _add_checkpoint_commands(commands: Any) -> None:
    listing = commands.add_parser("list", help="list checkpoints, one per line")
    show = commands.add_parser("show", help="show what a checkpoint records of each component")
    forget = commands.add_parser(
        "forget", help="delete a checkpoint and its saved views, so that the run starts from the beginning"
    )
    for parser, command in ((listing, _list), (show, _show), (forget, _forget)):
        parser.add_argument("--store", type=absolute_path, required=True, metavar="DIRECTORY", help=_STORE)
        parser.set_defaults(command=command)
    for parser in (show, forget):
        parser.add_argument("run_id", help="id of the run")
        parser.add_argument("--pipeline", help="name of the pipeline, if the run has several")
        parser.add_argument("--scope", nargs="*", help="dag id, task id and map index, if several share the run id")
    forget.add_argument(
        "--force", action="store_true", help="also while an attempt may be running; fences it off first"
    )
    _add_spark_options(forget)

    prune = commands.add_parser(
        "prune", help="delete checkpoints and saved views that have expired or no longer belong to a run"
    )
    prune.add_argument("--store", type=absolute_path, metavar="DIRECTORY", help=_STORE)
    prune.add_argument(
        "--session-state-url",
        action="append",
        metavar="URL",
        help="where temp views are saved; repeatable (default: below --store)",
    )
    prune.add_argument(
        "--older-than",
        type=parse_age,
        metavar="AGE",
        help=f"delete what is older than this, such as {AGE} (default: the retention of each; checkpoints: 90d)",
    )
    prune.add_argument(
        "--presume-dead-after",
        type=parse_age,
        metavar="AGE",
        default=SILENT_AT_MOST,
        help="presume an attempt dead when it has recorded nothing for this long (default: 7d)",
    )
    prune.add_argument("--dry-run", action="store_true", help="list what would be deleted, and delete nothing")
    _add_spark_options(prune)
    prune.set_defaults(command=_prune)


def _add_spark_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spark", action="store_true", help="open saved views that are not local through Spark")
    parser.add_argument("--conf", action="append", metavar="KEY=VALUE", help="Spark property for --spark; repeatable")


def _offer_completion(parser: argparse.ArgumentParser) -> None:
    """Complete words in the shell if the package argcomplete is installed, which Airflow brings along."""
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def _list(options: argparse.Namespace) -> int:
    states = list(LocalCheckpointStore(options.store).list())
    for line in checkpoints_table(states) if states else [f"no checkpoints in {options.store}"]:
        print(line)
    return OK


def _show(options: argparse.Namespace) -> int:
    for line in checkpoint_lines(_find(options)):
        print(line)
    return OK


def _forget(options: argparse.Namespace) -> int:
    conf = requested_spark_conf(options)
    state = _find(options)
    done = forget(
        LocalCheckpointStore(options.store),
        state,
        SavedViewsLocation(state.session_state_url, lambda url: open_storage(url, conf, None)),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    return OK if done.complete else FAILED


def _prune(options: argparse.Namespace) -> int:
    conf = requested_spark_conf(options)
    if options.store is None and not options.session_state_url:
        raise CheckpointError("nothing to prune: give --store, --session-state-url, or both")
    store = LocalCheckpointStore(options.store) if options.store else None
    urls = [absolute_url(url) for url in options.session_state_url or [f"{options.store}/{SAVED}"]]
    kept_at = store_address(store) if store else None

    def known(marker: DirectoryMarker, key: RunKey) -> CheckpointLookup:
        return (
            CheckpointLookup(True, load(store, key)) if store and marker.checkpoint == kept_at else CheckpointLookup()
        )

    prune = Prune(
        PruneRules(datetime.now(UTC), older_than=options.older_than, silent_at_most=options.presume_dead_after),
        store,
        [(url, open_storage(url, conf, None)) for url in urls],
        known,
        dry_run=options.dry_run,
    )
    return OK if print_prune_report(prune(), dry_run=options.dry_run) else FAILED


def _find(options: argparse.Namespace) -> CheckpointState:
    found = [
        state
        for state in LocalCheckpointStore(options.store).list()
        if state.run_id == options.run_id
        and options.pipeline in (None, state.pipeline_name)
        and (options.scope is None or tuple(options.scope) == state.scope)
    ]
    if not found:
        list_them = f"python -m airflow_provider list --store {options.store}"
        raise CheckpointError(f"no such checkpoint in {options.store}; to list them: {list_them}")
    if len(found) > 1:
        which = "; ".join(f"--pipeline {s.pipeline_name} --scope {' '.join(s.scope)}" for s in found)
        raise CheckpointError(f"{len(found)} checkpoints have run id {options.run_id!r}; choose one: {which}")
    return found[0]
