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
from tests.samples.harness.places import Place
from tests.samples.harness.records import KEY, Recorder, state

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
    recorded(quick_place)
    whole = quick_place.documents()
    for name in sorted(documents(quick_place)):
        _put_back(quick_place, whole)
        damaged = DAMAGE[damage](whole[name])
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


def _put_back(place: Place, whole: dict[str, str]) -> None:
    """Let there be these documents and no others."""
    for name in place.documents():
        place.take_away(name)
    for name, text in whole.items():
        place.put(name, text)


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
    copied = own_place.documents()
    following = Recorder(own_place.attempt(), other)
    following.start()
    assert following.taken.recorded is None
    kept = own_place.documents()
    assert [text for name, text in kept.items() if "corrupt" in name]
    assert set(copied.values()) <= set(kept.values()) | fences(copied), "nothing is deleted"
    assert load(own_place.store(), KEY) is not None


def fences(found: dict[str, str]) -> set[str]:
    return {text for name, text in found.items() if "/~fences/" in name}


@pytest.mark.parametrize("damage", ["empty mapping", "list"])
def test_a_look_changes_nothing_whatever_it_finds(own_place: Place, damage: str) -> None:
    """Who looks may meet a running attempt, or be wrong. Damage is set aside by an attempt that takes over."""
    recorded(own_place)
    for name in list(own_place.documents()):
        own_place.put(name, DAMAGE[damage]("{}"))
    before = own_place.documents()
    store = own_place.store()
    assert load(store, KEY) is None
    if hasattr(store, "list"):
        assert list(store.list()) == []
    assert own_place.documents() == before
    following = Recorder(own_place.attempt())
    following.start()
    following.complete("e")
    after = own_place.documents()
    assert [name for name in after if "corrupt" in name]
    assert load(own_place.store(), KEY) == following.whole


def test_damage_that_nobody_has_looked_at_is_set_aside_by_a_save_too(own_place: Place) -> None:
    """The store's plain face, ``save``, takes over as well: what it would replace is not deleted if it is damaged."""
    recorded(own_place)
    name = sorted(documents(own_place))[0]
    own_place.put(name, "[]")
    own_place.store().save(state(fence=2, owner="next"))
    assert [text for found, text in own_place.documents().items() if "corrupt" in found]
    after = load(own_place.store(), KEY)
    assert after is not None
    assert after.owner == "next"


def test_the_record_of_an_earlier_attempt_in_the_place_of_a_newer_one_does_not_count(quick_place: Place) -> None:
    """Restored from a backup, or copied: it would make the components of the newer one forgotten without a word."""
    if not quick_place.serves_many_runs:
        pytest.skip("rows of a record have a name that is used once")
    first = Recorder(quick_place.attempt())
    first.start()
    (whole,) = [text for name, text in quick_place.documents().items() if name.endswith(".checkpoint.json")]
    first.complete("a")
    second = Recorder(quick_place.attempt())
    second.start()
    (name,) = [name for name in quick_place.documents() if name.endswith(".checkpoint.json")]
    quick_place.put(name, whole)
    assert load(quick_place.store(), KEY) is None
    third = Recorder(quick_place.attempt())
    third.start()
    assert third.taken.recorded is None
    assert [text for name, text in quick_place.documents().items() if "corrupt" in name] == [whole]


def test_an_event_in_the_place_of_another_one_does_not_count(quick_place: Place) -> None:
    """Its number is in it."""
    if not quick_place.serves_many_runs:
        pytest.skip("the numbers of rows are checked by the tests of missing documents")
    recorded(quick_place)
    found = quick_place.documents()
    (first,) = [name for name in found if "000001.component" in name]
    (third,) = [name for name in found if "000003.component" in name]
    quick_place.put(third, found[first])
    assert load(quick_place.store(), KEY) is None


@pytest.mark.parametrize("number", [10**8 - 1, 10**8, 10**9 - 1, 10**12 - 1])
def test_a_number_that_no_attempt_has_blocks_no_attempt(own_place: Place, number: int) -> None:
    """Invariant 9: whoever may edit a checkpoint can at worst make components run again."""
    recorded(own_place)
    if own_place.serves_many_runs:
        own_place.put(f"run-1/p/~fences/{number:06}~{number:06}~x.json", "{}")
    else:
        head = json.loads(own_place.documents()["pyspark_pipeline/p"])
        own_place.put("pyspark_pipeline/p", json.dumps({**head, "fence": number, "attempt": number}))
    for component in ("x", "y"):
        following = Recorder(own_place.attempt())
        following.start()
        following.complete(component)
        after = load(own_place.store(), KEY)
        assert after is not None
        assert after.completed_components[-1] == component


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
    Recorder(own_place.attempt()).start()
    assert sum("corrupt" in name for name in own_place.documents()) == len(where)
