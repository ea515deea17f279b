"""How the commands that delete open a storage, and what they print."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.commands.cleanup import open_storage, print_prune_report
from airflow_provider.errors import SparkConfigError
from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.housekeeping.prune import Prune, PruneItem, PruneRules, PruneVerdict
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.hadoop_storage import HadoopStorage
from airflow_provider.stores.bucket_storage import BucketStorage, files_at
from airflow_provider.stores.object_store import DriverCheckpointStore, ObjectStorageCheckpointStore
from tests.samples.harness.saved_directories import NOW, leave_views
from tests.samples.harness.stores import PlainStore
from tests.samples.services.s3 import new_prefix


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
def test_a_directory_is_opened_directly_even_with_spark_properties(tmp_path: Path, form: str) -> None:
    """Only there are symbolic links visible."""
    (tmp_path / "x").write_text("x")
    for conf in (None, {"spark.x": "y"}):
        files = open_storage(form.format(tmp_path), conf, files_at)
        assert isinstance(files, DirectoryStorage)
        assert [entry.name for entry in files.list("")] == ["x"]


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_a_bucket_is_opened_through_airflows_connection(scheme: str) -> None:
    """Also by the name that Spark has for it, and pruned there."""
    url = new_prefix().replace("s3://", f"{scheme}://")
    files = open_storage(url, None, files_at)
    assert isinstance(files, BucketStorage)
    leave_views(files)
    (item,) = Prune(PruneRules(NOW), saved=[(url, files)])()
    assert (item.verdict.delete, item.problem) == (True, None)
    assert list(files.walk()) == []


@pytest.mark.parametrize("url", ["hdfs://namenode/views", "viewfs://lake/views"])
def test_an_address_that_only_spark_can_open_is_refused_with_the_option(url: str) -> None:
    """The remedy is in the message."""
    with pytest.raises(SparkConfigError, match="add --spark"):
        open_storage(url, None, files_at)


def test_through_spark_any_file_system_of_hadoop_is_opened(spark: Any, tmp_path: Path) -> None:
    """With the settings of that Spark."""
    lake = f"lake-{uuid.uuid4().hex}"
    (tmp_path / "x").write_text("x")
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set(f"fs.viewfs.mounttable.{lake}.link./shared", f"file://{tmp_path}")
    files = open_storage(f"viewfs://{lake}/shared", {}, None)
    assert isinstance(files, HadoopStorage)
    assert [entry.name for entry in files.list("")] == ["x"]


def test_what_could_not_be_deleted_makes_the_command_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says why, and the last line how much is gone."""
    items = [
        PruneItem("saved views", "/views/a", 1000, PruneVerdict(True, "expired")),
        PruneItem("saved views", "/views/b", 10, PruneVerdict(True, "expired"), "PermissionError: not yours"),
        PruneItem("checkpoint", "c", 1, PruneVerdict(False, "kept for ever")),
    ]
    assert not print_prune_report(items, dry_run=False)
    out = capsys.readouterr().out
    assert "could not be deleted   /views/b   PermissionError: not yours" in out
    assert out.splitlines()[-1] == "1 of 3 deleted, 1,000 bytes; 1 could not be deleted"
    assert print_prune_report(items[:1], dry_run=True)
    assert "1 of 1 would be deleted, 1,000 bytes" in capsys.readouterr().out


def test_worker_driver_and_command_give_one_place_one_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They write and read the same in a marker, and no connection or secret is in it."""
    monkeypatch.chdir(tmp_path)
    worker = ObjectStorageCheckpointStore("s3://my_aws@bucket/c")
    driver = DriverCheckpointStore("s3a://bucket/c/", DirectoryStorage(tmp_path))
    assert store_address(worker) == store_address(driver) == "s3://bucket/c"
    shared = ObjectStorageCheckpointStore(f"file://{tmp_path}/c")
    assert store_address(LocalCheckpointStore("c")) == store_address(shared) == f"{tmp_path}/c"
    # Containers of one account are no one place.
    azure = [ObjectStorageCheckpointStore(f"abfss://{name}@account/c") for name in ("one", "two")]
    assert len({store_address(store) for store in azure}) == 2
    assert store_address(PlainStore()) == "tests.samples.harness.stores.PlainStore"


def test_a_prune_of_everything_leaves_what_may_be_running(tmp_path: Path) -> None:
    """Whatever age was asked for."""
    files = DirectoryStorage(tmp_path)
    leave_views(files, at=NOW - timedelta(hours=1))
    (item,) = Prune(PruneRules(NOW, older_than=timedelta(0)), saved=[(str(tmp_path), files)])()
    assert not item.verdict.delete
