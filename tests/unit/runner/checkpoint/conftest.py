"""Every kind of store, for the tests that each of them must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider.runner import CheckpointStore
from tests.samples.harness.places import PLACES, Place, asked_for


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind."""
    return asked_for(request, tmp_path)


@pytest.fixture(params=[name for name in PLACES if name != "plain"])
def own_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind that this package brings."""
    return asked_for(request, tmp_path)


@pytest.fixture(params=["memory", "local", "s3://", "task state"])
def quick_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind that works in its own way and is quick, for tests with many cases."""
    return asked_for(request, tmp_path)


@pytest.fixture
def store(place: Place) -> CheckpointStore:
    """A store of each kind."""
    return place.attempt()


@pytest.fixture(params=[name for name in PLACES if name != "task state"])
def shared_store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    """A store of each kind that serves many runs and scopes, and finds a checkpoint without the pipeline's name."""
    return asked_for(request, tmp_path).attempt()
