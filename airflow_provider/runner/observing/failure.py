"""Why a component failed, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider.errors import ComponentTimeoutError, SparkLostError
from airflow_provider.masking import mask
from airflow_provider.runner.observing.author_line import author_line, author_line_of_text
from airflow_provider.runner.spark.error_text import out_of_memory, parse_spark_error


@dataclass(frozen=True)
class Failure:
    """Why a component failed. Made while Spark runs, because its errors ask it for their text.

    :param what: what went wrong, without stacks; may have several lines
    :param where: the author's own line, None if no code of theirs took part
    :param hints: what else is known: causes, names that are near, settings to change
    """

    what: str
    where: str | None = None
    hints: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The first line of what went wrong."""
        return self.what.partition("\n")[0]

    def lines(self) -> list[str]:
        """The lines that follow :attr:`what`."""
        where = [f"where: {self.where}"] if self.where else []
        return [*where, *self.hints]


def explain(error: BaseException, hints: Sequence[str] = (), package: str | None = None) -> Failure:
    """Find out what an error says and where it came from.

    :param error: what a component raised
    :param hints: what the caller adds
    :param package: the component's top-level package
    """
    found = parse_spark_error(error)
    if isinstance(error, SparkLostError):
        cause = error.__cause__
        return Failure(found.message.partition(": ")[2], author_line(cause, package) if cause else None, tuple(hints))
    where = author_line_of_text(found.worker_trace) if found.worker_trace else None
    if isinstance(error, ComponentTimeoutError):
        where = error.place  # it was raised by the thread that waited
    short = out_of_memory(str(error))
    memory = (f"remedy: Spark ran out of memory ({short}): raise spark.driver.memory",) if short else ()
    notes = tuple(mask(note) for note in getattr(error, "__notes__", ()))
    return Failure(found.message, mask(where or author_line(error, package) or "") or None, (*notes, *memory, *hints))
