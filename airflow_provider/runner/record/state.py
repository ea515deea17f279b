"""The record of a run's progress. Plain JSON with a format version; no config values, only hashes."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.record.session_state import SessionStateRecord

FORMAT_VERSION = 1
"""The format that this version of the package writes, and the newest that it reads."""

Scope = tuple[str, ...]
"""What tells apart pipelines that share a run id: ``()`` outside Airflow, ``(dag, task, map index)`` in it."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ComponentRecord(_Record):
    """What is known of one completed component.

    :param fingerprint: fingerprint of the component's config when it completed
    :param completed_at: when that was
    :param duration_seconds: how long it ran
    :param attempt: which attempt completed it
    :param session_state: what it left in the session; None if nobody looked
    """

    fingerprint: str
    completed_at: datetime
    duration_seconds: float
    attempt: int
    session_state: SessionStateRecord | None = None


class RestartRequest(_Record):
    """What a person asked of the next attempt: run this component and all its descendants again.

    :param component: name of the component
    :param id: tells this request from an earlier one for the same component
    :param requested_at: when it was left
    """

    component: str = Field(min_length=1)
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    requested_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class CheckpointState(_Record):
    """The progress of one pipeline under one run id.

    :param run_id: Airflow's ``run_id``, or any name for the run outside Airflow
    :param pipeline_name: name of the pipeline
    :param pipeline_fingerprint: fingerprint of the whole config
    :param completed_components: names of the components that completed and are still valid, in that order
    :param failed_component: the one that failed last in the newest attempt
    :param status: ``in_progress`` (also after a crash), ``failed`` or ``completed``
    :param created_at: when the first attempt began
    :param updated_at: when this was saved
    :param scope: what else identifies the run, see :data:`Scope`
    :param attempt: number of the newest attempt
    :param fence: grows by one with each attempt that takes the checkpoint over
    :param owner: random id of the attempt that took it over
    :param components: details of the completed components
    :param fields: component to field hashes for the whole config, to say later what changed
    :param restart_from: the request to restart from a component that has been carried out
    :param restart_request: id of the last :class:`RestartRequest` that has been carried out
    :param session_state_url: directory of this run's saved views
    :param live_session: where a server keeps the session, None if none does
    :param airflow: what Airflow said of the newest attempt, empty outside Airflow
    """

    format_version: int = FORMAT_VERSION
    run_id: str = Field(min_length=1)
    pipeline_name: str = Field(min_length=1)
    pipeline_fingerprint: str
    completed_components: list[str] = Field(default_factory=list)
    failed_component: str | None = None
    status: Literal["in_progress", "failed", "completed"] = "in_progress"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    scope: Scope = ()
    attempt: int = 1
    fence: int = 0
    owner: str = ""
    components: dict[str, ComponentRecord] = Field(default_factory=dict)
    fields: dict[str, dict[str, str]] = Field(default_factory=dict)
    restart_from: str | None = None
    restart_request: str | None = None
    session_state_url: str | None = None
    live_session: LiveSessionRecord | None = None
    airflow: dict[str, Any] = Field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON data without nulls."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def from_json(cls, data: object) -> CheckpointState:
        """Read a record.

        :param data: what :meth:`to_json` returned, or its JSON text
        :raises CheckpointFormatError: written by a newer version
        :raises CheckpointCorruptError: not a checkpoint
        """
        if isinstance(data, (str, bytes)):
            try:
                data = json.loads(data)
            except ValueError as error:
                raise CheckpointCorruptError(f"not JSON: {error}") from error
        version = data.get("format_version") if isinstance(data, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise CheckpointFormatError(version, FORMAT_VERSION)
        if version != FORMAT_VERSION:
            raise CheckpointCorruptError("it has no format_version that this package knows")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise CheckpointCorruptError(f"field {place!r}: {first['msg']}") from error
