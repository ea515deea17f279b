"""Who judges the killed runs sees every broken rule: one that nothing can break would prove nothing."""

from __future__ import annotations

import pytest

from airflow_provider.runner import CheckpointState
from tests.reliability.kills.kill_journal import Note
from tests.reliability.kills.kill_story import Story, rank_of

A, B = 1, 2
"""Two attempts."""

CHAIN: dict[str, list[str]] = {"x": [], "y": ["x"], "z": ["y"]}


def begins(process: int, fence: int, *kept: str) -> list[Note]:
    return [Note(process, "holds", rank_of(fence, fence, "o")), Note(process, "kept", names=kept)]


def runs(process: int, *names: str) -> list[Note]:
    return [Note(process, event, name) for name in names for event in ("start", "end", "saved")]


LAWFUL = {
    "one after the other": [[*begins(A, 1), *runs(A, "x")], [*begins(B, 2, "x"), *runs(B, "y", "z")]],
    "killed before the record": [[*begins(A, 1), *runs(A, "x")[:2]], [*begins(B, 2), *runs(B, "x", "y")]],
    "killed after the record": [[*begins(A, 1), *runs(A, "x")[:2]], [*begins(B, 2, "x"), *runs(B, "y")]],
    "replaced in a component": [
        [*begins(A, 1), *runs(A, "x"), Note(A, "start", "y"), *begins(B, 2, "x"), Note(A, "end", "y"), *runs(B, "y")]
    ],
    "replaced before a component": [[*begins(A, 1), *begins(B, 2), Note(A, "start", "x"), *runs(B, "x")]],
    "gave up": [[*begins(A, 1), *begins(B, 2), Note(A, "replaced")]],
    "gave up because of one that was killed then": [[*begins(A, 1), Note(B, "begun"), Note(A, "replaced")]],
}

UNLAWFUL = {
    "ran again": ([[*begins(A, 1), *runs(A, "x", "x")]], "was complete and ran again"),
    "ran again later": ([[*begins(A, 1), *runs(A, "x")], [*begins(B, 2), *runs(B, "x")]], "and ran again"),
    "not kept": ([[*begins(A, 1), *runs(A, "x")], [*begins(B, 2)]], "not kept"),
    "without its input": ([[*begins(A, 1), *runs(A, "y")]], "are not recorded"),
    "kept before it ended": ([[*begins(A, 1), Note(A, "start", "x")], [*begins(B, 2, "x")]], "never completed"),
    "went on before the record": ([[*begins(A, 1), *runs(A, "x")[:2], Note(A, "start", "y")]], "not recorded"),
    "without a takeover": ([runs(A, "x")], "does not hold"),
    "an old fence": ([begins(A, 1), begins(B, 1)], "came after"),
    "the same rank": ([[*begins(A, 1), *begins(B, 1)]], "have the same rank"),
    "went on after it was replaced": ([[*begins(A, 1), *begins(B, 2), *runs(A, "x", "y")]], "went on"),
    "gave up alone": ([[*begins(A, 1), Note(A, "replaced")]], "was the newest, and gave up"),
    "gave up because of an older one": (
        [[*begins(A, 1), *begins(B, 2), Note(B, "replaced")]],
        "the newest, and gave up",
    ),
    "recorded before the other one looked": (
        [[*begins(A, 1), *runs(A, "x")[:2], *begins(B, 2), Note(B, "start", "x"), Note(A, "saved", "x")]],
        "ran again",
    ),
}


CHAPTERS = [[*begins(A, 1), *runs(A, "x"), *runs(A, "y")[:2]]]


def record(completed: list[str], fence: int = 1) -> CheckpointState:
    return CheckpointState(
        run_id="r",
        pipeline_name="p",
        pipeline_fingerprint="f",
        completed_components=completed,
        fence=fence,
        attempt=fence,
        owner="o",
    )


def told(chapters: list[list[Note]]) -> Story:
    story = Story(CHAIN)
    for notes in chapters:
        story.go_on(notes)
    return story


@pytest.mark.parametrize("chapters", LAWFUL.values(), ids=LAWFUL)
def test_the_judge_lets_pass_what_may_happen(chapters: list[list[Note]]) -> None:
    """Attempts are at-least-once for what was running, whoever ran it."""
    told(chapters)


@pytest.mark.parametrize(("chapters", "verdict"), UNLAWFUL.values(), ids=UNLAWFUL)
def test_the_judge_sees_what_must_not_happen(chapters: list[list[Note]], verdict: str) -> None:
    """Each of these breaks one rule."""
    with pytest.raises(AssertionError, match=verdict):
        told(chapters)


@pytest.mark.parametrize("completed", [["x"], ["x", "y"]])
def test_the_judge_lets_pass_a_record_of_what_completed(completed: list[str]) -> None:
    """``x`` is known to be recorded; ``y`` completed, and its attempt was killed before it could say more."""
    told(CHAPTERS).check(record(completed))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (None, "forgotten: \\['x'\\]"),
        (record([]), "forgotten: \\['x'\\]"),
        (record(["x", "y", "z"]), "invented: \\['z'\\]"),
        (record(["x"], fence=0), "rank 000001~000001~o recorded its progress, and the record is of '000000~"),
    ],
)
def test_the_judge_sees_a_record_that_is_wrong(state: CheckpointState | None, verdict: str) -> None:
    """The same, and what the record must not say."""
    with pytest.raises(AssertionError, match=verdict):
        told(CHAPTERS).check(state)


def test_the_judge_sees_an_end_that_is_not_recorded() -> None:
    """An attempt that came to the end has run or kept everything."""
    story = told([[*begins(A, 1), *runs(A, "x", "y"), Note(A, "done")]])
    with pytest.raises(AssertionError, match="came to the end"):
        story.check(record(["x", "y"]))
