"""Commands for people who try pipelines and look after checkpoints, without Airflow."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider.errors import (
    CheckpointError,
    CodeChangedError,
    ConfigChangedError,
    PipelineConfigError,
    PySparkPipelineError,
    SourceChangedError,
)
from airflow_provider.runner import (
    CheckpointState,
    CheckpointStore,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    load_pipeline_config,
)
from airflow_provider.runner.checkpoint.forget import forget
from airflow_provider.runner.observing.report import checkpoint_lines, checkpoints_table, plan_table, table
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import Attempt, Beginning, run_attempt
from airflow_provider.runner.running.spark_session import open_session

OK, FAILED, WRONG = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :param arguments: the command line; default: the process's own
    :return: 0 if it worked, 1 if the pipeline failed or there was nothing to do, 2 if the input is wrong
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except (PipelineConfigError, ConfigChangedError, CodeChangedError, SourceChangedError) as error:
        print(error, file=sys.stderr)
        return WRONG
    except PySparkPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check a pipeline file, its components and their config")
    validate.add_argument("pipeline", type=Path)
    validate.set_defaults(command=_validate)

    plan = commands.add_parser("plan", help="print what an attempt would do and why, and run nothing")
    _add_run_options(plan)
    plan.set_defaults(command=_plan)

    run = commands.add_parser("run", help="run a pipeline; run it again to go on after a failure")
    _add_run_options(run)
    run.add_argument("--fresh", action="store_true", help="leave the checkpoint aside and run everything")
    run.add_argument("--master", help="Spark master (default: the pipeline's, or local[*])")
    run.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark property; repeatable")
    run.add_argument("--session-state-url", help="where to save temp views (default: below --store)")
    run.add_argument("--keep-session-state", action="store_true", help="leave saved views there after a success")
    run.set_defaults(command=_run)

    checkpoints = commands.add_parser("checkpoints", help="look at and delete checkpoints")
    actions = checkpoints.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line for each checkpoint")
    show = actions.add_parser("show", help="what a checkpoint says of each component")
    delete = actions.add_parser("delete", help="delete a checkpoint and its saved views")
    prune = actions.add_parser("prune", help="delete all that have not changed for some time")
    for action, command in ((listing, _list), (show, _show), (delete, _delete), (prune, _prune)):
        action.add_argument("--store", type=Path, required=True, help="directory of the checkpoints")
        action.set_defaults(command=command)
    for action in (show, delete):
        action.add_argument("run_id")
        action.add_argument("--pipeline", help="name of the pipeline, if the run has several")
        action.add_argument("--scope", nargs="*", help="dag id, task id and map index, if several share the run id")
    prune.add_argument("--older-than", type=_age, required=True, metavar="AGE", help="such as 30d, 12h or 90m")
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", type=Path, help="a YAML, JSON or HOCON file")
    parser.add_argument("--store", type=Path, help="directory of the checkpoints (default: none are kept)")
    parser.add_argument("--run-id", default="manual", help="name of the run (default: manual)")
    parser.add_argument("--restart-from", metavar="COMPONENT", help="run it and all its descendants again")


def _validate(options: argparse.Namespace) -> int:
    config = load_pipeline_config(options.pipeline)
    disabled = len(config.components) - len(config.ordered)
    print(f"{options.pipeline}: pipeline {config.name!r} is valid, in this order:")
    for line in table(("component", "depends on"), [(c.name, ", ".join(c.depends_on) or "-") for c in config.ordered]):
        print(line)
    if disabled:
        print(f"{disabled} disabled")
    return OK


def _plan(options: argparse.Namespace) -> int:
    config = load_pipeline_config(options.pipeline)
    checkpoint = _store(options).load(options.run_id, config.name)
    plan = SimplePipelineRunner(config).plan(checkpoint, restart_from=options.restart_from)
    print(f"pipeline {config.name!r}, run {options.run_id!r}:")
    for line in plan_table(plan):
        print(line)
    if plan.would_be_kept:
        print(f"rerun_affected would keep {', '.join(plan.would_be_kept)}")
    return OK


def _run(options: argparse.Namespace) -> int:
    config = load_pipeline_config(options.pipeline)
    store = _store(options)
    conf = {**config.spark.to_spark_conf(), "spark.ui.showConsoleProgress": "false", **_properties(options.conf)}
    if options.master:
        conf["spark.master"] = options.master
    beginning = Beginning("--fresh was given" if options.fresh else None, options.restart_from)
    result = run_attempt(
        Attempt(
            config,
            store,
            RunKey((), options.run_id, config.name),
            lambda checkpoint: beginning,
            spark=lambda: open_session(conf, config.name),
            session_state_url=_session_state_url(options, config),
            keep_session_state=options.keep_session_state,
        )
    )
    if result.status is PipelineResultStatus.SUCCESS:
        return OK
    if options.store:
        print(f"run it again to go on: the checkpoint is in {options.store}", file=sys.stderr)
    return FAILED


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
    print(forget(LocalCheckpointStore(options.store), _find(options)))
    return OK


def _prune(options: argparse.Namespace) -> int:
    store = LocalCheckpointStore(options.store)
    limit = datetime.now(UTC) - options.older_than
    old = [state for state in store.list() if state.updated_at is None or state.updated_at < limit]
    for state in old:
        print(forget(store, state))
    print(f"{len(old)} deleted")
    return OK


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


def _store(options: argparse.Namespace) -> CheckpointStore:
    return LocalCheckpointStore(options.store) if options.store else InMemoryCheckpointStore()


def _session_state_url(options: argparse.Namespace, config: PipelineConfig) -> str | None:
    base = options.session_state_url or (f"{options.store.resolve()}/.session_state" if options.store else None)
    return RunKey((), options.run_id, config.name).directory(base) if base else None


def _properties(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SystemExit(f"--conf {wrong[0]!r} is not KEY=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([dhm])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 30d, 12h or 90m")
    unit = {"d": "days", "h": "hours", "m": "minutes"}[found.group(2)]
    return timedelta(**{unit: int(found.group(1))})
