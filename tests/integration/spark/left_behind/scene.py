"""A pipeline of three components: one leaves something, one fails once, one reads it in a new session."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import ComponentConfig
from airflow_provider.runner.planning.plan import Action
from airflow_provider.runner.session_state.kinds.recorded_state import left_something
from tests.integration.spark.left_behind import things
from tests.integration.spark.left_behind.rows import (
    EXPLAINED,
    REFUSED,
    REPLAYED,
    RESTORED,
    THINGS,
    UNNEEDED,
    LeftThing,
    Verdict,
)
from tests.integration.spark.session_state.scenes import forget
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass
class Outcome:
    """What became of something that was left.

    :param verdict: see :class:`Verdict`
    :param wrong: what is not as it would be in a run without a failure
    :param said: everything that was said of it
    """

    verdict: Verdict
    wrong: list[str] = field(default_factory=list)
    said: str = ""


class Said(logging.Handler):
    """Keeps what the package logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def make_files(directory: Path) -> dict[str, str]:
    """Make what the rows add; return their paths by name."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = {
        "file": directory / "rates.txt",
        "archive": directory / "more.zip",
        "python": directory / "left_module.py",
        "package": directory / "left_package.zip",
        "jar": directory / "more.jar",
        "csv": directory / "in.csv",
        "dir": directory / "checkpoints",
    }
    paths["file"].write_text("1.25")
    paths["csv"].write_text("1,ann\n2,bob\n")
    paths["python"].write_text("def answer():\n    return 42\n")
    for name, inside, text in (
        ("archive", "inside.txt", "7"),
        ("package", "left_package.py", "def answer():\n    return 43\n"),
        ("jar", "inside.txt", "8"),
    ):
        with zipfile.ZipFile(paths[name], "w") as file:
            file.writestr(inside, text)
    return {name: str(path) for name, path in paths.items()}


def outcome(row: LeftThing, spark: Any, state: Path | str, names: Mapping[str, str], table: str = "") -> Outcome:
    """Run the two attempts of a row.

    :param spark: makes new sessions
    :param state: directory for saved views
    :param names: see :class:`LeftThing`
    :param table: a table that the leaving component writes to; empty if it only leaves something
    """
    config: dict[str, Any] = {name: text.format(**names) for name, text in row.given.items()}
    if row.sql:
        config["sql"] = [statement.format(**names) for statement in row.sql]
    if table:
        config["table"] = table
    leaver = ComponentConfig(name="leaves", class_path=f"{THINGS}.{row.leaves or 'statements'}", config=config)
    run = SparkRun(spark, state, *_earlier(row, names), leaver, "fails", "reads").in_new_session()
    seen: list[Any] = []

    def fail(session: SparkSession) -> None:
        seen.append(_read(row, session, names))
        raise RuntimeError("broke on purpose")

    run.does("fails", fail)
    said = Said()
    logger = logging.getLogger("airflow_provider")
    level = logger.level
    logger.addHandler(said)
    logger.setLevel(logging.INFO)
    try:
        [(name, error)] = run.attempt().failed_components
        if not seen:
            raise AssertionError(f"the first attempt failed in {name}: {error}") from error
        run.mend("fails")
        if row.forgets and hasattr(spark, "sparkContext"):  # a server of Spark Connect keeps its catalog
            forget(run.session, f"{names['db']}_more", Path(names["dir"]).parent)
        run.in_new_session()
        run.does("reads", lambda session: seen.append(_read(row, session, names)))
        run.took_turns()
        return _resumed(run, seen, said)
    finally:
        logger.removeHandler(said)
        logger.setLevel(level)


def _resumed(run: SparkRun, seen: list[Any], said: Said) -> Outcome:
    try:
        [decision] = [d for d in run.plan().decisions if d.component == "leaves"]
        result = run.attempt()
    except SessionStateNotSavedError as error:
        wrong = [] if run.took_turns() == [] else ["it was refused after something had run"]
        return Outcome(REFUSED, wrong, str(error))
    if result.failed_components:
        [(name, error)] = result.failed_components
        failure = next(r.failure for r in result.component_results if r.error is error)
        text = "\n".join([*said.lines, str(error), *(failure.hints if failure is not None else ())])
        wrong = [] if name == "reads" else [f"{name} failed: {error}"]
        hinted = [hint for hint in (failure.hints if failure is not None else ()) if "could not be restored" in hint]
        if not hinted:
            wrong.append(f"nothing says why {name} failed: {error}")
        if not any("could not be restored" in line for line in said.lines):
            wrong.append("nothing was said before it failed")
        return Outcome(EXPLAINED, wrong, text)
    before, after = seen
    wrong = [] if before == after else [f"silently {after!r}, it was {before!r}"]
    text = "\n".join([*said.lines, str(decision.reason)])
    if decision.action is Action.REPLAY:
        return Outcome(REPLAYED, wrong, text)
    return Outcome(RESTORED if left_something(run.record("leaves")) else UNNEEDED, wrong, text)


def _earlier(row: LeftThing, names: Mapping[str, str]) -> list[ComponentConfig]:
    if not row.earlier:
        return []
    if not row.sql:
        return [ComponentConfig(name="earlier", class_path=f"{THINGS}.{row.earlier[0]}")]
    texts = [statement.format(**names) for statement in row.earlier]
    return [ComponentConfig(name="earlier", class_path=f"{THINGS}.statements", config={"sql": texts})]


def _read(row: LeftThing, session: SparkSession, names: Mapping[str, str]) -> Any:
    name, _, argument = row.reads.partition(":")
    work = vars(things).get(name)
    if work is not None:
        return work(session, argument.format(**names)) if argument else work(session)
    return list(map(str, session.sql(row.reads.format(**names)).collect()))
