"""Commands for people who try pipelines and look after checkpoints, without Airflow.

Results go to standard output, the log and errors to standard error. Exit status: 0 if it worked, 1 if the pipeline
failed or there was nothing to do, 2 if trying again cannot help: the input is wrong, or what is recorded does not fit.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider.ages import AGE, age
from airflow_provider.cleaning import properties, reach, report, spark_conf
from airflow_provider.errors import CheckpointError, NotRetriableError, PySparkPipelineError
from airflow_provider.masking import MASK, looks_secret
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
from airflow_provider.runner.checkpoint.files import Directory
from airflow_provider.runner.checkpoint.place import place_of
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.fingerprint.code.components import read_components
from airflow_provider.runner.housekeeping.forget import Saved, forget
from airflow_provider.runner.housekeeping.prune import SILENT_AT_MOST, Kept, Known, Prune, Rules
from airflow_provider.runner.observing.code_report import code_lines
from airflow_provider.runner.observing.progress import ProgressLog
from airflow_provider.runner.observing.report import checkpoint_lines, checkpoints_table, plan_table, table
from airflow_provider.runner.planning.part import part_of
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import Attempt, Beginning, run_attempt
from airflow_provider.runner.running.runner import Surroundings
from airflow_provider.runner.running.spark_session import open_session
from airflow_provider.runner.session_state.saved.marker import Marker
from airflow_provider.templates import known_names, rendered
from airflow_provider.terminal import ProgressBar, StderrHandler

OK, FAILED, WRONG = 0, 1, 2

_SAVED = ".session_state"


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
    _add_template_options(validate)
    validate.add_argument(
        "--code", action="store_true", help="print what the fingerprint of each component's code covers"
    )
    validate.set_defaults(command=_validate)

    plan = commands.add_parser("plan", help="print what an attempt would do and why, and run nothing")
    _add_run_options(plan)
    plan.set_defaults(command=_plan)

    run = commands.add_parser("run", help="run a pipeline; run it again to go on after a failure")
    _add_run_options(run)
    run.add_argument("--fresh", action="store_true", help="leave the checkpoint aside and run everything")
    run.add_argument("--master", help="Spark master (default: the pipeline's, or local[*])")
    run.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark property; repeatable")
    run.add_argument("--keep-session-state", action="store_true", help="leave saved views there after a success")
    run.set_defaults(command=_run)

    checkpoints = commands.add_parser("checkpoints", help="look at and delete checkpoints")
    actions = checkpoints.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line for each checkpoint")
    show = actions.add_parser("show", help="what a checkpoint says of each component")
    delete = actions.add_parser("delete", help="delete a checkpoint and its saved views")
    for action, command in ((listing, _list), (show, _show), (delete, _delete)):
        action.add_argument("--store", type=Path, required=True, help="directory of the checkpoints")
        action.set_defaults(command=command)
    for action in (show, delete):
        action.add_argument("run_id")
        action.add_argument("--pipeline", help="name of the pipeline, if the run has several")
        action.add_argument("--scope", nargs="*", help="dag id, task id and map index, if several share the run id")
    delete.add_argument("--force", action="store_true", help="also while an attempt may be running: fence it off first")
    _add_spark_options(delete)

    prune = commands.add_parser("prune", help="delete checkpoints and saved views that have expired or belong to none")
    prune.add_argument("--store", type=Path, help="directory of the checkpoints")
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


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", type=Path, help="a YAML, JSON or HOCON file")
    parser.add_argument("--store", type=Path, help="directory of the checkpoints (default: none are kept)")
    parser.add_argument("--run-id", default="manual", help="name of the run (default: manual)")
    parser.add_argument("--session-state-url", help="where temp views are saved (default: below --store)")
    parser.add_argument("--restart-from", metavar="COMPONENT", help="run it and all its descendants again")
    parser.add_argument(
        "--only", action="append", default=[], metavar="COMPONENT", help="run this component only; repeatable"
    )
    parser.add_argument("--until", metavar="COMPONENT", help="run what comes up to this component")
    _add_template_options(parser)


def _add_template_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what templates may name, such as ds=2026-01-31 or params.rows=10; repeatable",
    )
    parser.add_argument("--vars", type=Path, metavar="FILE", help="the same from a YAML or JSON file")


def _offer_completion(parser: argparse.ArgumentParser) -> None:
    """Complete words in the shell, if the package argcomplete is there, which Airflow brings along."""
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def _config(options: argparse.Namespace) -> PipelineConfig:
    names = known_names(options.run_id, options.vars, options.var)
    return load_pipeline_config(rendered(options.pipeline, names), origin=str(options.pipeline))


def _validate(options: argparse.Namespace) -> int:
    config = _config(options)
    disabled = len(config.components) - len(config.ordered)
    print(f"{options.pipeline}: pipeline {config.name!r} is valid, in this order:")
    for line in table(("component", "depends on"), [(c.name, ", ".join(c.depends_on) or "-") for c in config.ordered]):
        print(line)
    if disabled:
        print(f"{disabled} disabled")
    if options.code:
        for name, reading in read_components(config, {}).items():
            for line in code_lines(name, reading):
                print(line)
    return OK


def _plan(options: argparse.Namespace) -> int:
    config = _config(options)
    checkpoint = _store(options).load(options.run_id, config.name)
    runner = SimplePipelineRunner(config, session_state_url=_session_state_url(options, config))
    plan = runner.plan(checkpoint, restart_from=options.restart_from)
    plan = part_of(plan, config, options.only, options.until)
    print(f"pipeline {config.name!r}, run {options.run_id!r}:")
    for line in plan_table(plan):
        print(line)
    if plan.would_be_kept:
        print(f"{plan.restarted_by}: rerun_affected would keep {', '.join(plan.would_be_kept)}")
    for note in plan.notes:
        print(note)
    return OK


def _run(options: argparse.Namespace) -> int:
    config = _config(options)
    store = _store(options)
    conf = {**config.spark.to_spark_conf(), "spark.ui.showConsoleProgress": "false", **properties(options.conf)}
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
            surroundings=Surroundings(progress=ProgressBar() if sys.stderr.isatty() else ProgressLog()),
            part=lambda plan: part_of(plan, config, options.only, options.until),
        )
    )
    complete, total = len(result.completed_components), len(result.component_results)
    print(f"pipeline {config.name!r}, run {options.run_id!r}: {complete} of {total} components complete")
    for line in _what_now(options, done=result.status is PipelineResultStatus.SUCCESS):
        print(line)
    return FAILED if result.failed_components else OK


def _what_now(options: argparse.Namespace, *, done: bool) -> Iterator[str]:
    """Yield where the checkpoint is, and the command that goes on."""
    if not options.store:
        yield "no checkpoint was kept; with --store DIRECTORY a run goes on where it ended"
        return
    yield f"checkpoint: {options.store.absolute()}"
    words = ["python", "-m", "airflow_provider", "run", str(options.pipeline), "--store", str(options.store)]
    words += ["--run-id", options.run_id]
    given = {"--session-state-url": options.session_state_url, "--vars": options.vars, "--master": options.master}
    words += [word for name, value in given.items() if value is not None for word in (name, str(value))]
    for name, values in (("--var", options.var), ("--conf", options.conf)):
        words += [word for value in values for word in (name, _without_secret(value))]
    words += ["--keep-session-state"] if options.keep_session_state else []
    yield f"{'everything again' if done else 'go on'}: {shlex.join([*words, '--fresh'] if done else words)}"


def _without_secret(assignment: str) -> str:
    name, _, value = assignment.partition("=")
    return f"{name}={MASK}" if looks_secret(name, value, {}) else assignment


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
        Saved(state.session_state_url, lambda url: reach(url, conf, None)),
        force=options.force,
    )
    print(*done.lines(), sep="\n")
    return OK if done.complete else FAILED


def _prune(options: argparse.Namespace) -> int:
    conf = spark_conf(options)
    if options.store is None and not options.session_state_url:
        raise CheckpointError("nothing to look through: give --store, --session-state-url, or both")
    store = LocalCheckpointStore(options.store) if options.store else None
    urls = options.session_state_url or [f"{options.store.absolute()}/{_SAVED}"]
    kept_at = place_of(store) if store else None

    def known(marker: Marker, key: RunKey) -> Known:
        return Known(True, load(store, key)) if store and marker.checkpoint == kept_at else Known()

    prune = Prune(
        Rules(datetime.now(UTC), older_than=options.older_than, silent_at_most=options.silent_at_most),
        Kept(store, Directory(options.store)) if store else None,
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


def _store(options: argparse.Namespace) -> CheckpointStore:
    return LocalCheckpointStore(options.store) if options.store else InMemoryCheckpointStore()


def _session_state_url(options: argparse.Namespace, config: PipelineConfig) -> str | None:
    base = options.session_state_url or (f"{options.store.resolve()}/{_SAVED}" if options.store else None)
    return RunKey((), options.run_id, config.name).directory(base) if base else None
