"""Every kind of store, as for the tests of the stores themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.harness.places import PLACES, Place, asked_for


@pytest.fixture(params=[name for name in PLACES if name != "plain"])
def own_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind that this package brings."""
    return asked_for(request, tmp_path)
