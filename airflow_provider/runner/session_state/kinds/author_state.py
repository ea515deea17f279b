"""What the author's own modules and classes hold: a cache in a global, a class attribute, a counter.

Which names to look at follows from reading the code: what any component writes, and the globals that it uses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.session_state.effects.state_values import digest_of, named_value
from airflow_provider.runner.session_state.kinds.process_state_kind import (
    LeftInProcess,
    Need,
    ProcessStateKind,
    hides_names,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.watched_names import WATCHED, WatchedNames


class AuthorState(ProcessStateKind):
    """What ``jobs.CACHE["orders"] = …`` leaves."""

    name = "module state"
    replaces = False  # each component may have filled a part of a collection

    def look(self, look: SessionLook) -> Mapping[str, Any]:
        watched: WatchedNames | None = look.memory.get(WATCHED)
        return watched.own.looks() if watched is not None else {}

    def may_appear(self, look: SessionLook) -> Collection[str] | None:
        watched: WatchedNames | None = look.memory.get(WATCHED)
        return watched.written if watched is not None else None

    def leaves_code(self, changes: SessionChanges) -> bool:
        return bool(changes.of(self))  # a DataFrame in a collection is as lazy as a view

    def digest(self, name: str) -> str:
        return digest_of(name, named_value(name))

    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        if reading is not None and _asks_for(reading, left.name):
            return Need.YES
        return Need.MAYBE if hides_names(reading) else Need.NO

    def words(self, left: LeftInProcess) -> str:
        return f"what {left.name} holds"


def _asks_for(reading: CodeReading, name: str) -> bool:
    """Whether code uses a name otherwise than to write it. An attribute of a class counts as used with the class."""
    reads = {use.name for use in reading.state_reads}
    writes = {use.name for use in reading.state_writes}
    if name in reads:
        return True
    return name not in writes and (name in reading.constants or name.rpartition(".")[0] in reading.functions)


AUTHOR_STATE = AuthorState()
