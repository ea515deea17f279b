"""The record of a run's progress. Plain JSON with a format version; no config values, only hashes.

A :class:`CheckpointState` is the whole record. A :class:`CheckpointUpdate` is what one event changes in it, so that a
store need not write the whole again after each component.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator

from airflow_provider.errors import CheckpointCorruptError, CheckpointFormatError
from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.json_record import JsonRecord
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.record.requests import SettledRequest
from airflow_provider.runner.record.run_key import RunKey, Scope
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord

FORMAT_VERSION = 2
"""The format that this version of the package writes and reads. Format 1 kept everything in one document."""

_MOST = 10**9

LAST_NUMBER = 10**8
"""No attempt and no fence reaches this number, so a file that has it was made by hand. The next number still fits."""

FORMAT_1 = "it is in format 1, of a version before the first release, which this version cannot read"

Status = Literal["in_progress", "failed", "completed"]


class ComponentRecord(JsonRecord):
    """The record of one completed component.

    :param fingerprint: fingerprint of the component's config when it completed
    :param completed_at: when that was
    :param duration_seconds: how long it ran
    :param attempt: which attempt completed it
    :param session_state: what it left in the session; None if that was not observed
    :param code: which code it ran with; None if that could not be read
    :param sources: what it read, also through its views
    :param writes: what Spark wrote for it: paths and names of tables
    :param left: sources of this and earlier components into which it wrote, as they were after it completed
    """

    fingerprint: str
    completed_at: datetime
    duration_seconds: float = Field(ge=0, allow_inf_nan=False)
    attempt: int = Field(ge=0, le=_MOST)
    session_state: SessionStateRecord | None = None
    code: CodeRecord | None = None
    sources: list[SourceRecord] = Field(default_factory=list)
    writes: list[str] = Field(default_factory=list)
    left: list[SourceRecord] = Field(default_factory=list)


class CheckpointState(JsonRecord):
    """The progress of one pipeline under one run id.

    >>> state = store.load("run-001")
    >>> state.completed_components, state.attempt
    (['load', 'clean'], 1)

    :param run_id: Airflow's ``run_id``, or any name for the run outside Airflow
    :param pipeline_name: name of the pipeline
    :param pipeline_fingerprint: fingerprint of the whole config
    :param completed_components: names of the components that completed and are still valid, in that order
    :param failed_component: the one that failed last in the newest attempt
    :param status: ``in_progress`` (also after a crash), ``failed`` or ``completed``
    :param created_at: when the first attempt began
    :param updated_at: when this was saved
    :param scope: what else identifies the run, see :data:`Scope`
    :param attempt: number of the newest attempt that began
    :param fence: grows by one with each attempt that takes the checkpoint over
    :param owner: random id of the attempt that took it over
    :param components: details of the completed components
    :param fields: component to field hashes for the whole config, to say later what changed
    :param earlier_code: code of components that completed, had to run again and have not completed since, while
        components that depend on them are still complete
    :param left: sources of completed components, as left by the last component that wrote there and failed
    :param requests: the restart requests that were carried out or set aside, oldest first
    :param session_state_url: directory of this run's saved views
    :param live_session: where a server keeps the session, None if no server does
    :param airflow: what Airflow said about the newest attempt, empty outside Airflow
    """

    format_version: int = FORMAT_VERSION
    run_id: str = Field(min_length=1)
    pipeline_name: str = Field(min_length=1)
    pipeline_fingerprint: str = Field(min_length=1)
    completed_components: list[str] = Field(default_factory=list)
    failed_component: str | None = None
    status: Status = "in_progress"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    scope: Scope = ()
    attempt: int = Field(default=1, ge=0, le=_MOST)
    fence: int = Field(default=0, ge=0, le=_MOST)
    owner: str = ""
    components: dict[str, ComponentRecord] = Field(default_factory=dict)
    fields: dict[str, dict[str, str]] = Field(default_factory=dict)
    earlier_code: dict[str, CodeRecord] = Field(default_factory=dict)
    left: list[SourceRecord] = Field(default_factory=list)
    requests: list[SettledRequest] = Field(default_factory=list)
    session_state_url: str | None = None
    live_session: LiveSessionRecord | None = None
    airflow: dict[str, Any] = Field(default_factory=dict)

    @field_validator("status", mode="before")
    @classmethod
    def _refuse_unknown_status(cls, status: object) -> object:
        if status not in get_args(Status):
            raise ValueError(f"Invalid status {status!r}; it is one of {', '.join(map(repr, get_args(Status)))}")
        return status

    @property
    def key(self) -> RunKey:
        """What identifies the checkpoint."""
        return RunKey(self.scope, self.run_id, self.pipeline_name)

    def settled(self, request: str) -> SettledRequest | None:
        """Return the outcome of the request with this id, None if it is not known."""
        return next((found for found in self.requests if found.id == request), None)

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
        state = read_document(cls, data)
        if max(state.attempt, state.fence) > LAST_NUMBER:
            raise CheckpointCorruptError(f"attempt {state.attempt} and fence {state.fence} are impossible numbers")
        return state

    def updated(self, updates: Iterable[CheckpointUpdate]) -> CheckpointState:
        """Return the record with what has happened since."""
        completed, components = dict.fromkeys(self.completed_components), dict(self.components)
        changes: dict[str, Any] = {}
        live = self.live_session
        left = {source.key: source for source in self.left}
        for update in updates:
            if update.component is not None and update.record is not None:
                completed[update.component] = None
                components[update.component] = update.record
            if update.status is not None:
                changes |= {"status": update.status, "failed_component": update.failed_component}
            if live is not None and update.live_copy is not None:
                present = [*live.present, *update.live_adds]
                live = live.model_copy(update={"copy_id": update.live_copy, "present": present})
            if update.status == "completed":
                live = None
            left |= {source.key: source for source in update.left}
            changes["updated_at"] = update.at
        changes |= {
            "completed_components": list(completed),
            "components": components,
            "live_session": live,
            "left": list(left.values()),
        }
        return self.model_copy(update=changes)


class CheckpointUpdate(JsonRecord):
    """What one event changes in the record.

    :param at: when it happened
    :param component: the component that completed, None if none did
    :param record: its record
    :param status: the new status, None if it stays
    :param failed_component: together with ``status``: the component that failed last
    :param live_copy: id of the newest copy of the session on its server, None if it stays
    :param live_adds: the components whose session state is in that copy and was not in the one before
    :param left: sources of completed components, as a component that failed left them
    """

    at: datetime
    component: str | None = None
    record: ComponentRecord | None = None
    status: Status | None = None
    failed_component: str | None = None
    live_copy: str | None = None
    live_adds: list[str] = Field(default_factory=list)
    left: list[SourceRecord] = Field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data without nulls."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


class StoredUpdate(CheckpointUpdate):
    """An update in a document of its own.

    :param owner: the attempt that wrote it
    :param number: its place among the documents of that attempt
    """

    owner: str
    number: int


Document = TypeVar("Document", bound=BaseModel)


def read_document(kind: type[Document], data: object) -> Document:
    """Read a document from a store.

    :param kind: which kind of document it should be
    :param data: plain JSON data, or its text
    :raises CheckpointFormatError: written by a newer version
    :raises CheckpointCorruptError: it is not such a document
    """
    if isinstance(data, (str, bytes)):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CheckpointCorruptError(f"not JSON: {error}") from error
    version = data.get("format_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise CheckpointFormatError(version, FORMAT_VERSION)
    if version == 1:
        raise CheckpointCorruptError(FORMAT_1)
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise CheckpointCorruptError("it has no format_version that this package knows")
    try:
        return kind.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise CheckpointCorruptError(_first_problem(error)) from error


def _first_problem(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"field {place[:200]!r}: {first['msg']}"
