"""A look at sources without Spark: listings, bounds, and what has changed."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from airflow_provider.errors import SourceNotListedError
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.compare import source_change
from airflow_provider.runner.session_state.sources.listing import Budget, SourceFile, local_files, summarize
from airflow_provider.runner.session_state.sources.look import (
    as_not_listed,
    driver_files,
    places_name,
    refresh_source,
    with_listing,
)


def write(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("x")


def listed(directory: Path, *globs: str, only: str | None = None) -> list[str]:
    roots = [] if globs else [str(directory)]
    found = local_files(roots, [f"{directory}/{glob}" for glob in globs], only, Budget())
    return sorted(str(Path(file.path).relative_to(directory)) for file in found)


def test_a_directory_is_listed_as_spark_does(tmp_path: Path) -> None:
    """Hidden files and directories are left out, at any depth; partitions and summaries are not."""
    seen = ["_metadata", "_x=1/e.csv", "a.csv", "deep/er/b.csv", "day=1/c.csv"]
    write(tmp_path, *seen, "_SUCCESS", ".a.csv.crc", "_temporary/0/d.csv", "deep/.hidden/e.csv", "f.csv._COPYING_")
    assert listed(tmp_path) == sorted(seen)


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("{a,c}*", ["a.csv", "c.txt"]),
        ("day=*", ["day=1/d.csv", "day=2/e.csv"]),
        ("*/d.csv", ["day=1/d.csv"]),
        (r"\[x\].csv", []),
        ("none/*", []),
        ("a.csv/*", []),
    ],
)
def test_a_pattern_finds_what_is_there_now(tmp_path: Path, glob: str, expected: list[str]) -> None:
    """Patterns are looked up anew each time; what is hidden is found by its own first character only."""
    write(tmp_path, "a.csv", "b.csv", "c.txt", "_d.csv", "day=1/d.csv", "day=2/e.csv")
    assert listed(tmp_path, glob) == expected


def test_only_some_names(tmp_path: Path) -> None:
    """With ``only`` the names of the files have to match."""
    write(tmp_path, "a.csv", "b.txt", "deep/c.csv")
    assert listed(tmp_path, only="*.csv") == ["a.csv", "deep/c.csv"]


def test_looking_stops_at_so_many_files(tmp_path: Path) -> None:
    """One file more than allowed, and the source counts as not looked at."""
    write(tmp_path, *(f"{index}.csv" for index in range(5)))
    record = SourceRecord(kind="files", name="d", roots=[str(tmp_path)])
    assert refresh_source(record, budget=Budget(files=5)).files == 5
    seen = refresh_source(record, budget=Budget(files=4))
    assert (seen.state, seen.why, seen.digest) == ("not listed", "more than 4 files", "")


def test_looking_stops_after_so_long(tmp_path: Path) -> None:
    """A listing that takes too long is given up."""
    write(tmp_path, *(f"{index}/x.csv" for index in range(5)))
    ticks = itertools.count()
    with pytest.raises(SourceNotListedError, match="listing takes longer than 2 s"):
        local_files([str(tmp_path)], [], None, Budget(clock=lambda: next(ticks)))


def test_a_loop_of_links_comes_to_an_end(tmp_path: Path) -> None:
    """A link to the directory around it is followed only as far as the system follows it."""
    write(tmp_path, "a.csv")
    (tmp_path / "again").symlink_to(tmp_path)
    assert refresh_source(SourceRecord(kind="files", name="d", roots=[str(tmp_path)])).state in (
        "seen",
        "not listed",
    )


def test_what_cannot_be_told_stays_so() -> None:
    """There is nothing to compare it with, so nobody looks."""
    record = SourceRecord(kind="other", name="jdbc", state="unknown", why="it does not tell")
    assert refresh_source(record) is record


def test_what_is_elsewhere_needs_spark() -> None:
    """Without a session other storage is not looked at, and the record says why."""
    record = SourceRecord(kind="files", name="s3a://b/in", roots=["s3a://b/in"], digest="x")
    assert refresh_source(record).why == "looking there needs Spark"
    assert source_change(record, refresh_source(record)) is None


def test_files_of_the_driver_are_one_source_for_each_directory(tmp_path: Path) -> None:
    """Files that Python code read are recorded like others; of many in one directory the directory counts."""
    few, many = tmp_path / "few", tmp_path / "many"
    write(few, "a.txt", "b.txt", "c.txt")
    write(many, *(f"{index}.txt" for index in range(30)))
    found = driver_files([few / "a.txt", f"{few}/b.txt", *many.iterdir()])  # type: ignore[list-item]
    assert [source.roots for source in found] == [[f"{few}/a.txt", f"{few}/b.txt"], [str(many)]]
    (few / "c.txt").unlink()
    assert source_change(found[0], refresh_source(found[0])) is None
    (few / "a.txt").write_text("other")
    assert source_change(found[0], refresh_source(found[0])) == "1 file changed"


def source(names: dict[str, int]) -> SourceRecord:
    record = SourceRecord(kind="files", name="d", roots=["/d"])
    return with_listing(record, [SourceFile(f"/d/{name}", size, 1) for name, size in names.items()])


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({}, {}, None),
        ({}, {"a": 1}, "1 file more"),
        ({"a": 1}, {"a": 2}, "1 file changed"),
        ({"a": 1, "b": 1, "c": 1}, {"b": 2, "c": 1, "d": 1, "e": 1}, "2 files more, 1 gone, 1 changed"),
        ({"a": 1, "b": 1}, {"b": 1}, "1 file gone"),
        ({"a": 1, "b": 1}, {}, "gone, 2 files"),
        ({str(n): 1 for n in range(201)}, {str(n): 1 for n in range(1201)}, "1,000 files more"),
        ({str(n): 1 for n in range(201)}, {str(n): 1 for n in range(200)}, "1 file gone"),
        ({str(n): 1 for n in range(201)}, {str(n): 2 for n in range(201)}, "files changed"),
        ({str(n): 1 for n in range(199)}, {str(n): 1 for n in range(202)}, "3 files more"),
    ],
    ids=itertools.count(),
)
def test_a_difference_in_words(before: dict[str, int], now: dict[str, int], expected: str | None) -> None:
    """How many files were added, removed and changed; with many files, how many more or fewer there are."""
    assert source_change(source(before), source(now)) == expected


def test_a_source_that_has_grown_beyond_the_bound_has_changed() -> None:
    """It was seen, and now has too many files: that is a change. That it is slow today is none."""
    before = source({"a": 1})
    assert source_change(before, as_not_listed(before, "why", 10_000)) == "more than 10,000 files now"
    assert source_change(before, as_not_listed(before, "listing takes longer than 2 s")) is None
    assert source_change(as_not_listed(before, "why", 10_000), before) is None


def test_a_version_of_a_table_is_compared_as_it_is() -> None:
    """A format that has versions says by itself whether something has changed."""
    before = SourceRecord(kind="table", name="t", version="3")
    assert source_change(before, before) is None
    assert source_change(before, before.model_copy(update={"version": "4"})) == "version 3 has become 4"


def test_the_record_of_a_source_is_small() -> None:
    """At most 2 kB, however many files it has."""
    for number in (1, 200, 201, 10_000):
        record = source({f"part-{index:05d}-{'x' * 60}.snappy.parquet": index for index in range(number)})
        assert record.files == number
        assert len(record.model_dump_json(exclude_defaults=True)) <= 2_000


def test_the_order_of_files_makes_no_difference() -> None:
    """The digest is of what is there, not of the order in which it was found, and of size and time as well."""
    files = [SourceFile("/d/b", 1, 1), SourceFile("/d/a", 2, 2)]
    assert summarize(files) == summarize([*reversed(files), files[0]])
    assert summarize(files) != summarize([files[0], files[1]._replace(modified=3)])
    assert summarize(files) != summarize([files[0], files[1]._replace(size=3)])


def test_the_time_of_a_file_is_that_of_hadoop(tmp_path: Path) -> None:
    """Times are in whole milliseconds, rounded down."""
    write(tmp_path, "a")
    os.utime(tmp_path / "a", ns=(0, 1_234_567_899_999))
    assert local_files([str(tmp_path)], [], None, Budget())[0].modified == 1_234_567


def test_a_name_for_people() -> None:
    """One path is named, several are counted."""
    assert places_name(["/a"]) == "/a"
    assert places_name(["/a", "/b", "/c"]) == "/a and 2 more"
