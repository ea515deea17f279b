"""Taking a checkpoint over, recording piece by piece, and being killed at any step of it, in every store."""

from __future__ import annotations

import contextlib
import itertools
import json

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner.checkpoint.store import load
from airflow_provider.runner.record.run_key import RunKey
from tests.samples.harness.places import Place
from tests.samples.harness.records import KEY, Recorder, completed, saved_views
from tests.samples.harness.watched import AtStep, Killed, kill


def stored(place: Place) -> list[str]:
    """The components that somebody who looks finds completed."""
    found = load(place.store(), KEY)
    return found.completed_components if found is not None else []


def test_pieces_come_to_the_same_as_the_whole(place: Place) -> None:
    """What is loaded is what the attempt has recorded, field by field."""
    attempt = Recorder(place.attempt())
    attempt.start()
    for number in range(40):
        attempt.complete(f"c{number}")
    assert load(place.store(), KEY) == attempt.whole


def test_a_takeover_keeps_everything_and_only_the_beginning_drops(place: Place) -> None:
    """Invariant 5: the new attempt plans from what the takeover read; until it begins the record is as it was."""
    old = Recorder(place.attempt())
    old.start()
    old.complete("a", "b", "c")
    new = Recorder(place.attempt())
    new.take_over()
    assert new.taken.recorded is not None
    assert new.taken.recorded.completed_components == ["a", "b", "c"]
    assert stored(place) == ["a", "b", "c"]
    new.begin(drop=["b"])
    assert stored(place) == ["a", "c"]


def test_what_the_old_attempt_records_at_any_point_of_the_new_ones_start_is_not_forgotten(own_place: Place) -> None:
    """Invariant 5, at every step of takeover and beginning: what was acknowledged is in what the new attempt read, and
    what is refused is refused for good.
    """
    points = 0
    for number in itertools.count():
        key = RunKey((), "run-1", f"p{number}")
        old = Recorder(own_place.attempt(), key)
        old.start()
        old.complete("a")
        refused: list[str] = []

        def act(old: Recorder = old, refused: list[str] = refused) -> None:
            try:
                old.complete("late")
            except StaleAttemptError:
                refused.append("late")

        step = AtStep(number, act)
        new = Recorder(own_place.attempt(step), key)
        new.take_over()
        read = new.taken.recorded
        before_begin = set(old.acknowledged)
        new.begin()
        assert read is not None
        assert before_begin <= set(read.completed_components), f"before step {step.step}"
        with pytest.raises(StaleAttemptError):
            old.complete("later still")
        found = load(own_place.store(), key)
        assert found is not None
        assert set(old.acknowledged) <= set(found.completed_components), f"before step {step.step}"
        assert "later still" not in found.completed_components
        if not step.happened:
            break
        points += 1
    assert points >= 4


def test_a_kill_at_any_step_leaves_the_old_or_the_new_record(own_place: Place) -> None:
    """Invariant 1: whatever step of takeover, beginning and recording is the last one, nothing acknowledged is lost."""
    for number in itertools.count():
        key = RunKey((), "run-1", f"p{number}")
        old = Recorder(own_place.attempt(), key)
        old.start()
        old.complete("a", "b")
        step = AtStep(number, kill)
        new = Recorder(own_place.attempt(step), key)
        dropped: set[str] = set()
        try:
            new.take_over()
            dropped = {"b"}
            new.begin(drop=["b"])
            new.complete("c", "d")
        except Killed:
            pass
        found = load(own_place.store(), key)
        assert found is not None
        names = found.completed_components
        assert {"a", *new.acknowledged} <= set(names), f"killed before {step.step}"
        assert "b" in names or dropped, f"killed before {step.step}"
        assert names in (["a", "b"], ["a"], ["a", "c"], ["a", "c", "d"])
        third = Recorder(own_place.attempt(), key)
        third.start()
        third.complete("e")
        again = load(own_place.store(), key)
        assert again is not None
        assert again.completed_components == [*names, "e"]
        if not step.happened:
            break
    assert not [name for name in own_place.documents() if "corrupt" in name]


def test_a_kill_in_the_middle_of_a_delete_leaves_a_record_as_it_once_was(own_place: Place) -> None:
    """A part of a checkpoint never counts as something else than what had been recorded at some time."""
    for number in itertools.count():
        key = RunKey((), "run-1", f"p{number}")
        attempt = Recorder(own_place.attempt(), key)
        attempt.start()
        attempt.complete("a", "b")
        step = AtStep(number, kill)
        with contextlib.suppress(Killed):
            own_place.attempt(step).delete(key.run_id, key.pipeline_name, scope=key.scope)
        found = load(own_place.store(), key)
        assert found is None or found.completed_components in (["a", "b"], ["a"], [])
        if not own_place.serves_many_runs:
            assert found is None or found.completed_components == ["a", "b"]
        assert not [name for name in own_place.documents() if "corrupt" in name]
        Recorder(own_place.attempt(), key).start()
        if not step.happened:
            assert found is None
            break


def test_two_attempts_that_start_at_once_one_goes_on(own_place: Place) -> None:
    """Invariant 5: wherever the second one breaks in, exactly one of them can record in the end."""
    for number in itertools.count():
        key = RunKey((), "run-1", f"p{number}")
        second = Recorder(own_place.attempt(), key)
        refused: list[str] = []

        def act(second: Recorder = second, refused: list[str] = refused) -> None:
            try:
                second.start()
            except StaleAttemptError:
                refused.append("second")

        step = AtStep(number, act)
        first = Recorder(own_place.attempt(step), key)
        try:
            first.start()
        except StaleAttemptError:
            refused.append("first")
        if not step.happened:
            break
        for name, attempt in (("first", first), ("second", second)):
            if name not in refused:
                try:
                    attempt.complete(name)
                except StaleAttemptError:
                    refused.append(name)
        assert len(refused) == 1, f"broke in before {step.step}: refused {refused}"
        (winner,) = {"first", "second"} - set(refused)
        found = load(own_place.store(), key)
        assert found is not None
        assert winner in found.completed_components
        assert "corrupt" not in str(list(own_place.documents()))


def test_what_was_removed_while_an_attempt_runs_is_written_again(own_place: Place) -> None:
    """Invariant 1: an administrator who cleans up too much costs nothing."""
    attempt = Recorder(own_place.attempt())
    attempt.start()
    attempt.complete("a", "b")
    for name in list(own_place.documents()):
        own_place.take_away(name)
    attempt.complete("c")
    assert stored(own_place) == ["a", "b", "c"]


def test_an_attempt_that_is_shut_out_stops_and_the_next_one_begins_anew(own_place: Place) -> None:
    """Deleting by force: the running attempt's next record is refused, also after the checkpoint has been deleted."""
    running = Recorder(own_place.attempt())
    running.start()
    running.complete("a")
    # Whoever shuts it out is no attempt: Airflow goes on accepting what the running one writes.
    store = own_place.store()
    store.fence_off(KEY)  # type: ignore[attr-defined]
    assert store.delete(KEY.run_id, KEY.pipeline_name, scope=KEY.scope) is True
    with pytest.raises(StaleAttemptError, match="was deleted while attempt"):
        running.complete("b")
    assert stored(own_place) == []
    following = Recorder(own_place.attempt())
    following.start()
    following.complete("a")
    assert stored(own_place) == ["a"]


@pytest.mark.parametrize("views", [0, 3])
def test_a_record_does_not_grow_with_the_number_of_components(own_place: Place, views: int) -> None:
    """Bytes written per component are the same for the first and for the last, in any store."""
    written: list[int] = []

    def note(step: str, *arguments: object) -> None:
        if step in ("write", "set"):
            content = arguments[1]
            written.append(len(content) if isinstance(content, bytes) else len(json.dumps(content)))

    attempt = Recorder(own_place.attempt(note))
    attempt.start()
    costs = []
    for number in range(64):
        written.clear()
        state = saved_views("component", views) if views else None
        attempt.add(completed(f"component {number:03}", session_state=state))
        costs.append(sum(written))
    first, last = sum(costs[:32]), sum(costs[-32:])
    assert last <= first * 1.1
