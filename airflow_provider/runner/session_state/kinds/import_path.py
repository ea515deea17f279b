"""Where Python looks for modules: ``sys.path``. A record never puts anything there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.session_state.kinds.process_state_kind import (
    LeftInProcess,
    Need,
    ProcessStateKind,
    hides_names,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.sources.added_copies import is_added_copy


class ImportPath(ProcessStateKind):
    """What ``sys.path.insert`` leaves: one name for each entry."""

    name = "import path"

    def look(self, look: SessionLook) -> Mapping[str, Any]:
        # Spark adds the Python files that it was given to the path itself.
        return dict.fromkeys(entry for entry in sys.path if type(entry) is str and not is_added_copy(entry))

    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        if reading is not None:
            names = {*reading.not_found, *(found.name.partition(".")[0] for found in reading.foreign)}
            if not all(map(_is_found, names)):
                return Need.YES
        return Need.MAYBE if hides_names(reading) else Need.NO

    def still_has(self, left: LeftInProcess) -> bool:
        return (left.name in sys.path) == left.is_new

    def is_silent(self, left: LeftInProcess) -> bool:
        return False

    def words(self, left: LeftInProcess) -> str:
        return f"{left.name!r} in sys.path"

    def is_missed(self, name: str, error: str) -> bool:
        return name.endswith(" in sys.path") and error.startswith(("ModuleNotFoundError", "ImportError"))


def _is_found(module: str) -> bool:
    if module in sys.modules or module in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


IMPORT_PATH = ImportPath()
