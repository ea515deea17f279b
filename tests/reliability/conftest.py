"""What the reliability tests share."""

from __future__ import annotations

import pytest

from tests.reliability.attempts import attempt


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The outputs of a run that never failed."""
    outcome = attempt(tmp_path_factory.mktemp("reference"))
    assert outcome["status"] == "success"
    return outcome["outputs"]
