"""A place is the one that was meant where the run started, whatever a component does to the working directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.launch.driver_addresses import driver_address
from airflow_provider.operators.airflow_config import resolve_session_state_url
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import LocalCheckpointStore, PipelineConfig, SimplePipelineRunner, load_pipeline_config
from airflow_provider.runner.checkpoint.address import store_address
from airflow_provider.runner.config.absolute_paths import absolute_path, absolute_url, real_path
from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, file_origin
from airflow_provider.stores.location import store_at
from airflow_provider.stores.object_store import ObjectStorageCheckpointStore

PIPELINE = {"name": "p", "components": [{"name": "a", "class_path": "json.dumps"}]}


def config_of(folder: Path) -> str:
    """Return where the relative paths of a pipeline file start."""
    (folder / "p.json").write_text(json.dumps(PIPELINE))
    return str(load_pipeline_config("p.json").base_dir)


MADE: dict[str, Callable[[Path], Callable[[], object]]] = {
    "a store": lambda here: (lambda store: lambda: store.base_dir.parent)(LocalCheckpointStore("checkpoints")),
    "the words for a store": lambda here: (lambda s: lambda: Path(store_address(s)).parent)(LocalCheckpointStore("c")),
    "a store by its address": lambda here: (lambda store: lambda: store.base_dir.parent)(store_at("checkpoints")),
    "a store by file:": lambda here: (lambda store: lambda: store.base_dir.parent)(store_at("file:checkpoints")),
    "a directory as object storage": lambda here: (lambda store: lambda: Path(store_address(store)).parent)(
        ObjectStorageCheckpointStore("file:checkpoints")
    ),
    "a task's working directory": lambda here: (lambda task: lambda: task.started_in)(
        PySparkPipelineOperator(task_id="t", pipeline="p.yaml")
    ),
    "a pipeline file": lambda here: (lambda base: lambda: base)(config_of(here)),
    "a pipeline built in Python": lambda here: (lambda config: lambda: config.base_dir)(
        PipelineConfig.model_validate(PIPELINE)
    ),
    "a copy of a pipeline": lambda here: (lambda config: lambda: config.model_copy(update={"name": "q"}).base_dir)(
        PipelineConfig.model_validate(PIPELINE)
    ),
    "saved views": lambda here: (lambda runner: lambda: Path(runner._session.url).parent)(
        SimplePipelineRunner(PipelineConfig.model_validate(PIPELINE), session_state_url="views")
    ),
    "saved views of an operator": lambda here: (lambda base: lambda: Path(base).parent)(
        str(resolve_session_state_url("views", True, first=True))
    ),
    "the checkpoint of a driver": lambda here: (lambda place: lambda: Path(place).parent)(
        driver_address("checkpoints")
    ),
}


@pytest.mark.parametrize("gone", [False, True], ids=["elsewhere", "to a directory that is removed"])
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_place_stays_where_it_was_when_the_working_directory_changes(
    make: Callable[[Path], Callable[[], object]], gone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    where = make(here)
    os.chdir(elsewhere)
    if gone:
        elsewhere.rmdir()
    assert str(where()) == str(here)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("views", "{here}/views"),
        ("./views/", "{here}/views/"),
        ("../views", "{parent}/views"),
        ("~/views", "{home}/views"),
        ("file:views", "{here}/views"),
        ("file:~/views", "{home}/views"),
        ("/a/b", "/a/b"),
        ("/a/../b/", "/a/../b/"),
        ("file:/a/b", "file:/a/b"),
        ("file:///a/b", "file:///a/b"),
        ("file://localhost/a/b", "file:///a/b"),
        ("s3a://bucket/prefix", "s3a://bucket/prefix"),
        ("hdfs:///user/x", "hdfs:///user/x"),
        ("dbfs:/x", "dbfs:/x"),
        ("hdfs:/x", "hdfs:/x"),
        ("a:b/c", "{here}/a:b/c"),
    ],
)
def test_an_address_is_made_absolute_only_where_it_is_a_local_path(
    written: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute_url(written) == meant.format(here=here, parent=tmp_path, home="/home/me")


@pytest.mark.parametrize("url", ["file://views", "file://views/x"])
def test_an_address_that_takes_a_directory_for_a_host_is_refused_with_the_right_spelling(url: str) -> None:
    with pytest.raises(PipelineConfigError, match=f"'{url}' names a host; write file:///"):
        store_at(url)


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert absolute_path("link/store") == tmp_path / "link" / "store"


def test_a_path_without_a_working_directory_takes_that_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert absolute_path("x") == tmp_path / "x"
    assert real_path("<string>") == str(tmp_path / "<string>")
    assert file_origin("gone_too.py").owner is CodeOwner.OWN
