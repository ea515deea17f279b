"""What the journal of a run tells, and the rules that it must keep: nothing forgotten, nothing invented."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider.runner import CheckpointState
from tests.reliability.kills.kill_journal import Note


def rank_of(fence: int, attempt: int, owner: str) -> str:
    """Return what tells the newer of two attempts, where both may have found the same fence: the higher rank."""
    return f"{fence:06}~{attempt:06}~{owner}"


@dataclass
class _Attempt:
    """What one attempt knows and did, as far as the story has been told.

    :param rank: of its hold on the checkpoint, see :func:`rank_of`; empty while it has none
    :param known: components of which it knows that they are recorded
    :param unrecorded: components that it ran and has not recorded yet
    :param started: components that it started
    :param kept: what its plan kept; None if it had none
    :param late: what it did after a newer attempt had taken over
    :param gave_up: whether it said that a newer attempt had taken over
    """

    rank: str = ""
    known: set[str] = field(default_factory=set)
    unrecorded: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)
    kept: set[str] | None = None
    late: list[str] = field(default_factory=list)
    gave_up: bool = False


class Story:
    """Everything that happened in a run, whether its attempts followed each other or lived at the same time.

    A component counts as recorded when the engine went on after saving it. Of two attempts the one with the higher
    rank is the newer one.

    :param depends_on: component to those it depends on
    """

    def __init__(self, depends_on: Mapping[str, Collection[str]]) -> None:
        self._depends_on = depends_on
        self._recorded: dict[str, str] = {}  # component to the rank of the attempt that recorded it first
        self._ended: set[str] = set()
        self._newest = ""  # the highest rank of an attempt
        self._newest_record = ""  # the highest rank of an attempt that recorded anything
        self._done = False

    def go_on(self, notes: Sequence[Note], may_run_again: Collection[str] = ()) -> None:
        """Follow attempts none of which is alive any more.

        :param may_run_again: components that completed before these attempts and may be replayed
        """
        attempts: dict[int, _Attempt] = defaultdict(_Attempt)
        newest = self._newest
        for note in notes:
            attempt = attempts[note.process]
            if note.event == "holds":
                assert note.name > self._newest, f"rank {note.name} came after rank {self._newest}"
                attempt.rank = note.name
                newest = max(newest, note.name)
            elif note.event == "kept":
                attempt.kept = set(note.names)
                attempt.known |= attempt.kept
                assert attempt.kept <= self._ended, f"kept, but never completed: {sorted(attempt.kept - self._ended)}"
            elif note.event == "start":
                self._starts(attempt, note.name, may_run_again)
            elif note.event == "end":
                self._ended.add(note.name)
                attempt.unrecorded |= {note.name} - attempt.known
            elif note.event == "saved":
                self._saves(attempt, note.name)
            elif note.event == "replaced":
                attempt.gave_up = True
            elif note.event == "done":
                self._done = True
            if attempt.rank < newest and note.event in ("start", "saved"):
                attempt.late.append(note.event)
        for attempt in attempts.values():
            self._look_back(attempt, may_run_again)
            # One that was killed while it took over may not have come to say so.
            rivals = [a for a in attempts.values() if a is not attempt and (a.rank > attempt.rank or not a.rank)]
            assert rivals or not attempt.gave_up, f"rank {attempt.rank} was the newest, and gave up"
        ranks = [attempt.rank for attempt in attempts.values() if attempt.rank]
        assert len(set(ranks)) == len(ranks), f"several attempts have the same rank: {sorted(ranks)}"
        self._newest = newest

    def check(self, state: CheckpointState | None) -> None:
        """Compare with the record that is found when no attempt is alive."""
        listed = set(state.completed_components) if state else set()
        assert self._recorded.keys() <= listed, f"forgotten: {sorted(self._recorded.keys() - listed)}"
        assert listed <= self._ended, f"invented: {sorted(listed - self._ended)}"
        rank = rank_of(state.fence, state.attempt, state.owner) if state else ""
        newest = self._newest_record
        assert rank >= newest, f"an attempt of rank {newest} recorded its progress, and the record is of {rank!r}"
        assert not self._done or listed == set(self._depends_on), (
            "an attempt came to the end of the run, the record not"
        )

    def _starts(self, attempt: _Attempt, name: str, may_run_again: Collection[str]) -> None:
        assert attempt.rank, f"{name} started in an attempt that does not hold the checkpoint"
        assert name not in attempt.known or name in may_run_again, f"{name} was complete and ran again"
        missing = set(self._depends_on[name]) - attempt.known
        assert not missing, f"{name} started although {sorted(missing)} are not recorded"
        assert not attempt.unrecorded, f"{name} started before the record of {sorted(attempt.unrecorded)}"
        attempt.started.append(name)

    def _saves(self, attempt: _Attempt, name: str) -> None:
        self._newest_record = max(self._newest_record, attempt.rank)
        if name in self._depends_on:
            attempt.known.add(name)
            attempt.unrecorded.discard(name)
            self._recorded.setdefault(name, attempt.rank)

    def _look_back(self, attempt: _Attempt, may_run_again: Collection[str]) -> None:
        """Judge what does not depend on the order in which attempts that lived at once made their notes.

        What an older attempt recorded binds a newer one: had the newer one taken over before that was saved, the save
        would have been refused.
        """
        bound = {name for name, rank in self._recorded.items() if rank < attempt.rank}
        again = [name for name in attempt.started if name in bound and name not in may_run_again]
        assert not again, f"recorded by an older attempt, and ran again: {again}"
        if attempt.kept is not None:
            assert bound <= attempt.kept, f"recorded by an older attempt, and not kept: {sorted(bound - attempt.kept)}"
        # It may have saved before it was replaced, and learns of it when it saves the next time.
        for event in ("start", "saved"):
            assert attempt.late.count(event) <= 1, f"an attempt that had been replaced went on: {attempt.late}"
