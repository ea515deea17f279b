"""Whose saved views are, written by real attempts on local storage and through Hadoop's file systems."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from airflow_provider.runner import PipelineResultStatus
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.housekeeping.prune import CheckpointLookup, Prune, PruneRules
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from airflow_provider.runner.session_state.saved.directory_marker import MARKER, NOTICE, DirectoryMarker, Retention
from airflow_provider.runner.session_state.saved.files import files_for
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from tests.conftest import Script
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEY = RunKey((), "run-1", "p")


@pytest.fixture(params=["local", "viewfs"])
def base(request: pytest.FixtureRequest, tmp_path: Path, session: SparkSession) -> str:
    """Where views are saved: a directory, and an address that only Hadoop knows, as it stands for hdfs and s3a."""
    # Hadoop keeps a file system for each authority.
    return str(tmp_path / "lake") if request.param == "local" else f"viewfs://lake-{uuid.uuid4().hex}/shared"


@pytest.fixture
def run(base: str, tmp_path: Path, spark: SparkSession, script: Script) -> SparkRun:
    (tmp_path / "lake").mkdir()
    # Every new session takes it from here, as it takes spark.hadoop.… from the conf of the application.
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set(f"fs.viewfs.mounttable.{urlsplit(base).netloc}.link./shared", f"file://{tmp_path}/lake")
    made = SparkRun(spark, KEY.directory(base), "a", "b", session_state="save")
    made.does("a", lambda session: session.range(3).createOrReplaceTempView("v"))
    made.fails("b")
    return made


def attempt(run: SparkRun, **keeping: float) -> PipelineResultStatus:
    """One attempt as the operators make it, in a new session."""
    run.in_new_session()
    result = run_attempt(
        AttemptSpec(
            run.config,
            run.store,
            KEY,
            spark=run.session,
            session_state_url=run.url,
            retention=Retention(**keeping),
        )
    )
    return result.status


def storage(run: SparkRun, base: str) -> FileStorage:
    return DirectoryStorage(Path(base)) if base.startswith("/") else HadoopStorage(run.session, base)


def marker(files: FileStorage) -> DirectoryMarker:
    found = DirectoryMarker.parse(files.read(f"{KEY.path}/{MARKER}"))
    assert found is not None
    return found


def views(lake: Path) -> list[Path]:
    return list(lake.rglob("*.parquet"))


def test_every_attempt_says_whose_the_views_are_and_prune_deletes_them(
    run: SparkRun, base: str, tmp_path: Path
) -> None:
    """Before the first view is saved; Spark's readers pass over it; once expired everything goes."""
    attempt(run, retention_days=14)
    files = storage(run, base)
    first = marker(files)
    assert (first.key, first.retention_days, first.checkpoint) == (KEY, 14, store_address(run.store))
    attempt(run, retention_days=7)
    second = marker(files)
    assert second.created_at == first.created_at
    assert second.last_used > first.last_used
    assert second.retention_days == 7

    def known(found: DirectoryMarker, key: RunKey) -> CheckpointLookup:
        return CheckpointLookup(True, run.store.load(key.run_id, key.pipeline_name))

    for days, gone in ((6, False), (8, True)):
        rules = PruneRules(datetime.now(UTC) + timedelta(days=days))
        (item,) = Prune(rules, saved=[(base, files)], known=known)()
        assert (item.verdict.delete, item.problem) == (gone, None)
        assert bool(views(tmp_path / "lake")) is not gone
    assert list((tmp_path / "lake").iterdir()) == []


def test_a_run_that_succeeds_leaves_no_marker(run: SparkRun, tmp_path: Path) -> None:
    """Its views are deleted then, and with them all that says whose they were."""
    attempt(run)
    assert views(tmp_path / "lake")
    run.mend("b")
    assert attempt(run) is PipelineResultStatus.SUCCESS
    assert not (tmp_path / "lake" / KEY.path).exists()


def test_what_prune_is_deleting_is_not_counted_on(run: SparkRun, base: str) -> None:
    """The attempt runs the component again instead, and the one after it counts on what that saved."""
    attempt(run)
    files = storage(run, base)
    files.write(f"{KEY.path}/{NOTICE}", files.read(f"{KEY.path}/{MARKER}"))
    run.took_turns()
    attempt(run)
    assert run.took_turns() == ["a", "b"]
    attempt(run)
    assert run.took_turns() == ["b"]
    assert files_for(run.url or "", run.session).read(f"{run.url}/{NOTICE}") is None


def test_a_plain_set_of_completed_components_leaves_the_views_of_others(run: SparkRun, tmp_path: Path) -> None:
    """Whoever names one component as complete does not say that what the others saved may go."""
    attempt(run)
    before = views(tmp_path / "lake")
    assert before
    runner = run.in_new_session().runner(keep_session_state=True)
    assert runner.run(completed_components={"b"}).status is PipelineResultStatus.SUCCESS
    assert set(before) < set(views(tmp_path / "lake"))


def test_a_view_that_is_saved_by_hand_under_no_key_is_kept_by_its_date(
    run: SparkRun, base: str, tmp_path: Path
) -> None:
    """The runner of the public face knows no run: its marker says since when, and not whose."""
    run.attempt()
    files = storage(run, base)
    assert marker(files).key is None
    (item,) = Prune(PruneRules(datetime.now(UTC) + timedelta(days=91)), saved=[(base, files)])()
    assert (item.verdict.delete, item.problem) == (True, None)
    assert views(tmp_path / "lake") == []
