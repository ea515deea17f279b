"""The working directory of the process, where relative paths of Python code lead. Those of Spark do not follow it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from airflow_provider.runner.config.model import ComponentConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.value_hash import value_hash
from airflow_provider.runner.session_state.kinds.process_state_kind import (
    LeftInProcess,
    Need,
    ProcessStateKind,
    hides_names,
    is_below,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

_NAME = "working directory"
_WITHOUT_PATHS = frozenset(
    {
        *(
            "__future__",
            "abc",
            "airflow_provider",
            "base64",
            "builtins",
            "calendar",
            "collections",
            "contextlib",
            "copy",
        ),
        *("dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "itertools", "json.dumps"),
        *("json.loads", "logging", "math", "numpy", "operator", "pyspark", "random", "re", "statistics", "string"),
        *("textwrap", "time", "typing", "uuid", "warnings", "zoneinfo", "sys.path", "locale", "threading", "hmac"),
        *("os.environ", "os.getenv", "os.path.basename", "os.path.dirname", "os.path.join", "os.path.splitext"),
        *("os.putenv", "os.unsetenv", "sys.argv", "sys.version_info", "sys.platform", "urllib.parse", "types"),
    }
)
_WITH_PATHS = frozenset({"builtins.open", "numpy.load", "numpy.save", "numpy.savez", "numpy.loadtxt", "numpy.savetxt"})


class CurrentDirectory(ProcessStateKind):
    """What ``os.chdir`` leaves."""

    name = _NAME

    def look(self, look: SessionLook) -> Mapping[str, Any]:
        try:
            return {_NAME: os.getcwd()}
        except OSError:
            return {_NAME: None}  # it has been deleted

    def digest(self, name: str) -> str:
        try:
            return value_hash(os.getcwd())
        except OSError:
            return ""

    def need_of(self, reading: CodeReading | None, component: ComponentConfig, left: LeftInProcess) -> Need:
        if hides_names(reading) or reading is None:
            return Need.MAYBE
        names = (found.name for found in reading.foreign)
        without = all(is_below(name, _WITHOUT_PATHS) and not is_below(name, _WITH_PATHS) for name in names)
        return Need.NO if without else Need.MAYBE

    def words(self, left: LeftInProcess) -> str:
        return f"the {_NAME} that it changed to"


CURRENT_DIRECTORY = CurrentDirectory()
