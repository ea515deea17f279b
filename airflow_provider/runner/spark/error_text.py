"""The message in a Spark error, without the stacks of Java and Python around it."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass

from airflow_provider.masking import mask

_LONGEST = 12
"""Most lines of a message to show; Spark repeats the SQL in it."""

_CALL = re.compile(r"^An error occurred while calling \S+\n(?:: )?")
_STACK = re.compile(r"^(?:\s+at \S.*|\s+\.\.\. \d+ (?:more|common frames omitted)|Driver stacktrace:)$")
_BELOW = re.compile(r"^\s*(?:Caused by|Suppressed): ")
_CAUSE = re.compile(r"^Caused by: (.*)$", re.MULTILINE)
_PLAN = re.compile(r"(?<=;)\n(?=['+:! ]|[A-Z]\w+ [\[(]).*", re.DOTALL)
_WORKER = "Traceback (most recent call last):\n"
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]{3,}(?:\.[A-Z0-9_]+)*)\] ")
_OOM = re.compile(r"OutOfMemoryError(?:: (?P<what>[^\n]*))?")


@dataclass(frozen=True)
class SparkMessage:
    """The parts of an error's text.

    :param message: the message without stacks, at most twelve lines
    :param worker_trace: the traceback of Python code that ran on an executor, None if there is none
    """

    message: str
    worker_trace: str | None = None


def parse_spark_error(error: BaseException) -> SparkMessage:
    """Split the text of an error, Spark's or any other, into its parts."""
    text = mask(str(error)).partition("\n\nJVM stacktrace:")[0].strip()
    if not _is_sparks(error):
        lines = [line for line in text.splitlines() if line.strip()]
        return SparkMessage(
            "\n".join([f"{type(error).__name__}: {lines[0]}", *lines[1:_LONGEST]] if lines else [_name(error)])
        )
    if _WORKER in text:
        trace = text[text.index(_WORKER) :].partition("\n\tat ")[0].partition("\n\n")[0]
        raised = [line for line in trace.splitlines() if line and not line[0].isspace()][-1]
        return SparkMessage(f"Python on an executor: {raised}", trace)
    text = _PLAN.sub("", _CALL.sub("", text)).strip().removesuffix(";")
    lines = [line for line in text.splitlines() if not _STACK.match(line) and not _BELOW.match(line)]
    shown = [line.rstrip() for line in lines[:_LONGEST] if line.strip()]
    causes = [cause for cause in _CAUSE.findall(text) if cause not in text.partition("Caused by: ")[0]]
    name = "" if shown and shown[0].startswith("[") else f"{_name(error)}: "
    more = [f"caused by: {causes[-1]}"] if causes else []
    return SparkMessage("\n".join([f"{name}{shown[0]}", *shown[1:], *more] if shown else [_name(error)]))


def error_condition(error: BaseException | None) -> str:
    """Return Spark's name for what went wrong, such as ``TABLE_OR_VIEW_NOT_FOUND``; empty if the error has none.

    :param error: the error; if it has none, those that caused it count
    """
    while error is not None:
        if found := _CONDITION.search(str(error)):
            return found[1]
        error = error.__cause__
    return ""


def out_of_memory(text: str) -> str | None:
    """Return Java's OutOfMemoryError with its reason, None if the text has none.

    :param text: an error's text, or what a JVM printed
    """
    found = _OOM.search(text)
    return f"java.lang.OutOfMemoryError: {found['what'] or 'no details'}".strip() if found else None


def stack_lines(error: BaseException, callers: str | None = None) -> list[str]:
    """Return the lines of an error's stack, including Java's if the error has it, with secrets masked.

    :param callers: directory of the code that called the author's: the frames at the top that are below it are left out
    """
    whole = traceback.TracebackException.from_exception(error)
    if callers is not None:
        _leave_out(whole, callers)
    text = "".join(whole.format())
    java = getattr(error, "_stackTrace", None)
    if isinstance(java, str) and java and "JVM stacktrace:" not in text:
        text += f"JVM stacktrace:\n{java}"
    return mask(text).rstrip().splitlines()


def _leave_out(stack: traceback.TracebackException | None, callers: str) -> None:
    """Leave out the callers' frames at the top of a stack and of its causes, unless there are no others."""
    while stack is not None:
        first = next((n for n, frame in enumerate(stack.stack) if not frame.filename.startswith(callers)), 0)
        del stack.stack[:first]
        stack = stack.__cause__ or stack.__context__


def _is_sparks(error: BaseException) -> bool:
    return any(kind.__module__.partition(".")[0] in ("pyspark", "py4j", "grpc") for kind in type(error).__mro__)


def _name(error: BaseException) -> str:
    return type(error).__name__
