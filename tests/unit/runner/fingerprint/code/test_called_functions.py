"""What ran although nothing refers to it: ``sys.monitoring`` tells, on Python 3.12 and later."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for, thread_owner
from airflow_provider.runner.fingerprint.code import called_functions
from airflow_provider.runner.fingerprint.code.called_functions import CalledFunctions, calls_of_others, watch_calls
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

def common():
    return 0

def one():
    return 1

def two():
    return 2

def three():
    return 3
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


def of_jobs(entered: CalledFunctions) -> list[str]:
    return [name.removeprefix("entered_jobs.") for name in entered.names() if name.startswith("entered_jobs.")]


def in_component(owner: ThreadOwner, work: Callable[[], object]) -> None:
    """Do something in a new thread that works for a component."""

    def run() -> None:
        with acting_for(owner):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@monitored
def test_a_function_counts_for_the_component_whose_thread_calls_it(jobs: ModuleType) -> None:
    """Invariant 13: whatever order they begin and call it in. That of an unknown thread counts for all."""
    one, other, hooks = ThreadOwner("one"), ThreadOwner("other"), ThreadOwner()
    with acting_for(one), watch_calls() as first:
        in_component(one, jobs.plain)
        with acting_for(other), watch_calls() as second:
            in_component(other, jobs.never)
            in_component(other, jobs.plain)  # `one` has called it before
            in_component(one, jobs.loop)
            with acting_for(hooks):
                jobs.Job().other()
            with acting_for(None):
                jobs.Base().inherited()
        in_component(one, jobs.never)  # `other` has called it before
    assert of_jobs(first) == ["Base.inherited", "loop", "never", "plain"]
    assert of_jobs(second) == ["Base.inherited", "never", "plain"]


@monitored
def test_a_call_in_a_pipeline_of_a_component_counts_for_both(jobs: ModuleType) -> None:
    outer = ThreadOwner("outer")
    with acting_for(outer), watch_calls() as around:
        inner = ThreadOwner("inner")
        with acting_for(inner), watch_calls() as within:
            in_component(inner, jobs.plain)
    assert of_jobs(around) == of_jobs(within) == ["plain"]


@monitored
def test_eight_components_that_begin_and_end_at_any_time_miss_nothing(jobs: ModuleType) -> None:
    """All call the same function, and one of its own, again and again, while others begin and end."""
    own = {str(n): getattr(jobs, name) for n, name in enumerate(("plain", "loop", "never", "one", "two", "three"))}
    wrong: list[object] = []
    together = threading.Barrier(len(own))

    def component(name: str) -> None:
        together.wait()
        for _ in range(200):
            with acting_for(ThreadOwner(name)), watch_calls() as entered:
                jobs.common()
                own[name]()
            expected = {"entered_jobs.common", f"entered_jobs.{own[name].__name__}"}
            expected |= {"entered_jobs.plain"} if name == "1" else set()
            if set(entered.names()) != expected:
                wrong.append((name, entered.names()))

    threads = [threading.Thread(target=component, args=(name,)) for name in own]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


@monitored
def test_a_function_that_all_have_called_is_switched_off(jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one of them has not, Python reports it again and again."""
    reports = []
    monkeypatch.setattr(called_functions, "thread_owner", lambda: reports.append(1) or thread_owner())
    one, other = ThreadOwner("one"), ThreadOwner("other")

    def reports_of(owner: ThreadOwner) -> int:
        reports.clear()
        in_component(owner, jobs.loop)
        return len(reports)

    with acting_for(one), watch_calls() as first:
        assert 2 <= reports_of(one) < 500
        assert reports_of(one) < 500
        with acting_for(other), watch_calls() as second:
            assert reports_of(one) > 1000
            assert 2 <= reports_of(other) < 500
            assert reports_of(one) < 500
    assert of_jobs(first) == of_jobs(second) == ["loop", "plain"]


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
