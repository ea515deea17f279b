"""Attributes that a component's code sets in classes and modules of libraries: ``pandas.DataFrame.to_x = …``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.session_state.effects.state_values import ABSENT, named_value
from airflow_provider.runner.session_state.kinds.process_state_kind import (
    LeftInProcess,
    Need,
    ProcessStateKind,
    hides_names,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.watched_names import WATCHED, WatchedNames

_ATTRIBUTE = re.compile(r"attribute (?P<name>'.*') of ")


class LibraryAttributes(ProcessStateKind):
    """What setting an attribute of a library's class or module leaves."""

    name = "library attributes"

    def look(self, look: SessionLook) -> Mapping[str, Any]:
        watched: WatchedNames | None = look.memory.get(WATCHED)
        return watched.foreign.looks() if watched is not None else {}

    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        attribute = left.name.rpartition(".")[2]
        if reading is not None and any(
            attribute in used.name.split(".") for used in (*reading.attributes, *reading.foreign)
        ):
            return Need.YES
        return Need.MAYBE if hides_names(reading) else Need.NO

    def still_has(self, left: LeftInProcess) -> bool:
        return left.is_new and named_value(left.name) is not ABSENT

    def is_silent(self, left: LeftInProcess) -> bool:
        return not left.is_new  # a method that it replaced is there again, and does something else

    def words(self, left: LeftInProcess) -> str:
        owner, _, attribute = left.name.rpartition(".")
        return f"attribute {attribute!r} of {owner}"

    def leaves_code(self, changes: SessionChanges) -> bool:
        return bool(changes.of(self))

    def is_missed(self, name: str, error: str) -> bool:
        found = _ATTRIBUTE.match(name)
        return found is not None and error.startswith("AttributeError") and found["name"] in error


LIBRARY_ATTRIBUTES = LibraryAttributes()
