"""Asks questions about a Spark session. What has no answer is not known, with its reason, and fails nothing.

Whatever is asked only to observe, to attribute, to save or to tell goes through here: a pipeline that plain Spark would
run goes on, and what depends on the answer is decided as the worst case. Only a session that is lost is an error.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from airflow_provider.errors import describe
from airflow_provider.runner.spark.lost import spark_lost, was_stopped

logger = logging.getLogger(__name__)

LONGEST_LOOK = 10.0
"""Seconds that an answer may take. A catalog or a storage that hangs must not hold the pipeline for longer."""

_IDLE_SECONDS = 5.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question:
    """One of several questions.

    :param what: what is asked for, in words that follow "cannot tell"
    :param ask: returns the answer, given the answers to the questions before it
    :param unknown: returns what counts as the answer if there is none, given the reason and the answers before it
    """

    what: str
    ask: Callable[[Sequence[Any]], Any]
    unknown: Callable[[str, Sequence[Any]], Any]


class SessionInspection:
    """Asks about one session.

    :param spark: the session, None for no session at all
    :param longest: seconds that an answer may take
    """

    def __init__(self, spark: Any, longest: float = LONGEST_LOOK) -> None:
        self._spark = spark
        self._longest = longest
        self._thread = _AnsweringThread()
        self._late: dict[str, Future[Any]] = {}
        self._told: set[str] = set()
        self._untold: dict[str, str] = {}

    def in_copy(self, spark: Any) -> SessionInspection:
        """Return what asks about a copy of the session; what has been told is the same."""
        made = SessionInspection(spark, self._longest)
        made._told = self._told
        return made

    def ask(self, what: str, question: Callable[[], Answer], unknown: Callable[[str], Answer]) -> Answer:
        """Return the answer to a question. That there is none is logged by the next :meth:`tell`.

        :param what: what is asked for, in words that follow "cannot tell"
        :param unknown: returns what counts as the answer if there is none, given the reason
        :raises Exception: the session is lost, so that there are no answers any more
        """
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - Spark, catalogs, storage clients and odd code raise anything
            self._note(what, error)
            return unknown(describe(error))

    def ask_in_time(self, what: str, question: Callable[[], Answer], unknown: Callable[[str], Answer]) -> Answer:
        """Return the answer to a question that may wait for something outside this process; see :meth:`ask`.

        It is asked in a thread of its own, and what takes too long has no answer. While it still waits, it is not asked
        again.
        """
        (answer,) = self.ask_in_turn(Question(what, lambda before: question(), lambda why, before: unknown(why)))
        return cast("Answer", answer)

    def ask_in_turn(self, *questions: Question) -> list[Any]:
        """Return the answers to questions that are asked one after the other, each of them as :meth:`ask_in_time` does.

        One thread answers all of them: each thread costs time.
        """
        answers: list[Any] = []
        while len(answers) < len(questions):
            turn = _Turn(questions, answers, self._refuse_late)
            done = self._thread.ask(turn)
            is_late = self._wait(done, turn)
            outcomes = list(turn.outcomes)
            if is_late and len(answers) + len(outcomes) < len(questions):  # the last answer may have come just now
                question = questions[len(answers) + len(outcomes)]
                self._late[question.what] = done
                turn.is_given_up = True
                self._thread = _AnsweringThread()  # no other question waits behind it
                outcomes.append(_Outcome(None, TimeoutError(f"no answer within {self._longest:g} s")))
            for outcome in outcomes:
                answers.append(self._known(questions[len(answers)], outcome, answers))
        return answers

    def _wait(self, done: Future[None], turn: _Turn) -> bool:
        """Wait until all questions have an answer; return whether one of them takes too long."""
        while True:
            try:
                done.result(max(0.0, turn.began + self._longest - time.monotonic()))
            except TimeoutError:
                if time.monotonic() < turn.began + self._longest:
                    continue  # that is the next question already
                return not done.done()
            return False

    def _known(self, question: Question, outcome: _Outcome, before: Sequence[Any]) -> Any:
        if outcome.error is None:
            return outcome.answer
        self._note(question.what, outcome.error)
        return question.unknown(describe(outcome.error), before)

    def _refuse_late(self, what: str) -> None:
        late = self._late.get(what)
        if late is not None and not late.done():
            raise TimeoutError("the same question has no answer yet from an earlier component")

    def _note(self, what: str, error: Exception) -> None:
        self.refuse_lost_session(error)
        self._untold.setdefault(what, describe(error))

    def refuse_lost_session(self, error: Exception) -> None:
        """Raise if an error means that the session is lost."""
        lost = spark_lost(self._spark, error)
        if lost is not None and lost.session_is_gone:
            raise lost from error
        if was_stopped(self._spark):
            raise error

    def tell(self, *, said: bool = False) -> None:
        """Log each question that had no answer, the first time as a warning.

        :param said: whether a warning says already what is not known
        """
        for what, why in self._untold.items():
            level = logging.DEBUG if said or what in self._told else logging.WARNING
            self._told.add(what)
            logger.log(level, "cannot tell %s (%s), so it counts as not known", what, why)
        self._untold.clear()


@dataclass(frozen=True)
class _Outcome:
    answer: Any
    error: Exception | None = None


class _Turn:
    """Asks the questions that have no answer yet, one after the other.

    :param answers: those that are known
    :param refuse_late: raises if a question must not be asked, given what is asked for
    :ivar outcomes: what became of each question
    :ivar began: when the newest question was asked
    :ivar is_given_up: whether the answer is no longer waited for
    """

    def __init__(
        self, questions: Sequence[Question], answers: Sequence[Any], refuse_late: Callable[[str], None]
    ) -> None:
        self._open = questions[len(answers) :]
        self._answers = list(answers)
        self._refuse_late = refuse_late
        self.outcomes: list[_Outcome] = []
        self.began = time.monotonic()
        self.is_given_up = False

    def __call__(self) -> None:
        for question in self._open:
            if self.is_given_up:
                return
            self.began = time.monotonic()
            try:
                self._refuse_late(question.what)
                outcome = _Outcome(question.ask(self._answers))
            except Exception as error:  # noqa: BLE001 - as in SessionInspection.ask
                outcome = _Outcome(question.unknown(describe(error), self._answers), error)
            self._answers.append(outcome.answer)
            self.outcomes.append(outcome)


class _AnsweringThread:
    """Answers one question after the other, in a thread that runs while there are questions."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._runs = False
        self._lock = threading.Lock()

    def ask(self, question: Callable[[], Answer]) -> Future[Answer]:
        """Return what will have the answer."""
        answer: Future[Answer] = Future()
        with self._lock:
            self._questions.put((answer, question))
            if not self._runs:
                threading.Thread(target=self._run, name="pyspark-pipeline-inspection", daemon=True).start()
                self._runs = True
        return answer

    def _run(self) -> None:
        while True:
            try:
                answer, question = self._questions.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._questions.empty():
                        self._runs = False
                        return
                continue
            try:
                answer.set_result(question())
            except BaseException as error:  # noqa: BLE001 - who asked raises it
                answer.set_exception(error)
            del answer, question  # a session must not stay in memory for the sake of a question
