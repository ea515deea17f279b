"""What ran although nothing refers to it: ``sys.monitoring`` tells, on Python 3.12 and later."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from airflow_provider.runner.fingerprint.code.called_functions import calls_of_others, watch_calls
from tests.samples.components.shop import process, write

CODE = """
import json

class Base:
    def inherited(self):
        return 1

class Job(Base):
    def run(self):
        return self.inherited()

    def other(self):
        return 2

    class Part:
        def add(self):
            return 3

    size = staticmethod(lambda: 4)

def plain():
    def nested():
        return json.dumps([x for x in "ab"])
    return nested()

def loop():
    for _ in range(1000):
        plain()

def never():
    return 0
"""

monitored = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[ModuleType]:
    write(tmp_path, {"entered_jobs.py": CODE, "lazy.py": "class Unused:\n    x = 1\n\ndef late():\n    return 1\n"})
    with process(tmp_path):
        yield importlib.import_module("entered_jobs")


@monitored
def test_the_authors_functions_that_ran_are_named(jobs: ModuleType) -> None:
    """Each that was entered, once, whatever it was called by; nothing that did not run, nothing of the library."""
    with watch_calls() as entered:
        jobs.Job().run()
        getattr(jobs, "lo" + "op")()
    assert entered.names() == (
        "entered_jobs.Base.inherited",
        "entered_jobs.Job.run",
        "entered_jobs.loop",
        "entered_jobs.plain",
    )


@monitored
def test_what_is_inside_a_class_counts_as_the_class(jobs: ModuleType) -> None:
    """Reading a component's code tells methods of a class apart, and nothing further in."""
    with watch_calls() as entered:
        jobs.Job.Part().add()
        jobs.Job.size()
    assert entered.names() == ("entered_jobs.Job",)


@monitored
def test_each_component_reports_its_calls_anew(jobs: ModuleType) -> None:
    """What an earlier component entered counts for a later one again."""
    for _ in range(2):
        with watch_calls() as entered:
            jobs.plain()
        assert entered.names() == ("entered_jobs.plain",)
    jobs.never()
    with watch_calls() as entered:
        pass
    assert entered.names() == ()


@monitored
def test_threads_count_and_imports_do_not(jobs: ModuleType) -> None:
    """A component's threads are its own; that a class was defined by an import is no call of it."""
    with watch_calls() as entered:
        thread = threading.Thread(target=lambda: importlib.import_module("lazy").late())
        thread.start()
        thread.join()
    assert "lazy.late" in entered.names()
    assert not any("Unused" in name for name in entered.names())


@monitored
def test_a_function_is_reported_once_and_then_switched_off(jobs: ModuleType) -> None:
    """A loop of a thousand calls costs one report, and after the watch no tool is left."""
    monitoring = sys.modules["sys"].monitoring  # type: ignore[attr-defined]
    with watch_calls():
        jobs.loop()
        assert monitoring.get_tool(3) == "airflow_provider"
    assert monitoring.get_tool(3) is None


@monitored
def test_watches_side_by_side_and_taken_tool_ids(jobs: ModuleType) -> None:
    """Watches may overlap; where other tools have all ids, nothing is seen and nothing breaks."""
    monitoring = sys.modules["sys"].monitoring  # type: ignore[attr-defined]
    with watch_calls() as one:
        with watch_calls() as other:
            jobs.plain()
        jobs.never()
    assert one.names() == ("entered_jobs.never", "entered_jobs.plain")
    assert other.names() == ("entered_jobs.plain",)
    taken = [number for number in (2, 3, 4) if monitoring.get_tool(number) is None]
    for number in taken:
        monitoring.use_tool_id(number, "another")
    try:
        with watch_calls() as none:
            jobs.plain()
    finally:
        for number in taken:
            monitoring.free_tool_id(number)
    assert none.names() == ()


@monitored
def test_what_a_thread_does_for_others_is_none_of_the_components_code(jobs: ModuleType) -> None:
    """But what the component enters as well, before or after, is."""
    with watch_calls() as entered:
        with calls_of_others():
            jobs.plain()
            jobs.never()
        jobs.plain()
    assert entered.names() == ("entered_jobs.plain",)


LOGS = """
import logging

class Secrets(logging.Filter):
    def filter(self, record):
        return True

class Lines(logging.Handler):
    def emit(self, record):
        self.format(record)

class Plain(logging.Formatter):
    def format(self, record):
        return record.getMessage()

class Order:
    def __str__(self):
        return "order"

def work():
    logging.getLogger("entered_logs").warning("made %s", Order())
"""


@monitored
def test_who_writes_the_log_is_none_of_the_components_code(tmp_path: Path) -> None:
    """Handlers, filters and formatters are not; a value that turns itself into text is."""
    write(tmp_path, {"entered_logs.py": LOGS})
    logger = logging.getLogger("entered_logs")
    with process(tmp_path):
        logs = importlib.import_module("entered_logs")
        handler = logs.Lines()
        handler.setFormatter(logs.Plain())
        secrets = logs.Secrets()
        logger.addHandler(handler)
        logger.addFilter(secrets)
        try:
            with watch_calls() as entered:
                logs.work()
        finally:
            logger.removeHandler(handler)
            logger.removeFilter(secrets)
        assert entered.names() == ("entered_logs.Order.__str__", "entered_logs.work")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="what an older Python does")
def test_an_older_python_cannot_tell(jobs: ModuleType) -> None:
    """On 3.11 reading stands alone."""
    with watch_calls() as entered:
        jobs.plain()
    assert entered.names() == ()
