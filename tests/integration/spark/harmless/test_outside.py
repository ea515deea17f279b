"""Invariant 11: components that act outside of Spark, and such as only look like it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.integration.spark.harmless.acts.files import JOURNAL
from tests.integration.spark.harmless.case import NOTHING, Case, judge, replayed, saved
from tests.integration.spark.harmless.world import (
    World,
    datagrams,
    entries,
    lines,
    mails,
    posts,
    removed,
    sqlite_rows,
)


def open_the_journal(world: World) -> None:
    JOURNAL.addHandler(logging.FileHandler(world.lines))


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    """Close the journal after the test."""
    yield
    for handler in JOURNAL.handlers[:]:
        JOURNAL.removeHandler(handler)
        handler.close()


def touch(name: str) -> Callable[[World], object]:
    """Return what makes a file of the world."""
    return lambda world: getattr(world, name)


LATER = saved("files.open_to_append_later", "thread", path="{lines}")

CASES = [
    saved("network.post_with_requests", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.post_with_urllib", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.post_with_httpx", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.post_with_http_client", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.post_with_a_socket", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.send_a_datagram", "sent to '127.0.0.1", host="127.0.0.1", port="{datagram_port}", count=datagrams),
    saved("network.send_a_mail", "connected to '127.0.0.1", host="127.0.0.1", port="{mail_port}", count=mails),
    saved("network.post_in_a_thread", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("network.post_in_a_thread_pool", "connected to '127.0.0.1", url="{url}", count=posts, effects=3),
    saved("network.post_with_asyncio", "connected to '127.0.0.1", url="{url}", count=posts),
    saved("processes.run_a_program", "subprocess", path="{lines}", count=lines),
    saved("processes.run_with_os_system", "os.system", path="{lines}", count=lines),
    saved("processes.run_with_popen_and_leave", "popen", path="{lines}", count=lines),
    saved("processes.run_in_a_process", "multiprocessing", path="{lines}", count=lines),
    saved("processes.call_the_c_library", "library 'open'", path="{lines}", count=lines),
    saved("files.rename", "rename", outbox="{outbox}", count=entries),
    saved(
        "files.move_the_input", "rename", source="{csv}", target="{target}", count=removed("csv"), before=touch("csv")
    ),
    saved("files.remove_the_input", "remove", source="{csv}", count=removed("csv"), before=touch("csv")),
    saved("files.copy", "copied a file", source="{csv}", outbox="{outbox}", count=entries),
    saved("files.make_a_directory", "mkdir", outbox="{outbox}", count=entries),
    saved("files.link", "symlink", source="{csv}", outbox="{outbox}", count=entries),
    saved("files.leave_a_temp_file", "made", outbox="{outbox}", count=entries),
    saved("files.log_with_a_handler_of_its_own", "lines.txt", path="{lines}", count=lines),
    saved("files.log_to_a_journal", "'shop.journal' writes to a FileHandler", before=open_the_journal, count=lines),
    replayed("files.log_as_everybody_does"),
    saved("files.open_to_append", "lines.txt", path="{lines}", count=lines),
    saved("files.open_to_append_in_a_thread", "lines.txt", path="{lines}", count=lines),
    saved("files.open_to_write", "written", outbox="{outbox}", count=entries),
    saved("files.os_open", "lines.txt", path="{lines}", count=lines),
    saved("files.write_text", "text", outbox="{outbox}", count=entries),
    saved("files.append_silently", "pyarrow.fs", path="{lines}", count=lines),
    saved("files.insert_with_sqlite", "sqlite3", path="{sqlite}", count=sqlite_rows),
    Case(
        "files.nothing_in_the_session",
        NOTHING,
        ("left no view",),
        config={"path": "{lines}"},
        count=lines,
        view=None,
    ),
    replayed("files.open_to_read", source="{csv}"),
    replayed("files.read_text", source="{csv}"),
    saved("files.list_a_directory", "looks at files: os.listdir", directory="{outbox}"),
    replayed("files.print_a_line"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_acts_outside_of_spark_happens_once_and_the_rest_is_replayed(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)


def test_what_a_thread_does_after_its_component_happens_once(world: World) -> None:
    """Nobody sees what it does, so that it goes on is reason enough."""
    judge(LATER, world)
    for thread in threading.enumerate():
        if thread.name == "later":
            thread.join()
    assert lines(world) == 1
