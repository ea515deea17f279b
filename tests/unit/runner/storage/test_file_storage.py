"""What every storage does alike: the contract that checkpoints, saved views and housekeeping stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import (
    FileStorage,
    StorageEntry,
    StoredFile,
    directory_names,
    file_names,
)
from tests.samples.harness.saved_directories import STORAGES, storage


@pytest.fixture(params=list(STORAGES))
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStorage:
    return storage(request, tmp_path)[1]


def test_a_listing_shows_what_was_written_and_not_what_was_deleted(files: FileStorage) -> None:
    """Guarantee 3: from the moment at which the call returns."""
    assert files.list("a") == []
    files.write("a/one.json", b"1")
    files.write("a/b/two.json", b"22")
    assert files.list("a") == [StorageEntry("b", "directory"), StorageEntry("one.json", "file", 1)]
    assert (file_names(files, "a"), directory_names(files, "a"), directory_names(files, "")) == (
        ["one.json"],
        ["b"],
        ["a"],
    )
    files.delete(["a/one.json"])
    assert file_names(files, "a") == []
    assert files.list("a/b/two.json") == [], "a file is no directory"


def test_a_write_replaces_the_whole_file(files: FileStorage) -> None:
    """Guarantee 1: nothing of the earlier content is left."""
    files.write("a/x", b"a long content")
    files.write("a/x", b"new")
    assert files.read("a/x") == b"new"
    assert files.list("a") == [StorageEntry("x", "file", 3)], "and no temporary file"


def test_a_file_that_is_missing_is_pythons_error(files: FileStorage) -> None:
    files.write("a/x", b"1")
    with pytest.raises(FileNotFoundError):
        files.read("a/y")
    with pytest.raises(FileNotFoundError):
        files.move("a/y", "a/z")
    files.delete(["a/y", "b/c"])
    files.delete_tree("b")
    files.delete_empty(["b"])
    assert file_names(files, "a") == ["x"]


def test_a_move_gives_a_file_another_name(files: FileStorage) -> None:
    files.write("a/x", b"1")
    files.move("a/x", "a/y")
    assert (files.list("a"), files.read("a/y")) == ([StorageEntry("y", "file", 1)], b"1")


def test_a_walk_finds_every_file_below_a_directory_that_is_not_hidden(files: FileStorage) -> None:
    """Paths are relative to the base, wherever the walk begins."""
    for path in ("a/x", "a/b/.y", "a/.hidden/z", "c/w"):
        files.write(path, b"12")
    assert sorted(files.walk("a")) == [StoredFile("a/b/.y", 2), StoredFile("a/x", 2)]
    assert sorted(file.path for file in files.walk()) == ["a/b/.y", "a/x", "c/w"]
    assert list(files.walk("nowhere")) == []


def test_what_exists_is_a_file_or_a_directory(files: FileStorage) -> None:
    files.write("a/b/x", b"1")
    assert [files.exists(path) for path in ("a", "a/b", "a/b/x", "a/b/y", "x")] == [True, True, True, False, False]


def test_directories_go_with_their_last_file_up_to_the_base(files: FileStorage) -> None:
    """And never one in which there is something else."""
    files.write("a/b/c/x", b"1")
    files.write("a/y", b"1")
    files.delete(["a/b/c/x"])
    assert files.list("a") == [StorageEntry("y", "file", 1)]
    files.write("a/b/x", b"1")
    files.delete_empty(["a/b", "a"])
    assert files.exists("a/b/x")
    files.delete_tree("a")
    assert files.list("") == []


def test_a_link_is_listed_as_what_it_leads_to_and_says_that_it_is_one(tmp_path: Path) -> None:
    """So that a checkpoint may lie behind a link, and housekeeping never follows one."""
    (tmp_path / "base" / "real").mkdir(parents=True)
    (tmp_path / "base" / "link").symlink_to(tmp_path / "base" / "real")
    (tmp_path / "base" / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "base" / "circle").symlink_to(tmp_path / "base" / "circle")
    assert DirectoryStorage(tmp_path / "base").list("") == [
        StorageEntry("circle", "file", is_link=True),
        StorageEntry("gone", "other", is_link=True),
        StorageEntry("link", "directory", is_link=True),
        StorageEntry("real", "directory"),
    ]
