"""A session that outlives the client: a frozen copy of it on the server spares the next attempt restore and replay.

After every component the server copies the session, before the component is recorded, and the record names the copy.
So a copy holds what completed components left and nothing of one that was still running; and because each attempt
works in a copy of the copy, a replaced attempt that still runs shares nothing with its successor.

A record names sessions by words that mean something within their run only, so that it cannot lead to another run's.
"""

from __future__ import annotations

from typing import Protocol


class LiveSession(Protocol):
    """The session of one attempt, on a server that can copy it."""

    @property
    def session_id(self) -> str:
        """The name of this attempt's own session, as a record may have it."""

    @property
    def origin(self) -> str:
        """A hash of the server, the user and the properties that a new session would begin with."""

    def attach(self, copy: str) -> bool:
        """Begin with what a copy holds. False if the server no longer has it or cannot do that."""

    def detach(self) -> None:
        """Give up what :meth:`attach` gave: the next session begins empty."""

    def copy(self) -> str | None:
        """Let the server copy the session as it is now and return the copy's name; None if it cannot."""

    def release(self, session_id: str) -> None:
        """Let the server forget a session and stop what still runs in it. Never fails."""
