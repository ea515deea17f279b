"""Each kind knows the errors of what was lost of it, and takes none for its own that is another's."""

from __future__ import annotations

import pytest

from airflow_provider.runner.session_state.kinds import ADDED_FILES, CHECKPOINT_DIRECTORY, DATA_SOURCES
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionStateKind

NO_SOURCE = "AnalysisException: [DATA_SOURCE_NOT_FOUND] Failed to find the data source: dice. Make sure"
NO_DIRECTORY = "Py4JJavaError: Checkpoint directory has not been set in the SparkContext"
NO_MODULE = "PythonException: ModuleNotFoundError: No module named 'lib'"
NO_FILE = "FileNotFoundError: [Errno 2] No such file or directory: '/tmp/userFiles-1/rates.txt'"

CASES = (
    (DATA_SOURCES, "data source `dice`", NO_SOURCE, True),
    (DATA_SOURCES, "data source `Dice`", NO_SOURCE, True),
    (DATA_SOURCES, "data source `cards`", NO_SOURCE, False),
    (DATA_SOURCES, "data source `dice`", NO_FILE, False),
    (CHECKPOINT_DIRECTORY, "checkpoint directory", NO_DIRECTORY, True),
    (CHECKPOINT_DIRECTORY, "checkpoint directory", NO_FILE, False),
    (ADDED_FILES, "file `rates.txt`", NO_FILE, True),
    (ADDED_FILES, "file `other.txt`", NO_FILE, False),
    (ADDED_FILES, "file", NO_FILE, True),
    (ADDED_FILES, "Python file `lib.py`", NO_MODULE, True),
    (ADDED_FILES, "Python file `other.py`", NO_MODULE, False),
    (ADDED_FILES, "Python file `package.zip`", NO_MODULE, True),
    (ADDED_FILES, "checkpoint directory", NO_DIRECTORY, False),
)


@pytest.mark.parametrize(("kind", "name", "error", "missed"), CASES, ids=lambda value: str(value)[:40])
def test_an_error_says_what_is_missing(
    kind: SessionStateKind[object, object], name: str, error: str, missed: bool
) -> None:
    assert kind.is_missed(name, error) is missed
