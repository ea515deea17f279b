"""Serves the files of the tab. There is nothing else behind it: no data and no action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STATIC = Path(__file__).parent / "static"

_HEADERS = [(b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
"""A browser asks each time whether a file has changed: modules that import each other must be of one version."""


class TabFiles:
    """An ASGI application that hands out the JavaScript modules of the tab.

    Airflow imports plugins in every process, task processes included. So nothing of a web framework is imported before
    the first request.
    """

    def __init__(self) -> None:
        self._files: Any = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._files is None:
            from starlette.staticfiles import StaticFiles

            self._files = StaticFiles(directory=STATIC)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._files(scope, receive, send_with_headers)
