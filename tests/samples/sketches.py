"""Configs and checkpoints written in one line, so that a table of cases can be read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from airflow_provider.runner import CheckpointState, ComponentConfig, PipelineConfig, compute_pipeline_fingerprint
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes, component_fingerprint
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from tests.samples.pipelines import component

_COMPONENT = re.compile(r"(-?)(\w+)(?:=(\w+))?(?:@(\w+))?(?:\(([\w,]+)\))?(!?)")

COMPLETED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
SECONDS = 5.0
"""How long every completed component of a sketch ran."""


def config(sketch: str, **fields: Any) -> PipelineConfig:
    """Read a pipeline such as ``a b(a) c=2(a,b) d@2 -e f!``.

    ``b(a)`` depends on a, ``c=2`` has the config value 2 (default 1), ``d@2`` has that checkpoint version, ``-e`` is
    disabled and ``f!`` always runs.
    """
    return PipelineConfig(name="p", components=[_component(word) for word in sketch.split()], **fields)


def checkpoint(made_with: PipelineConfig, completed: str, **fields: Any) -> CheckpointState:
    """Return what attempt 1 left that completed ``a b:kept c:replay d:none e:2views f:unrepeatable``.

    What follows the colon is what became of the session state; nothing means that nobody looked.
    """
    components = {c.name: c for c in made_with.components}
    records = {}
    for word in completed.split():
        name, _, handling = word.partition(":")
        records[name] = ComponentRecord(
            fingerprint=component_fingerprint(components[name], made_with.base_dir),
            completed_at=COMPLETED_AT,
            duration_seconds=SECONDS,
            attempt=1,
            session_state=session_state(name, handling),
        )
    fields = {
        "completed_components": list(records),
        "components": records,
        "fields": {name: dict(fields) for name, fields in ConfigHashes.of(made_with).fields.items()},
        **fields,
    }
    return CheckpointState(
        run_id="run-1",
        pipeline_name=made_with.name,
        pipeline_fingerprint=compute_pipeline_fingerprint(made_with),
        **fields,
    )


def session_state(name: str, handling: str) -> SessionStateRecord | None:
    """Return the record of a component that left views and was handled like that; ``2views`` were saved."""
    if not handling:
        return None
    if handling.endswith(("view", "views")):
        return SessionStateRecord(
            handling="kept",
            reason="session_state is 'save'",
            views=[
                SavedView(
                    name=f"{name}_{index}",
                    url=f"/nowhere/{name}/{index}",
                    format="parquet",
                    columns=["id"],
                    files=1,
                    bytes=1,
                    digest="d",
                )
                for index in range(int(handling.removesuffix("s").removesuffix("view")))
            ],
        )
    reasons = {
        "kept": "left no view",
        "replay": "it was cheap",
        "none": "session_state is 'none'",
        "unrepeatable": "registered temp function 'f', which cannot be saved",
    }
    remedy = "make two components of it" if handling == "unrepeatable" else None
    unsavable = reasons[handling] if handling == "unrepeatable" else None
    return SessionStateRecord(
        handling=handling,  # type: ignore[arg-type]
        reason=reasons[handling],
        remedy=remedy,
        unsavable=unsavable,
    )


def _component(word: str) -> ComponentConfig:
    found = _COMPONENT.fullmatch(word)
    assert found, f"not a sketch of a component: {word!r}"
    off, name, value, version, needs, always = found.groups()
    return component(
        name,
        *(needs.split(",") if needs else ()),
        config={"value": value or "1"},
        checkpoint_version=version,
        enabled=not off,
        always_run=bool(always),
    )
