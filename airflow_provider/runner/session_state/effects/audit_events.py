"""The acts that Python announces: which of its audit events change something outside the process, and what.

The events are those of the audit table of Python 3.11 to 3.13. What C libraries do raises none of them, nor does what
happens on a descriptor that was opened earlier: such things are found by reading the code (:mod:`.harmless`).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["file", "connection", "process", "database", "library", "state", "thread"]

CONNECTED, LISTENED = "connected to", "listened on"
"""What was done to an address, for code that must know which."""


@dataclass(frozen=True)
class SideEffect:
    """Something that was done outside the process, or to the process as a whole.

    :param kind: ``file``, ``connection``, ``process`` (one that was started or signalled), ``database``, ``library``
        (C code that was called through ctypes), ``state`` (limits, the host's name), ``thread`` (one that was left
        running)
    :param what: what was done, such as "opened for writing"
    :param target: what it was done to
    :param where: file and line of the author's code that did it; empty if no such code was on the stack
    """

    kind: Kind
    what: str
    target: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.target!r}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True)
class AuditedEvent:
    """What an audit event says, before anybody has looked at who caused it.

    :param kind: see :class:`SideEffect`; ``read`` for a file that was opened for reading, ``environment`` for an
        environment variable that was set or unset. The working directory and the environment are no side effects: what
        becomes of them is session state
    :param what: see :class:`SideEffect`
    :param target: the path, the address, the command, …
    :param also: a second path that is not what it was, as when a file gets another name; None if there is none
    """

    kind: Kind | Literal["read", "environment"]
    what: str
    target: Any
    also: Any = None


Reader = Callable[[tuple[Any, ...]], AuditedEvent | None]

_QUOTED = ("rb", 0)
"""Mode and flags with which Python's C code opens a file to quote the line of a syntax error. The file may not exist,
such as ``<unknown>``. ``open()`` always sets a flag (``O_CLOEXEC``), and ``os.open()`` has no mode."""
_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _opened(args: tuple[Any, ...]) -> AuditedEvent | None:
    path, mode, flags = args
    if isinstance(path, int):
        return None  # a descriptor, which was opened earlier
    if (mode, flags) == _QUOTED:
        return None
    by_flags = mode is None and isinstance(flags, int) and flags & _WRITING_FLAGS
    if by_flags or (isinstance(mode, str) and any(letter in mode for letter in "wax+")):
        return AuditedEvent("file", "opened for writing", path)
    return AuditedEvent("read", "opened for reading", path)


def _mapped(args: tuple[Any, ...]) -> AuditedEvent | None:
    descriptor, access = args[0], args[2]
    private = access in (mmap.ACCESS_READ, mmap.ACCESS_COPY)
    return (
        None if descriptor == -1 or private else AuditedEvent("file", "mapped for writing", f"descriptor {descriptor}")
    )


def _at(kind: Kind, what: str, index: int | None = 0) -> Reader:
    """Return what reads an event whose argument of this index is the target."""

    def read(args: tuple[Any, ...]) -> AuditedEvent:
        return AuditedEvent(kind, what, args[index] if index is not None and index < len(args) else "")

    return read


def _renamed(what: str) -> Reader:
    """Return what reads an event that gives a file a second path."""

    def read(args: tuple[Any, ...]) -> AuditedEvent:
        return AuditedEvent("file", what, args[0], also=args[1])

    return read


def _server(kind: Kind, what: str) -> Reader:
    """Return what reads an event of a client: itself, host, port."""

    def read(args: tuple[Any, ...]) -> AuditedEvent:
        return AuditedEvent(kind, what, ":".join(str(part) for part in args[1:3]))

    return read


def _client(kind: Kind, what: str) -> Reader:
    """Return what reads an event of a client that is connected: itself and what it sends, which may be a secret."""

    def read(args: tuple[Any, ...]) -> AuditedEvent:
        client = args[0]
        return AuditedEvent(kind, what, str(getattr(client, "host", None) or type(client).__name__))

    return read


def _variable(args: tuple[Any, ...]) -> AuditedEvent:
    return AuditedEvent("environment", "set or unset", args[0])


def _command(args: tuple[Any, ...]) -> AuditedEvent:
    return AuditedEvent("process", "started", args[0])


_FILES = {
    "os.chmod": "changed the mode of",
    "os.chown": "changed the owner of",
    "os.chflags": "changed the flags of",
    "os.mkdir": "made the directory",
    "os.remove": "removed",
    "os.removexattr": "changed an attribute of",
    "os.rmdir": "removed the directory",
    "os.setxattr": "changed an attribute of",
    "os.truncate": "truncated",
    "os.utime": "changed the times of",
    "shutil.chown": "changed the owner of",
    "shutil.copymode": "copied the mode of",
    "shutil.copystat": "copied the mode of",
    "shutil.make_archive": "made the archive",
    "shutil.rmtree": "removed the directory",
    "shutil.unpack_archive": "unpacked",
    "tempfile.mkdtemp": "made the directory",
    "tempfile.mkstemp": "made",
}
_COPIES = {"shutil.copyfile": "copied a file to", "shutil.copytree": "copied a directory to"}
_RENAMES = {"os.link": "linked", "os.rename": "renamed", "os.symlink": "linked", "shutil.move": "moved"}
_PROCESSES = {
    "os.exec": "became",
    "os.posix_spawn": "started",
    "os.spawn": "started",
    "os.system": "started",
    "pty.spawn": "started",
    "subprocess.Popen": "started",
    "webbrowser.open": "opened in a browser",
}
_CLIENTS = {"ftplib", "imaplib", "nntplib", "poplib", "smtplib", "telnetlib", "http.client"}
_STATE = {
    "resource.prlimit": "set a limit of",
    "resource.setrlimit": "set the limit",
    "sys.addaudithook": "added an audit hook",
}

READERS: Mapping[str, Reader] = {
    "open": _opened,
    "mmap.__new__": _mapped,
    **{event: _at("file", what) for event, what in _FILES.items()},
    **{event: _at("file", what, 1) for event, what in _COPIES.items()},
    **{event: _renamed(what) for event, what in _RENAMES.items()},
    **dict.fromkeys(_PROCESSES, _command),
    "os.spawn": _at("process", "started", 1),
    **{event: _at("process", "forked", None) for event in ("os.fork", "os.forkpty")},
    **{event: _at("process", "signalled") for event in ("os.kill", "os.killpg")},
    "socket.connect": _at("connection", CONNECTED, 1),
    "socket.bind": _at("connection", LISTENED, 1),
    "socket.sendto": _at("connection", "sent to", 1),
    "socket.sendmsg": _at("connection", "sent to", 1),
    "socket.sethostname": _at("state", "set the host's name to"),
    "urllib.Request": _at("connection", "requested"),
    **{f"{module}.connect": _server("connection", CONNECTED) for module in _CLIENTS},
    "imaplib.open": _server("connection", CONNECTED),
    "telnetlib.Telnet.open": _server("connection", CONNECTED),
    "nntplib.putline": _client("connection", "sent to"),
    "poplib.putline": _client("connection", "sent to"),
    "ftplib.sendcmd": _client("connection", "sent to"),
    "telnetlib.Telnet.write": _client("connection", "sent to"),
    **{f"{module}.send": _client("connection", "sent to") for module in ("http.client", "imaplib", "smtplib")},
    "syslog.openlog": _at("connection", "logged to", None),
    "syslog.syslog": _at("connection", "logged to", None),
    "sqlite3.connect": _at("database", "opened"),
    "sqlite3.load_extension": _at("library", "loaded", 1),
    "ctypes.dlopen": _at("library", "loaded"),
    "ctypes.dlsym": _at("library", "took from a library", 1),
    "ctypes.call_function": _at("library", "called"),
    **{event: _at("state", what) for event, what in _STATE.items()},
    **dict.fromkeys(("os.putenv", "os.unsetenv"), _variable),
}
"""Audit event to what it says. Not among them: what only asks (``os.listdir``), and locks on open descriptors."""
