"""Real servers on the loopback address that count what reaches them."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"


@dataclass
class HttpServer:
    """Answers every request, and counts the POSTs by path.

    :param url: its address
    :param posts: path to number of POSTs
    """

    url: str = ""
    posts: Counter[str] = field(default_factory=Counter)

    def new_path(self) -> str:
        """Return a path that nobody else uses."""
        return f"/{uuid.uuid4().hex}"


@contextlib.contextmanager
def http_server() -> Iterator[HttpServer]:
    """Serve until the end of the block."""
    served = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # so that a client may keep its connection

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            served.posts[self.path] += 1
            self._answer()

        def _answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    served.url = f"http://{HOST}:{server.server_port}"
    with _serving(server):
        yield served


@dataclass
class DatagramServer:
    """Counts datagrams.

    :param port: where it listens
    :param received: how many came
    """

    port: int = 0
    received: int = 0


@contextlib.contextmanager
def datagram_server() -> Iterator[DatagramServer]:
    """Listen until the end of the block."""
    served = DatagramServer()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            served.received += 1

    server = socketserver.UDPServer((HOST, 0), Handler)
    served.port = server.server_address[1]
    with _serving(server):
        yield served


@dataclass
class MailServer:
    """A real SMTP server that keeps what it is sent.

    :param port: where it listens
    :param mails: the bodies
    """

    port: int = 0
    mails: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail; the name is aiosmtpd's."""
        self.mails.append(envelope.content)
        return "250 OK"


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """Take mails until the end of the block."""
    served = MailServer()
    with socket.socket() as free:
        free.bind((HOST, 0))
        served.port = free.getsockname()[1]
    controller = Controller(served, hostname=HOST, port=served.port)
    controller.start()
    try:
        yield served
    finally:
        controller.stop()


@contextlib.contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
