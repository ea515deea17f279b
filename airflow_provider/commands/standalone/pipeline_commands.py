"""The commands that try a pipeline: validate a file, plan a run, run the pipeline or a part of it."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from airflow_provider.commands.cleanup import parse_properties
from airflow_provider.commands.standalone.dependency_repair import add_missing_dependencies
from airflow_provider.commands.standalone.template_preview import known_names, render_pipeline_file, with_rendered_files
from airflow_provider.commands.standalone.terminal import ProgressBar
from airflow_provider.errors import PipelineConfigError
from airflow_provider.masking import MASK, looks_secret
from airflow_provider.runner import (
    CheckpointStore,
    InMemoryCheckpointStore,
    LocalCheckpointStore,
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    load_pipeline_config,
)
from airflow_provider.runner.config.absolute_paths import absolute_path
from airflow_provider.runner.config.config_loader import config_warnings
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.observing.code_report import code_lines
from airflow_provider.runner.observing.progress import ProgressLog
from airflow_provider.runner.observing.report import plan_table, table
from airflow_provider.runner.planning.dependency_notes import dependency_notes, dependency_warnings
from airflow_provider.runner.planning.partial_plan import restrict_plan
from airflow_provider.runner.planning.start_mode import StartCase, StartMode
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.running.pipeline_runner import RunnerEnvironment
from airflow_provider.runner.running.view_use_facts import undeclared_dependencies
from airflow_provider.runner.session_state.warm_up import warm_up_looking
from airflow_provider.runner.spark.session import open_session

OK, FAILED = 0, 1

SAVED = ".session_state"
"""Where saved views lie below the directory of the checkpoints."""


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``plan`` and ``run``."""
    parser.add_argument("pipeline", type=Path, help="a YAML, JSON or HOCON file")
    parser.add_argument(
        "--store", type=absolute_path, metavar="DIRECTORY", help="where checkpoints are (default: none kept)"
    )
    parser.add_argument("--run-id", default="manual", help="id of the run (default: manual)")
    parser.add_argument(
        "--session-state-url", metavar="URL", help="where temp views are saved (default: below --store)"
    )
    parser.add_argument("--restart-from", metavar="COMPONENT", help="run this component and all its descendants again")
    parser.add_argument(
        "--only", action="append", default=[], metavar="COMPONENT", help="run only this component; repeatable"
    )
    parser.add_argument("--until", metavar="COMPONENT", help="run no component that comes after this one")
    add_template_options(parser)


def add_template_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that define the names for the file's templates."""
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="define a name for templates, such as ds=2026-01-31 or params.rows=10; repeatable",
    )
    parser.add_argument("--vars", type=Path, metavar="FILE", help="define names for templates in a YAML or JSON file")


def _config(options: argparse.Namespace, text: str | None = None) -> PipelineConfig:
    """Return the pipeline of a file.

    :param text: what the file is to contain; None for what it contains
    """
    names = known_names(options.run_id, options.vars, options.var)
    content, origin = render_pipeline_file(options.pipeline, names, text), str(options.pipeline)
    try:
        config = load_pipeline_config(content, origin=origin, look_at_files=False)
    except PipelineConfigError:
        load_pipeline_config(content, origin=origin)  # with the files that are missing among the problems
        raise
    return with_rendered_files(config, names)


def validate_pipeline(options: argparse.Namespace) -> int:
    """Check a file, repair it if that is wanted, and print the order of execution; return the exit status."""
    config = _config(options)
    if options.fix:
        config, changes = add_missing_dependencies(options.pipeline, config, lambda text: _config(options, text))
        print(*changes, sep="\n")
    disabled = len(config.components) - len(config.ordered)
    print(f"{options.pipeline}: pipeline {config.name!r} is valid, in this order:")
    for line in table(("component", "depends on"), [(c.name, ", ".join(c.depends_on) or "-") for c in config.ordered]):
        print(line)
    if disabled:
        print(f"{disabled} disabled")
    for warning in config_warnings(config):
        print(f"warning: {warning}")
    lacking = undeclared_dependencies(config, code=True)
    for missed in dependency_warnings(config, lacking):
        print(f"warning: {missed}")
    for note in dependency_notes(config, lacking):
        print(f"note: {note}")
    if options.code:
        for name, reading in read_code_of_components(config, {}).items():
            for line in code_lines(name, reading):
                print(line)
    return OK


def plan_pipeline(options: argparse.Namespace) -> int:
    """Print what a run would do and why; return the exit status."""
    config = _config(options)
    checkpoint = _store(options).load(options.run_id, config.name)
    runner = SimplePipelineRunner(config, session_state_url=_session_state_url(options, config))
    decided = runner.plan(checkpoint, restarts=_restarts(options))
    decided = restrict_plan(decided, config, options.only, options.until)
    print(f"pipeline {config.name!r}, run {options.run_id!r}:")
    for line in plan_table(decided):
        print(line)
    if decided.kept_by_rerun_affected:
        print(f"{decided.restarted_by}: rerun_affected would keep {', '.join(decided.kept_by_rerun_affected)}")
    lacking = undeclared_dependencies(config, checkpoint, code=True)
    for note in (*decided.notes, *dependency_warnings(config, lacking), *dependency_notes(config, lacking)):
        print(note)
    return OK


def run_pipeline(options: argparse.Namespace) -> int:
    """Run a pipeline, and print how far it got and the command that continues it; return the exit status."""
    config = _config(options)
    store = _store(options)
    conf = {**config.spark_properties(), "spark.ui.showConsoleProgress": "false", **parse_properties(options.conf)}
    if options.master:
        conf["spark.master"] = options.master
    case = StartCase.FRESH_REQUESTED if options.fresh else StartCase.CONTINUED
    start = StartMode(case, restarts=_restarts(options))
    result = run_attempt(
        AttemptSpec(
            config,
            store,
            RunKey((), options.run_id, config.name),
            lambda checkpoint, asked: start,
            spark=lambda: open_session(conf, config.name, meanwhile=warm_up_looking),
            session_state_url=_session_state_url(options, config),
            keep_session_state=options.keep_session_state,
            environment=RunnerEnvironment(progress=ProgressBar() if sys.stderr.isatty() else ProgressLog()),
            restrict=lambda plan: restrict_plan(plan, config, options.only, options.until),
        )
    )
    complete, total = len(result.completed_components), len(result.component_results)
    print(f"pipeline {config.name!r}, run {options.run_id!r}: {complete} of {total} components complete")
    for line in _continuation(options, done=result.status is PipelineResultStatus.SUCCESS):
        print(line)
    return FAILED if result.failed_components else OK


def _continuation(options: argparse.Namespace, *, done: bool) -> Iterator[str]:
    """Yield where the checkpoint is, and the command that continues the run."""
    if not options.store:
        yield "no checkpoint was kept; give --store DIRECTORY to resume a run where it stopped"
        return
    yield f"checkpoint: {options.store}"
    words = ["python", "-m", "airflow_provider", "run", str(options.pipeline), "--store", str(options.store)]
    words += ["--run-id", options.run_id]
    given = {"--session-state-url": options.session_state_url, "--vars": options.vars, "--master": options.master}
    words += [word for name, value in given.items() if value is not None for word in (name, str(value))]
    for name, values in (("--var", options.var), ("--conf", options.conf)):
        words += [word for value in values for word in (name, _without_secret(value))]
    words += ["--keep-session-state"] if options.keep_session_state else []
    yield f"{'to run everything again' if done else 'to resume'}: {shlex.join([*words, '--fresh'] if done else words)}"


def _without_secret(assignment: str) -> str:
    name, _, value = assignment.partition("=")
    return f"{name}={MASK}" if looks_secret(name, value, {}) else assignment


def _store(options: argparse.Namespace) -> CheckpointStore:
    return LocalCheckpointStore(options.store) if options.store else InMemoryCheckpointStore()


def _session_state_url(options: argparse.Namespace, config: PipelineConfig) -> str | None:
    base = options.session_state_url or (f"{options.store}/{SAVED}" if options.store else None)
    return RunKey((), options.run_id, config.name).directory(base) if base else None


def _restarts(options: argparse.Namespace) -> tuple[RestartFrom, ...]:
    return (RestartFrom(components=(options.restart_from,)),) if options.restart_from else ()
