"""What is recorded of a session that a server keeps for the next attempt."""

from __future__ import annotations

from pydantic import Field

from airflow_provider.runner.record.json_record import JsonRecord


class LiveSessionRecord(JsonRecord):
    """Where the server keeps the session of a run.

    :param session: name of the newest attempt's own session, within the run
    :param origin: see :class:`LiveSession`
    :param copy_id: name of the frozen copy; None if there is none
    :param present: the components whose session state is in the copy
    """

    session: str
    origin: str
    copy_id: str | None = None
    present: list[str] = Field(default_factory=list)
