"""Invariant 9: a bad checkpoint never blocks. What is damaged is set aside, loudly, and never deleted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider.errors import CheckpointFormatError
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.record.run_key import RunKey
from tests.samples.places import Place
from tests.samples.records import KEY, Recorder

DAMAGE: dict[str, Callable[[str], str]] = {
    "torn in the middle": lambda text: text[: len(text) // 2],
    "last byte missing": lambda text: text[:-1],
    "empty": lambda text: "",
    "zeros after a power failure": lambda text: "\0" * len(text),
    "null": lambda text: "null",
    "list": lambda text: "[]",
    "empty mapping": lambda text: "{}",
    "doubled": lambda text: text + text,
    "number": lambda text: "9" * 6000,
    "deep": lambda text: "[" * 100_000,
    "not a number": lambda text: text.replace("1.5", "NaN") if "1.5" in text else "NaN",
}


def recorded(place: Place) -> Recorder:
    attempt = Recorder(place.attempt())
    attempt.start()
    attempt.complete(*"abcd")
    return attempt


def documents(place: Place) -> dict[str, str]:
    """What counts: the documents of the record and the head, not the fences."""
    return {name: text for name, text in place.documents().items() if "/~fences/" not in name}


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_is_damaged_costs_a_fresh_start_at_most(quick_place: Place, damage: str) -> None:
    """Each document in turn: all that was recorded is left aside, or the newest event alone, and the next one begins.

    Airflow itself keeps nothing but JSON, so rows are damaged in that way only.
    """
    for index in range(len(documents(_fresh(quick_place)))):
        name = sorted(documents(_fresh(quick_place)))[index]
        damaged = DAMAGE[damage](quick_place.documents()[name])
        if not quick_place.serves_many_runs and not _is_json(damaged):
            continue
        quick_place.put(name, damaged)
        found = load(quick_place.store(), KEY)
        assert found is None or found.completed_components in (["a", "b", "c"], list("abcd"))
        following = Recorder(quick_place.attempt())
        following.start()
        following.complete("e")
        after = load(quick_place.store(), KEY)
        assert after is not None
        assert after.completed_components[-1] == "e"


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _fresh(place: Place) -> Place:
    """The same place, emptied."""
    for name in list(place.documents()):
        place.take_away(name)
    attempt = Recorder(place.attempt())
    attempt.start()
    attempt.complete(*"abcd")
    return place


@pytest.mark.parametrize("index", range(6))
def test_a_document_that_is_missing_never_makes_an_older_state_count_as_the_whole(own_place: Place, index: int) -> None:
    """Without one of the events what came after it cannot be trusted; without the newest the others still count."""
    recorded(own_place)
    names = sorted(documents(own_place))
    if index >= len(names):
        return
    own_place.take_away(names[index])
    found = load(own_place.store(), KEY)
    assert found is None or found.completed_components == ["a", "b", "c"]


def test_a_checkpoint_of_a_newer_format_is_an_error_and_nothing_is_touched(own_place: Place) -> None:
    """Upgrading the package makes it readable again. An attempt that cannot read it does not take it over either."""
    recorded(own_place)
    for name, text in own_place.documents().items():
        own_place.put(name, text.replace('"format_version": 2', '"format_version": 99'))
    before = own_place.documents()
    with pytest.raises(CheckpointFormatError, match="99"):
        load(own_place.store(), KEY)
    with pytest.raises(CheckpointFormatError, match="99"):
        Recorder(own_place.attempt()).take_over()
    assert own_place.documents() == before


def test_the_record_of_another_run_is_set_aside(own_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Copied by hand, or met on a disk that does not tell upper from lower case: its identity is in it."""
    recorded(own_place)
    other = RunKey(KEY.scope, KEY.run_id, "q")
    for name, text in own_place.documents().items():
        own_place.put(name.replace("/p/", "/q/").removesuffix("/p") + ("/q" if name.endswith("/p") else ""), text)
    with caplog.at_level(logging.WARNING):
        assert load(own_place.store(), other) is None
    assert "record of pipeline 'p'" in caplog.text
    assert load(own_place.store(), KEY) is not None


def test_format_1_is_set_aside_with_a_message_that_says_so(own_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """It kept everything in one document."""
    old: dict[str, Any] = {
        "format_version": 1,
        "run_id": KEY.run_id,
        "pipeline_name": KEY.pipeline_name,
        "pipeline_fingerprint": "f",
        "completed_components": ["a"],
    }
    where = ["run-1/p.json", "run-1/p/0000000001~000001~me~00000001.json"]
    if not own_place.serves_many_runs:
        where = ["pyspark_pipeline/p"]
    for name in where:
        own_place.put(name, json.dumps(old))
    with caplog.at_level(logging.WARNING):
        assert load(own_place.store(), KEY) is None
    assert "format 1" in caplog.text
    assert sum("corrupt" in name for name in own_place.documents()) == len(where)
