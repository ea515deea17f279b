"""A file in a zip archive is read like any other: the path goes on behind the archive's."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import load_pipeline_config
from airflow_provider.runner.config.zipped_files import file_exists, read_file_bytes

PIPELINE = {
    "name": "p",
    "components": [{"name": "a", "class_path": "tests.samples.components.basic.NoConfig"}],
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "dags.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("p.json", json.dumps(PIPELINE))
        made.writestr("sql/x.sql", "SELECT 1")
    (tmp_path / "beside.sql").write_text("SELECT 2")
    (tmp_path / "no.zip").write_text("no archive")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dags.zip/sql/x.sql", b"SELECT 1"),
        ("dags.zip/sql/../sql/x.sql", b"SELECT 1"),
        ("dags.zip/../beside.sql", b"SELECT 2"),
        ("beside.sql", b"SELECT 2"),
    ],
)
def test_what_is_there_is_read(name: str, content: bytes, archive: Path) -> None:
    assert file_exists(archive.parent / name)
    assert read_file_bytes(archive.parent / name) == content


@pytest.mark.parametrize("name", ["dags.zip/sql/y.sql", "dags.zip/sql", "dags.zip/../y.sql", "y.sql", "no.zip/x.sql"])
def test_what_is_not_there_is_an_error_of_the_system(name: str, archive: Path) -> None:
    assert not file_exists(archive.parent / name)
    with pytest.raises(OSError, match=r"sql|zip"):
        read_file_bytes(archive.parent / name)


def test_a_pipeline_in_an_archive_knows_its_folder(archive: Path) -> None:
    assert load_pipeline_config(archive / "p.json").base_dir == archive
    with pytest.raises(PipelineConfigError, match="the file does not exist"):
        load_pipeline_config(archive / "q.json")
