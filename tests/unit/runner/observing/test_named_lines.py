"""Lines of components that run side by side carry their names: in every logger, handler and thread, for that time."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for
from airflow_provider.runner.observing.named_lines import naming_components


class Kept(logging.Handler):
    """Keeps the text of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def handled(handler: logging.Handler, name: str | None = None) -> Iterator[logging.Logger]:
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    with handled(handler):
        yield handler


def logged(work: Callable[[], object], component: str = "join") -> None:
    with acting_for(ThreadOwner(component)):
        work()


LOGGER = logging.getLogger("a.library.of.a.component")
CASES: dict[str, tuple[tuple[object, ...], str]] = {
    "text": (("done",), "[join] done"),
    "arguments": (("%s of %d", "a", 2), "[join] a of 2"),
    "named arguments": (("%(a)s", {"a": 1}), "[join] 1"),
    "a percent sign without arguments": (("100 %",), "[join] 100 %"),
    "no text": ((ValueError("x"),), "[join] x"),
    "no text with arguments": (((), "b"), "[join] ()"),
}


@pytest.mark.parametrize(("arguments", "line"), CASES.values(), ids=CASES)
def test_a_line_carries_the_name_of_its_component(kept: Kept, arguments: tuple[object, ...], line: str) -> None:
    if arguments[0] == ():
        arguments = ("%s", ())
    with naming_components():
        logged(lambda: LOGGER.warning(*arguments))
        LOGGER.warning("of the main thread")
        logged(lambda: LOGGER.warning("of the pipeline itself"), "")
    assert kept.lines == [line, "of the main thread", "of the pipeline itself"]


def test_one_at_a_time_nothing_is_added(kept: Kept) -> None:
    logged(lambda: LOGGER.warning("before"))
    with naming_components():
        pass
    logged(lambda: LOGGER.warning("after"))
    assert kept.lines == ["before", "after"]


def test_a_name_with_a_percent_sign_is_no_format(kept: Kept) -> None:
    with naming_components():
        logged(lambda: (LOGGER.warning("%d", 1), LOGGER.warning("x")), "50%s")
    assert kept.lines == ["[50%s] 1", "[50%s] x"]


def test_each_thread_logs_under_the_name_of_its_component(kept: Kept) -> None:
    """Handlers of every logger get it, also one that passes lines on to another thread."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    own, late = Kept(), Kept()
    listener = logging.handlers.QueueListener(lines, late)
    together = threading.Barrier(4)

    def component(name: str) -> None:
        with acting_for(ThreadOwner(name)):
            together.wait()
            for _ in range(50):
                LOGGER.warning("of %s", name)

    with handled(own, "a"), handled(logging.handlers.QueueHandler(lines), "a.library"), naming_components():
        listener.start()
        threads = [threading.Thread(target=component, args=(str(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        listener.stop()
    expected = sorted(f"[{number}] of {number}" for number in range(4) for _ in range(50))
    assert sorted(kept.lines) == sorted(own.lines) == sorted(late.lines) == expected


def test_a_message_that_breaks_breaks_as_ever(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 14: logging reports it, and the component goes on."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    monkeypatch.setattr(LOGGER, "propagate", False)  # pytest's handlers raise
    with handled(logging.StreamHandler(), LOGGER.name), naming_components():
        logged(lambda: LOGGER.warning(Broken()))
    assert "no words" in capsys.readouterr().err


def test_data_stays_data(kept: Kept) -> None:
    """Some handlers write it as JSON."""
    found: list[object] = []
    kept.emit = lambda record: found.append(record.msg)  # type: ignore[method-assign]
    with naming_components():
        logged(lambda: LOGGER.warning({"rows": 1}))
    assert found == [{"rows": 1}]


def test_a_line_of_a_pipeline_in_a_component_names_both(kept: Kept) -> None:
    with naming_components(), acting_for(ThreadOwner("outer")), naming_components():
        logged(lambda: LOGGER.warning("x"), "inner")
    assert kept.lines == ["[outer/inner] x"]


def test_what_somebody_else_sets_up_meanwhile_stays(kept: Kept) -> None:
    before = logging.getLogRecordFactory()
    with naming_components():
        between = logging.getLogRecordFactory()

        def others(*args: object, **options: object) -> logging.LogRecord:
            record = between(*args, **options)
            record.msg = f"{record.msg}!"
            return record

        logging.setLogRecordFactory(others)
        logged(lambda: LOGGER.warning("x"))
    try:
        assert logging.getLogRecordFactory() is others
        logged(lambda: LOGGER.warning("y"))
    finally:
        logging.setLogRecordFactory(before)
    assert kept.lines == ["[join] x!", "y!"]
    with naming_components():
        assert logging.getLogRecordFactory() is not before
    assert logging.getLogRecordFactory() is before


AIRFLOW_TASK = """
import inspect, io, json, logging, sys
from airflow.sdk.log import configure_logging
from airflow.sdk.definitions._internal.logging_mixin import LoggingMixin
import structlog

written = io.BytesIO()
how = {"json_output": True} if "json_output" in inspect.signature(configure_logging).parameters else {
    "enable_pretty_log": False}
configure_logging(output=written, sending_to_supervisor=True, **how)
in_use = structlog.get_logger("task")
in_use.info("before %s", "100 %")
before = list(structlog.get_config()["processors"])

from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for
from airflow_provider.runner.observing.named_lines import naming_components

with naming_components():
    with acting_for(ThreadOwner("join")):
        logging.getLogger("a.library").warning("%s of %d", "x", 2)
        logging.getLogger("a.library").warning("100 %")
        in_use.warning("of the task at %d %%", 7)
        LoggingMixin().log.warning("of a hook")
        try:
            1 / 0
        except ZeroDivisionError as error:
            logging.getLogger("a.library").exception(error)
    in_use.warning("of the main thread")
logging.getLogger("a.library").warning("after")
in_use.warning("after")
assert list(structlog.get_config()["processors"]) == before
sys.stdout.write(json.dumps([json.loads(line)["event"] for line in written.getvalue().splitlines()]))
"""


def test_the_lines_of_an_airflow_task_carry_it_too() -> None:
    """Airflow's own code logs by structlog. So does Python's logging there, which hands on message and arguments."""
    done = subprocess.run([sys.executable, "-c", AIRFLOW_TASK], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[-9:] == [
        "before 100 %",
        "[join] x of 2",
        "[join] 100 %",
        "[join] of the task at 7 %",
        "[join] of a hook",
        "[join] division by zero",
        "of the main thread",
        "after",
        "after",
    ]
