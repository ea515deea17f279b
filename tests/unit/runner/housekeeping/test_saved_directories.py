"""Directories of saved views: what may be deleted, and what a prune and an attempt do to each other."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_provider.runner.housekeeping.directories import delete_directory, find_directories
from airflow_provider.runner.housekeeping.prune import Prune, PruneItem, PruneRules
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.session_state.saved.directory_marker import MARKER, NOTICE, DirectoryMarker, delete_run
from airflow_provider.runner.session_state.saved.files import files_for
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import FileStorage, temporary_name
from tests.samples.harness.saved_directories import KEY, LONG_AGO, NOW, RECENTLY, STORAGES, claim, leave_views, storage
from tests.samples.harness.watched import AtStep, Killed, Watched, kill

Place = tuple[str, FileStorage]


@pytest.fixture(params=STORAGES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Empty storage of each kind: its address, and access to it."""
    return storage(request, tmp_path)


def prune(place: Place, *, dry_run: bool = False, rules: PruneRules | None = None) -> list[PruneItem]:
    return list(Prune(rules or PruneRules(NOW), saved=[place], dry_run=dry_run)())


def paths(files: FileStorage) -> list[str]:
    return sorted(path for path, _ in files.walk() if not path.endswith(".crc"))


def test_what_has_expired_goes_with_all_that_a_dead_attempt_left(place: Place) -> None:
    """On each kind of storage; the dry run says the same, with the size, and deletes nothing."""
    written = leave_views(place[1])
    leave_views(place[1], RunKey((), "new", "p"), path="new/p", at=RECENTLY)
    new = [path for path in paths(place[1]) if path.startswith("new/")]

    for dry_run in (True, False):
        items = {item.place: item for item in prune(place, dry_run=dry_run)}
        old = items[f"{place[0]}/{KEY.path}"]
        assert old.verdict.delete
        assert old.problem is None
        assert 6 < old.bytes < 2000
        assert not items[f"{place[0]}/new/p"].verdict.delete
        assert paths(place[1]) == (sorted([*written, *new]) if dry_run else new)
    assert [entry.name for entry in place[1].list("")] == ["new"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{KEY.path}/notes.txt", "no attempt wrote"),
        (f"{KEY.path}/attempt-0123456789ab/notes.txt", "no attempt wrote"),
        (f"{KEY.path}/attempt-0123456789ab/0001-01234567/notes.txt", "no attempt wrote"),
        (f"{KEY.path}/other/attempt-0123456789ab/0001-01234567/0/part", "no attempt wrote"),
    ],
)
def test_a_directory_with_something_foreign_in_it_is_left_alone(place: Place, name: str, why: str) -> None:
    """Whatever lies where no attempt writes keeps the whole directory."""
    leave_views(place[1])
    place[1].write(name, b"x")
    before = paths(place[1])
    (item,) = prune(place)
    assert not item.verdict.delete
    assert why in item.verdict.reason
    assert paths(place[1]) == before


@pytest.mark.parametrize("text", [None, b"", b"{}", b"[" * 90_000, b'{"format_version": 2}', b"\xff", b"9" * 200_000])
def test_a_directory_without_a_marker_that_can_be_read_is_left_alone(place: Place, text: bytes | None) -> None:
    """Neither a missing nor a broken nor a newer one is a licence to delete."""
    leave_views(place[1], marker=False)
    if text is not None:
        place[1].write(f"{KEY.path}/{MARKER}", text)
    before = paths(place[1])
    (item,) = prune(place)
    assert item.verdict.reason == "left alone: no marker says which run it belongs to"
    assert paths(place[1]) == before


def test_a_marker_that_lies_can_at_worst_get_its_own_directory_deleted(place: Place) -> None:
    """One that names another run is left alone, and so is that run's directory."""
    victim = RunKey(("dag", "task", "-1"), "victim", "p")
    leave_views(place[1], victim, path=victim.path, at=RECENTLY)
    leave_views(place[1], victim, path="liar/p", at=LONG_AGO)
    before = paths(place[1])
    items = prune(place)
    assert [item.verdict.delete for item in items] == [False, False]
    assert [item for item in items if "which belongs elsewhere" in item.verdict.reason]
    assert paths(place[1]) == before


def test_what_a_session_of_spark_connect_wrote_as_a_directory_is_a_marker_too(place: Place) -> None:
    """Spark writes directories, so there the marker is one with a part in it."""
    leave_views(place[1])
    text = place[1].read(f"{KEY.path}/{MARKER}")
    place[1].delete([f"{KEY.path}/{MARKER}"])
    place[1].write(f"{KEY.path}/{MARKER}/part-00000.txt", text + b"\n")
    place[1].write(f"{KEY.path}/{MARKER}/_SUCCESS", b"")
    (item,) = prune(place)
    assert (item.verdict.delete, item.problem) == (True, None)
    assert paths(place[1]) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither to a run's directory from elsewhere, nor from inside of one to what is not ours."""
    base, outside = tmp_path / "views", tmp_path / "outside"
    elsewhere = DirectoryStorage(outside)
    leave_views(elsewhere)
    before = paths(elsewhere)
    base.mkdir()
    (base / "dag").symlink_to(outside / "dag")
    place = (str(base), DirectoryStorage(base))
    assert prune(place) == []

    (base / "dag").unlink()
    leave_views(place[1])
    (view,) = (base / KEY.path).glob("attempt-*/0001-*/0")
    (view / "part-1.parquet").symlink_to(outside)
    (item,) = prune(place)
    assert "no attempt wrote" in item.verdict.reason
    assert paths(elsewhere) == before


def test_a_kill_at_any_step_of_a_prune_leaves_what_the_next_one_finishes(tmp_path: Path) -> None:
    """Marker or notice stay to the end, so nothing is orphaned."""
    number = 0
    while True:
        base = tmp_path / str(number)
        files = DirectoryStorage(base)
        leave_views(files)
        at = AtStep(number, kill)
        (found,) = find_directories(files)
        with suppress(Killed):
            delete_directory(Watched(files, at), found)
        if not at.happened:
            break
        assert all(item.problem is None for item in prune((str(base), files)))
        assert paths(files) == [], number
        number += 1
    assert number > 8


def test_an_attempt_that_begins_at_any_step_of_a_prune_loses_nothing_that_it_counts_on(tmp_path: Path) -> None:
    """The prune gives up, or the attempt knows that nothing saved before counts, or nothing is left to count on."""
    outcomes = set()
    number = 0
    while True:
        base = tmp_path / str(number)
        files = DirectoryStorage(base)
        written = leave_views(files)
        mine = f"{KEY.path}/attempt-ffffffffffff/0001-ffffffff/0/part-0.parquet"
        views = {path for path in written if not path.endswith(MARKER)}
        begun = []

        def begin(
            base: Path = base,
            files: DirectoryStorage = files,
            views: set[str] = views,
            begun: list[tuple[bool, bool]] = begun,
            mine: str = mine,
        ) -> None:
            pruned = claim(str(base)).pruned
            begun.append((pruned, bool(views & set(paths(files)))))
            files.write(mine, b"mine")

        (found,) = find_directories(files)
        at = AtStep(number, begin)
        refused = delete_directory(Watched(files, at), found)
        if not at.happened:
            break
        ((pruned, something_left),) = begun
        assert refused is not None or pruned or not something_left, number
        if refused is not None:
            assert views < set(paths(files))
        assert files.read(mine) == b"mine"
        outcomes.add((refused is not None, pruned))
        number += 1
    assert outcomes >= {(True, False), (False, True)}


def test_an_attempt_finds_the_notice_once(tmp_path: Path) -> None:
    """The attempt after it counts on what this one saves."""
    base = str(tmp_path)
    files = DirectoryStorage(tmp_path)
    leave_views(files)
    files.write(f"{KEY.path}/{NOTICE}", b"{}")
    assert claim(base).pruned
    assert not claim(base).pruned


def test_the_marker_says_whose_and_since_when(tmp_path: Path) -> None:
    """A later attempt changes when it was last used, and nothing else."""
    claim(str(tmp_path), at=LONG_AGO)
    claim(str(tmp_path), at=RECENTLY)
    marker = DirectoryMarker.parse((tmp_path / KEY.path / MARKER).read_bytes())
    assert marker is not None
    assert (marker.key, marker.created_at, marker.last_used) == (KEY, LONG_AGO, RECENTLY)


def test_a_place_that_cannot_be_written_is_said_and_the_attempt_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing depends on the marker but `prune`."""
    (tmp_path / "dag").write_text("a file")
    assert not claim(str(tmp_path)).pruned
    assert "`prune` will leave them alone" in caplog.text


def test_a_run_that_is_complete_leaves_nothing_but_what_is_not_its_own(tmp_path: Path) -> None:
    """Marker and directory go with the last view, and what a kill left of writing the marker; a foreign file stays."""
    url = KEY.directory(str(tmp_path))
    files = DirectoryStorage(tmp_path)
    for foreign in (False, True):
        leave_views(files)
        files.write(f"{KEY.path}/{temporary_name(MARKER)}", b"{")
        if foreign:
            files.write(f"{KEY.path}/notes.txt", b"x")
        delete_run(files_for(url, None), url)
        assert os.path.exists(url) is foreign
    assert paths(files) == [f"{KEY.path}/notes.txt"]


def test_what_cannot_be_deleted_is_said_and_stays_known(place: Place) -> None:
    """A storage that refuses; the next prune finds the directory again."""
    leave_views(place[1])

    def refuse(step: str, *arguments: object) -> None:
        if step == "delete":
            raise PermissionError(13, "not yours")

    (item,) = prune((place[0], Watched(place[1], refuse)))
    assert item.problem == "PermissionError: [Errno 13] not yours"
    (item,) = prune(place)
    assert (item.verdict.delete, item.problem) == (True, None)
    assert paths(place[1]) == []
