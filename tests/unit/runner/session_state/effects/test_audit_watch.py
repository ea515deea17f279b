"""What is seen of a component's Python while it runs: real files, sockets, processes, databases and threads."""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import importlib
import io
import json
import logging
import logging.handlers
import mmap
import os
import queue
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest

from airflow_provider.launch import driver_package
from airflow_provider.runner.config.thread_owner import ThreadOwner, acting_for, thread_owner
from airflow_provider.runner.session_state.effects.audit_events import AuditedEvent
from airflow_provider.runner.session_state.effects.audit_watch import (
    MOST_FILES,
    MOST_SIDE_EFFECTS,
    DriverObservations,
    SparkFootprint,
    watch_driver,
)
from airflow_provider.runner.session_state.effects.call_stack import DRIVER_SCRIPT, layer_of


def seen_of(work: Callable[[], object], facts: SparkFootprint | None = None) -> DriverObservations:
    watch = watch_driver(facts or SparkFootprint())
    with watch:
        work()
    return watch.seen


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a file, a directory and a link in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("old")
    return tmp_path


def opened(path: str, mode: str) -> None:
    with open(path, mode):
        pass


def mapped() -> None:
    with open("old", "rb") as file:
        descriptor = os.dup(file.fileno())
    with suppress(OSError, ValueError):
        mmap.mmap(descriptor, 0)
    os.close(descriptor)


def forked() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def zipped() -> None:
    with zipfile.ZipFile("z.zip", "w") as archive:
        archive.writestr("a", "b")


def in_thread(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    return run


def in_pool(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()

    return run


LOCAL_ACTS: dict[str, tuple[Callable[[], object], str, str]] = {
    # what is done: how, the kind and the words that are noted of it
    "write": (lambda: opened("new", "w"), "file", "opened for writing"),
    "append": (lambda: opened("old", "a"), "file", "opened for writing"),
    "create": (lambda: opened("new", "x"), "file", "opened for writing"),
    "update": (lambda: opened("old", "r+"), "file", "opened for writing"),
    "os.open": (lambda: os.close(os.open("new", os.O_CREAT | os.O_RDONLY)), "file", "opened for writing"),
    "write_text": (lambda: Path("new").write_text("x"), "file", "opened for writing"),
    "touch": (lambda: Path("new").touch(), "file", "opened for writing"),
    "touch of a file that exists": (lambda: Path("old").touch(), "file", "changed the times of"),
    "zip": (zipped, "file", "opened for writing"),
    "unlink": (lambda: Path("old").unlink(), "file", "removed"),
    "rename": (lambda: os.rename("old", "new"), "file", "renamed"),
    "replace": (lambda: os.replace("old", "new"), "file", "renamed"),
    "hard link": (lambda: os.link("old", "new"), "file", "linked"),
    "symbolic link": (lambda: os.symlink("old", "new"), "file", "linked"),
    "truncate": (lambda: os.truncate("old", 0), "file", "truncated"),
    "chmod": (lambda: Path("old").chmod(0o600), "file", "changed the mode of"),
    "mkdir": (lambda: Path("new").mkdir(), "file", "made the directory"),
    "rmdir": (lambda: Path("folder").rmdir(), "file", "removed the directory"),
    "copy": (lambda: shutil.copy("old", "new"), "file", "copied a file to"),
    "move": (lambda: shutil.move("old", "new"), "file", "moved"),
    "rmtree": (lambda: shutil.rmtree("folder"), "file", "removed the directory"),
    "archive": (lambda: shutil.make_archive("a", "zip", "folder"), "file", "made the archive"),
    "temporary file": (lambda: tempfile.NamedTemporaryFile().close(), "file", "opened for writing"),
    "temporary directory": (lambda: tempfile.mkdtemp(dir="."), "file", "made the directory"),
    "mmap": (mapped, "file", "mapped for writing"),
    "log to a file": (lambda: logging.FileHandler("log").close(), "file", "opened for writing"),
    "sqlite": (lambda: sqlite3.connect("db").close(), "database", "opened"),
    "sqlite in memory, which can attach files": (lambda: sqlite3.connect(":memory:").close(), "database", "opened"),
    "subprocess": (lambda: subprocess.run(["true"], check=True), "process", "started"),
    "os.system": (lambda: os.system("true"), "process", "started"),
    "os.popen": (lambda: os.popen("true").read(), "process", "started"),
    "posix_spawn": (lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0), "process", "started"),
    "fork": (forked, "process", "forked"),
    "signal": (lambda: os.kill(os.getpid(), 0), "process", "signalled"),
    "ctypes": (lambda: ctypes.CDLL(None).getpid(), "library", "loaded"),
    "thread": (in_thread(lambda: opened("new", "w")), "file", "opened for writing"),
    "thread without code of the author": (
        lambda: in_thread(Path("new").touch)(),
        "file",
        "opened for writing",
    ),
    "pool": (in_pool(Path("new").touch), "file", "opened for writing"),
    "thread from asyncio": (lambda: asyncio.run(asyncio.to_thread(Path("new").touch)), "file", "opened for writing"),
}


@pytest.mark.parametrize(("act", "kind", "what"), LOCAL_ACTS.values(), ids=LOCAL_ACTS)
def test_an_act_on_this_host_is_seen(here: Path, act: Callable[[], object], kind: str, what: str) -> None:
    """Invariant 11: what changes something outside the session is evidence against running it again."""
    acts = seen_of(act).acts
    assert (kind, what) in [(a.kind, a.what) for a in acts]


@pytest.fixture
def server() -> Iterator[int]:
    """The port of an HTTP server that answers everything with an empty page."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield web.server_address[1]
    web.shutdown()
    thread.join()
    web.server_close()


async def by_asyncio(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()


def by_smtp(port: int) -> None:
    with suppress(smtplib.SMTPException, OSError):  # what answers is no mail server
        smtplib.SMTP("127.0.0.1", port, timeout=0.1)


def bound() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))


def sent(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaking:
        speaking.sendto(b"x", ("127.0.0.1", port))


NETWORK_ACTS: dict[str, tuple[Callable[[int], object], str]] = {
    "socket": (lambda port: socket.create_connection(("127.0.0.1", port)).close(), "connected to"),
    "listening": (lambda port: bound(), "listened on"),
    "datagram": (sent, "sent to"),
    "urllib": (lambda port: urllib.request.urlopen(f"http://127.0.0.1:{port}").close(), "requested"),
    "smtplib": (by_smtp, "connected to"),
    "asyncio": (lambda port: asyncio.run(by_asyncio(port)), "connected to"),
}


@pytest.mark.parametrize(("act", "what"), NETWORK_ACTS.values(), ids=NETWORK_ACTS)
def test_an_act_in_the_network_is_seen(server: int, act: Callable[[int], object], what: str) -> None:
    """Also on the loopback address: it is not Spark's Python that connects."""
    acts = seen_of(lambda: act(server)).acts
    assert ("connection", what) in [(a.kind, a.what) for a in acts]
    assert any(a.where.startswith("test_audit_watch.py:") for a in acts)


def test_a_request_on_a_connection_that_was_there_already_is_seen(server: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server)
    client.request("GET", "/")
    client.getresponse().read()  # now the server has its thread for this connection
    acts = seen_of(lambda: client.request("POST", "/", b"secret body")).acts
    client.close()
    assert [(a.kind, a.what, a.target) for a in acts] == [("connection", "sent to", "127.0.0.1")]


def test_an_address_shows_no_password(here: Path) -> None:
    """Invariant 8: acts stand in the log."""

    def act() -> None:
        with suppress(OSError):
            urllib.request.urlopen("http://user:geheim@127.0.0.1:9/")

    found = seen_of(act).acts
    assert "geheim" not in " ".join(map(str, found))
    assert str(found[0]).startswith("requested 'http://user:***@127.0.0.1:9/' (test_audit_watch.py:")


def computes() -> None:
    json.loads(json.dumps({"a": 1}))
    io.StringIO().write("x")
    ZoneInfo("Europe/Berlin")
    try:
        raise ValueError
    except ValueError:
        traceback.format_exc()


NO_ACTS: dict[str, Callable[[], object]] = {
    "print": lambda: print("x"),
    "compute": computes,
    "nothing": lambda: opened("/dev/null", "w"),
    "memory": lambda: mmap.mmap(-1, 10).close(),
    "list": lambda: os.listdir("."),
    "asyncio": lambda: asyncio.run(asyncio.sleep(0)),
    "thread": in_thread(computes),
    "pool": in_pool(computes),
    "read": lambda: opened("old", "r"),
}


@pytest.mark.parametrize("work", NO_ACTS.values(), ids=NO_ACTS)
def test_what_changes_nothing_is_no_act(here: Path, work: Callable[[], object]) -> None:
    assert seen_of(work).acts == ()


def test_what_session_state_is_looked_at_for_is_no_act(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt has it again because the component runs again, so it is no reason against that."""
    monkeypatch.delenv("OF_A_TEST", raising=False)

    def changes_the_process() -> None:
        os.environ["OF_A_TEST"] = "x"
        del os.environ["OF_A_TEST"]
        os.chdir("folder")

    assert seen_of(changes_the_process).acts == ()


def test_variables_that_an_import_sets_are_told_apart(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import sets them again in the next attempt; what the author's code sets as well is the author's."""
    folder = here / "site-packages"
    folder.mkdir()
    (folder / "sets_variables.py").write_text(
        "import os\nos.environ.update(OF_IMPORT='x', OF_BOTH='x', OF_FIRST='x')\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    for name in ("OF_IMPORT", "OF_BOTH", "OF_AUTHOR", "OF_FIRST"):
        monkeypatch.setenv(name, "")

    def sets_variables() -> None:
        os.environ["OF_FIRST"] = "y"
        importlib.import_module("sets_variables")
        os.environ["OF_BOTH"] = os.environ["OF_AUTHOR"] = "y"

    assert seen_of(sets_variables).set_by_imports == {"OF_IMPORT"}


def test_an_import_is_no_act_though_it_writes_compiled_code(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the imported module does is one: it is the author's code as well."""
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (here / "quiet_module.py").write_text("VALUE = 1\n")
    (here / "loud_module.py").write_text("open('made', 'w').close()\n")
    seen = seen_of(lambda: importlib.import_module("quiet_module"))
    assert (seen.acts, seen.read_files) == ((), ())
    assert (here / "__pycache__").exists()
    (act,) = seen_of(lambda: importlib.import_module("loud_module")).acts
    assert (act.target, act.where) == ("made", "loud_module.py:1")


def test_files_that_were_read_are_sources(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their real paths, each once; not modules, and not what Python reads for itself."""
    monkeypatch.syspath_prepend(str(here))
    (here / "reads_data.py").write_text("TEXT = open('folder/../old').read()\n")

    def work() -> None:
        importlib.import_module("reads_data")
        Path("link").read_text()
        computes()

    seen = seen_of(work)
    assert seen.read_files == (os.path.realpath(here / "old"),)
    assert seen.acts == ()


def test_a_file_that_python_opens_to_quote_a_syntax_error_is_no_source(here: Path) -> None:
    """Python 3.13 parses, and fails to parse, lines of code when it formats a traceback."""

    def parses() -> None:
        for name in ("<unknown>", "<string>", "old"):
            with suppress(SyntaxError):
                compile("x =", name, "exec")

    assert seen_of(parses) == DriverObservations((), (), False, ANY)
    assert seen_of(lambda: os.close(os.open("old", os.O_RDONLY))).read_files == (os.path.realpath(here / "old"),)


def test_of_very_many_acts_and_files_some_are_noted_and_that_there_were_more(here: Path) -> None:
    def writes() -> None:
        for number in range(MOST_SIDE_EFFECTS + 1):
            Path(f"new{number}").touch()

    def reads() -> None:
        for number in range(MOST_FILES + 1):
            with suppress(OSError):
                Path(f"missing{number}").read_bytes()

    written, read = seen_of(writes), seen_of(reads)
    assert (len(written.acts), written.truncated) == (MOST_SIDE_EFFECTS, True)
    assert (len(read.read_files), read.truncated, read.acts) == (MOST_FILES, True, ())


def test_only_what_happens_while_it_is_watched_counts(here: Path) -> None:
    """A watch may be entered again: a component that is tried three times is one component."""
    watch = watch_driver(SparkFootprint())
    Path("before").touch()
    with watch:
        Path("first").touch()
    Path("between").touch()
    with watch:
        Path("second").touch()
    assert {os.path.basename(a.target) for a in watch.seen.acts} == {"first", "second"}


def test_what_the_process_logs_is_no_act_of_the_component(here: Path) -> None:
    """A handler of the root logger opens its file with the first line: that is the log, wherever the host keeps it."""
    handler = logging.FileHandler("host.log", delay=True)
    logging.root.addHandler(handler)
    try:
        assert seen_of(lambda: logging.getLogger("orders").error("x")).acts == ()
    finally:
        logging.root.removeHandler(handler)
        handler.close()
    assert (here / "host.log").read_text()
    other = logging.FileHandler("orders.log", delay=True)
    logger = logging.getLogger("orders")
    logger.addHandler(other)
    try:
        assert [a.what for a in seen_of(lambda: logger.error("x")).acts] == ["opened for writing"]
    finally:
        logger.removeHandler(other)
        other.close()


def test_threads_that_were_there_for_something_else_do_not_count(here: Path) -> None:
    """Such as one that sends metrics: it was started while nobody watched, and runs no code of the author."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue()
    handler = logging.FileHandler("metrics", delay=True)
    listener = logging.handlers.QueueListener(lines, handler)
    listener.start()
    watch = watch_driver(SparkFootprint())
    with watch:
        lines.put(logging.makeLogRecord({"msg": "x"}))
        listener.stop()
    handler.close()
    assert (here / "metrics").exists()
    assert watch.seen.acts == ()


def test_work_that_is_handed_to_a_pool_that_was_there_counts(here: Path) -> None:
    """Whoever made it: nobody else hands over work to pools while a component runs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(computes).result()  # starts its thread
        acts = seen_of(lambda: pool.submit(Path("new").touch).result()).acts
    assert "opened for writing" in [a.what for a in acts]


def test_a_thread_that_is_left_running_is_an_act(here: Path) -> None:
    """What it does later is seen by nobody."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="sender")
    (act,) = seen_of(thread.start).acts
    end.set()
    thread.join()
    assert (act.kind, act.target) == ("thread", "sender")


def test_a_pool_that_waits_for_work_is_none(here: Path) -> None:
    pool = ThreadPoolExecutor(1)
    ready = seen_of(lambda: (pool.submit(computes).result(), pool.submit(computes).result())).acts
    pool.shutdown()
    assert ready == ()


def test_a_pool_that_works_on_is_an_act(here: Path) -> None:
    pool, end = ThreadPoolExecutor(1), threading.Event()
    acts = seen_of(lambda: pool.submit(end.wait)).acts
    in_c = threading.Lock()
    in_c.acquire()
    in_c_acts = seen_of(lambda: (end.set(), ThreadPoolExecutor(1).submit(in_c.acquire))).acts
    in_c.release()
    pool.shutdown()
    assert [a.kind for a in (*acts, *in_c_acts)] == ["thread", "thread"]


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_cost_is_cpu_time_also_of_threads(here: Path) -> None:
    """Waiting costs nothing: load and slow services must not change a verdict."""
    assert seen_of(lambda: burn(0.1)).cpu_seconds >= 0.1
    assert seen_of(in_thread(lambda: burn(0.1))).cpu_seconds >= 0.1
    waiting = threading.Event()
    timer = threading.Timer(0.3, waiting.set)
    timer.start()
    assert seen_of(waiting.wait).cpu_seconds < 0.3


def test_two_components_at_once_are_told_apart(here: Path) -> None:
    """What their own threads do. What other threads do counts for both."""
    both_watch, found = threading.Barrier(2), {}

    def component(name: str) -> None:
        watch = watch_driver(SparkFootprint())
        with watch:
            both_watch.wait()
            Path(name).touch()
            both_watch.wait()
        found[name] = {os.path.basename(a.target) for a in watch.seen.acts}

    threads = [threading.Thread(target=component, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"left": {"left"}, "right": {"right"}}


def test_a_thread_that_acts_for_a_watched_one_counts_as_that_one(here: Path) -> None:
    """Its acts and its CPU time are those of one component, whatever other one is watched at the same time."""
    both_watch, found, cpu = threading.Barrier(2), {}, {}

    def component(name: str, seconds: float) -> None:
        watch = watch_driver(SparkFootprint())

        def work(owner: ThreadOwner | None) -> None:
            with acting_for(owner):
                Path(name).touch()
                burn(seconds)

        with watch:
            both_watch.wait()
            in_thread(partial(work, thread_owner()))()
            both_watch.wait()
        found[name] = {(a.kind, os.path.basename(a.target)) for a in watch.seen.acts}
        cpu[name] = watch.seen.cpu_seconds

    threads = [threading.Thread(target=component, args=each) for each in (("left", 0.3), ("right", 0.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"left": {("file", "left")}, "right": {("file", "right")}}
    assert cpu["left"] >= 0.3 > cpu["right"]


SPARKS_OWN: dict[str, tuple[AuditedEvent, bool]] = {
    # what pyspark's code does: whether that is its own business
    "its gateway": (AuditedEvent("connection", "connected to", ("127.0.0.1", 1)), True),
    "a Unix socket": (AuditedEvent("connection", "connected to", "/tmp/s"), True),
    "a driver elsewhere": (AuditedEvent("connection", "connected to", ("10.0.0.7", 1)), True),
    "something else": (AuditedEvent("connection", "connected to", ("10.0.0.8", 1)), False),
    "its temporary files": (AuditedEvent("file", "opened for writing", "/spark/tmp/x"), True),
    "next to them": (AuditedEvent("file", "opened for writing", "/spark/tmp2/x"), False),
    "out of them": (AuditedEvent("file", "opened for writing", "/spark/tmp/../x"), False),
    "a limit": (AuditedEvent("state", "set the limit", "1"), False),
    "a process": (AuditedEvent("process", "started", "java"), False),
    "a database": (AuditedEvent("database", "opened", "/spark/tmp/x"), False),
}


@pytest.mark.parametrize(("found", "own"), SPARKS_OWN.values(), ids=SPARKS_OWN)
def test_sparks_own_acts_are_known_by_what_they_are_done_to(found: AuditedEvent, own: bool) -> None:
    """That pyspark's code does it is not enough: it also does what the author tells it to."""
    assert SparkFootprint(directories=("/spark/tmp",), hosts=("10.0.0.7",)).owns(found) is own


def test_an_error_in_watching_is_no_error_of_the_component(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But what was not understood is not taken for nothing."""
    from airflow_provider.runner.session_state.effects import audit_watch

    def broken(frame: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit_watch, "call_origin", broken)
    seen = seen_of(lambda: Path("new").touch())
    assert (here / "new").exists()
    assert seen.truncated


def test_it_is_known_which_files_are_other_ones_now(here: Path) -> None:
    """Whatever was done to them; of a file that gets another name, both names."""

    def work() -> None:
        opened("old", "a")
        opened("link", "r")
        os.replace("old", "folder/new")
        os.mkdir("more")
        os.rmdir("more")

    place = os.path.realpath(here)
    assert seen_of(work).written_files == (f"{place}/folder/new", f"{place}/more", f"{place}/old")


def test_what_the_driver_of_spark_submit_does_for_itself_is_no_act_of_a_component(tmp_path: Path) -> None:
    """A copy of it runs as the main script, outside the package, and looks after a file of the Airflow task."""
    assert layer_of(str(tmp_path / DRIVER_SCRIPT)) == "own"
    assert layer_of(str(tmp_path / "somebody_elses.py")) == "author"
    assert DRIVER_SCRIPT in Path(driver_package.__file__).read_text(encoding="utf-8")
