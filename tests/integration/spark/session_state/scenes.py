"""What the scenes of session state on a real Spark have in common.

Each attempt gets a session of its own, which shares nothing with the one before but tables and global temp views.
``test_resume_process.py`` does the same with a process for each attempt.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from airflow_provider.errors import SessionStateNotSavedError
from airflow_provider.runner import ComponentConfig, PipelineResultStatus
from tests.samples.harness.spark_attempts import SparkRun
from tests.samples.pipelines import component

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


SUCCESS = PipelineResultStatus.SUCCESS


VOUCH = "if running it twice does no harm, set session_state: replay"


def view(name: str, rows: int) -> Callable[[SparkSession], None]:
    return lambda session: session.range(rows).createOrReplaceTempView(name)


def sql(*statements: str) -> Callable[[SparkSession], None]:
    def work(session: SparkSession) -> None:
        for statement in statements:
            session.sql(statement)

    return work


def sql_view(name: str, query: str) -> Callable[[SparkSession], None]:
    return lambda session: session.sql(query).createOrReplaceTempView(name)


def reads(name: str, view: str = "v") -> ComponentConfig:
    """A component whose config says that it reads a view."""
    return component(name, config={"input_view": view})


def values(session: SparkSession, name: str) -> list[Any]:
    return sorted(row[0] for row in session.table(name).collect())


def actions(run: SparkRun) -> dict[str, str]:
    return {decision.component: str(decision.action) for decision in run.plan().decisions}


def is_replayed(run: SparkRun, name: str, because: str = "") -> bool:
    """Whether a component is replayed when what it left is needed, since it is known to be harmless.

    :param because: what it left that cannot be saved
    """
    handling, reason = run.handling(name)
    said = f"{because}; known to be harmless" if because else "known to be harmless"
    return handling == "replay" and re.fullmatch(rf"{re.escape(said)}, \d+\.\d s of work", reason) is not None


def refused(run: SparkRun, failing: str = "c") -> str:
    """Run until ``failing`` fails and mend it; return why the next attempt, in a new session, runs nothing at all."""
    run.fails(failing)
    assert run.attempt().failed_components[0][0] == failing
    run.mend(failing)
    run.took_turns()
    with pytest.raises(SessionStateNotSavedError) as caught:
        run.resume()
    assert run.took_turns() == []
    return str(caught.value)


def vouched(run: SparkRun, name: str) -> list[str]:
    """Let the author vouch for a component, and return what the next attempt ran."""
    steps = [c.model_copy(update={"session_state": "replay"}) if c.name == name else c for c in run.config.components]
    run.config = run.config.model_copy(update={"components": steps})
    assert run.resume(keep_session_state=True).failed_components == []
    return run.took_turns()


def after_failure(run: SparkRun, failing: str = "c") -> list[str]:
    """Run until ``failing`` fails, mend it, resume, and return what ran in the second attempt."""
    run.fails(failing)
    assert run.attempt().failed_components[0][0] == failing
    run.mend(failing)
    run.took_turns()
    assert run.resume(keep_session_state=True).failed_components == []
    return run.took_turns()


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def forget(session: SparkSession, database: str, scratch: Path) -> None:
    """Let the catalog forget a database while its files stay, as at the end of the process."""
    row = session.sql(f"DESCRIBE DATABASE {database}").where("info_name = 'Location'").first()
    location = Path(unquote(row["info_value"].removeprefix("file:")))
    if location.exists():
        location.rename(scratch / "aside")
    session.sql(f"DROP DATABASE {database} CASCADE")
    if (scratch / "aside").exists():
        shutil.rmtree(location, ignore_errors=True)
        (scratch / "aside").rename(location)
