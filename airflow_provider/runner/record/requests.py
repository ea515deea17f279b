"""Requests of people to the next attempt, and their outcome."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, ConfigDict, Field

from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.record.json_record import JsonRecord

LONGEST_REASON = 10_000
"""Most characters of a request, and of the reason for its outcome, in a checkpoint."""

TYPED = "typed into the store"
IN_THE_FILE = "restart_from in the DAG file"
AT_THE_TRIGGER = "restart_from in the run's conf or params"


class RestartRequest(RestartFrom):
    """A request to restart from components.

    :param id: distinguishes requests for the same components; empty if a person typed the request by hand
    :param requested_at: when it was made, None if that is not known
    :param requested_by: who made it, None if that is not known
    :param source: how it was made
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    requested_at: AwareDatetime | None = Field(default_factory=lambda: datetime.now(UTC))
    requested_by: str | None = None
    source: str = "a command"

    @classmethod
    def typed(cls, written: Any) -> RestartRequest:
        """Return a request that a person typed by hand.

        :param written: a name, a list of names, or a mapping
        :raises pydantic.ValidationError: it is none of these
        """
        asked = RestartFrom.model_validate(written)
        return cls(**asked.model_dump(), id="", requested_at=None, source=TYPED)

    @classmethod
    def from_config_value(cls, asked: RestartFrom, source: str, requested_by: str | None = None) -> RestartRequest:
        """Return a request that every attempt finds again. Its value identifies it, so it is carried out once.

        :param source: where it is written
        :param requested_by: who wrote it, None if that is not known
        """
        value = RestartFrom(components=asked.components, only=asked.only, until=asked.until)
        text = json.dumps([source, value.model_dump()], sort_keys=True)
        identity = hashlib.sha256(text.encode()).hexdigest()
        return cls(**value.model_dump(), id=identity, requested_at=None, requested_by=requested_by, source=source)

    def adopted(self) -> RestartRequest:
        """Return it with an id."""
        return self if self.id else self.model_copy(update={"id": uuid.uuid4().hex})

    @property
    def origin(self) -> str:
        """How, when and by whom it was made, as far as it is known."""
        return _origin(self.source, self.requested_by, self.requested_at)


class SettledRequest(JsonRecord):
    """The outcome of a request.

    :param id: the request's id
    :param what: what it asked for
    :param source: how it was made
    :param requested_at: when, None if that is not known
    :param requested_by: by whom, None if that is not known
    :param settled_at: when an attempt began to carry it out, or set it aside
    :param attempt: number of that attempt
    :param set_aside: why it could not be carried out; None if it was
    """

    id: str
    what: str = Field(max_length=LONGEST_REASON)
    source: str
    requested_at: AwareDatetime | None = None
    requested_by: str | None = None
    settled_at: AwareDatetime
    attempt: int = Field(ge=0)
    set_aside: str | None = Field(default=None, max_length=LONGEST_REASON)

    @classmethod
    def of(cls, request: RestartRequest, at: datetime, attempt: int, set_aside: str | None = None) -> SettledRequest:
        """Return the outcome of a request for the record."""
        return cls(
            id=request.id,
            what=str(request)[:LONGEST_REASON],
            source=request.source,
            requested_at=request.requested_at,
            requested_by=request.requested_by,
            settled_at=at,
            attempt=attempt,
            set_aside=set_aside and set_aside[:LONGEST_REASON],
        )

    @classmethod
    def unreadable(cls, at: datetime, attempt: int, why: str | None) -> SettledRequest:
        """Return the outcome of something in the store that is not a request."""
        return cls(
            id=uuid.uuid4().hex,
            what="a request that cannot be read",
            source=TYPED,
            settled_at=at,
            attempt=attempt,
            set_aside=(why or "")[:LONGEST_REASON],
        )

    def __str__(self) -> str:
        when = f"attempt {self.attempt} at {self.settled_at:%Y-%m-%d %H:%M:%S} UTC"
        became = f"set aside by {when}: {self.set_aside}" if self.set_aside else f"carried out by {when}"
        origin = _origin(self.source, self.requested_by, self.requested_at)
        return f"{self.what} ({origin}): {became}"


def _origin(source: str, by: str | None, at: datetime | None) -> str:
    # Anybody who can write to the store chooses these words, and a terminal shows them.
    words = f"{source} by {by}" if by else source
    plain = "".join(letter if letter.isprintable() else "?" for letter in words)
    return f"{plain} at {at:%Y-%m-%d %H:%M:%S} UTC" if at else plain
