"""Questions about a session: what has no answer, or none in time, is not known and fails nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import pytest

from airflow_provider.runner.session_state.session_inspection import LONGEST_LOOK, Question, SessionInspection


def unanswered() -> str:
    raise ValueError("the catalog is gone")


def test_an_answer_is_passed_on() -> None:
    inspection = SessionInspection(None)
    assert inspection.ask("it", lambda: "yes", lambda why: "unknown") == "yes"
    assert inspection.ask_in_time("it", lambda: "yes", lambda why: "unknown") == "yes"


@pytest.mark.parametrize("way", ["ask", "ask_in_time"])
def test_what_has_no_answer_is_unknown_with_its_reason_and_is_told_once(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    inspection = SessionInspection(None)
    ask = getattr(inspection, way)
    for _ in range(3):
        assert ask("what it reads", unanswered, str.upper) == "VALUEERROR: THE CATALOG IS GONE"
        inspection.tell()
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in told] == [
        "cannot tell what it reads (ValueError: the catalog is gone), so it counts as not known"
    ]


def test_what_a_warning_has_said_already_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    inspection = SessionInspection(None)
    inspection.ask("what it reads", unanswered, str)
    inspection.tell(said=True)
    assert caplog.records == []


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets go of what hangs, at the end of a test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def test_what_takes_too_long_is_unknown_and_is_not_asked_again_while_it_waits(release: threading.Event) -> None:
    """The pipeline waits once for a catalog that hangs, not after each component, and no other question waits."""
    inspection = SessionInspection(None, longest=0.05)
    assert "no answer within 0.05 s" in inspection.ask_in_time("it", lambda: str(release.wait()), str)
    for _ in range(100):
        said = inspection.ask_in_time("it", lambda: "yes", str)
        assert said == "TimeoutError: the same question has no answer yet from an earlier component"
    patient = SessionInspection(None, longest=LONGEST_LOOK)
    patient._thread = inspection._thread
    assert patient.ask_in_time("another", lambda: "yes", str) == "yes"


def test_once_the_late_answer_is_there_the_question_is_asked_again(release: threading.Event) -> None:
    inspection = SessionInspection(None, longest=0.05)
    inspection.ask_in_time("it", lambda: str(release.wait()), str)
    release.set()
    inspection._late["it"].result()
    inspection._longest = LONGEST_LOOK
    assert inspection.ask_in_time("it", lambda: "yes", str) == "yes"


def test_questions_in_turn_know_the_answers_before_them_and_share_a_thread() -> None:
    inspection, threads = SessionInspection(None), set()

    def answer(known: Sequence[str]) -> str:
        threads.add(threading.get_ident())
        return f"{len(known)}"

    questions = [Question(f"number {number}", answer, lambda why, known: why) for number in range(3)]
    assert inspection.ask_in_turn(*questions) == ["0", "1", "2"]
    assert len(threads) == 1
    assert threads.isdisjoint({threading.get_ident()})


def test_of_questions_in_turn_one_without_an_answer_keeps_no_other_from_being_answered(
    release: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """Those before it keep their answers, those after it get theirs, and know what counts as its answer."""
    inspection = SessionInspection(None, longest=0.2)
    questions = [
        Question("the first", lambda known: "one", lambda why, known: why),
        Question("an error", lambda known: unanswered(), lambda why, known: f"unknown after {known}"),
        Question("what hangs", lambda known: release.wait(), lambda why, known: f"{why} after {len(known)}"),
        Question("the last", lambda known: list(known), lambda why, known: why),
    ]
    found = inspection.ask_in_turn(*questions)
    assert found == ["one", "unknown after ['one']", "TimeoutError: no answer within 0.2 s after 2", found[:3]]
    inspection.tell()
    assert [record.args[0] for record in caplog.records if record.args] == ["an error", "what hangs"]
    again = inspection.ask_in_turn(*questions)[2]
    assert again.startswith("TimeoutError: the same question has no answer yet from an earlier component")


def test_what_a_question_raises_besides_errors_is_raised() -> None:
    """What ends the process, such as a signal of Airflow's, is never swallowed."""

    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SessionInspection(None).ask("it", stopped, lambda why: None)
