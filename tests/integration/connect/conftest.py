"""One Spark Connect server for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.samples.services.connect_server import ConnectServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    """A Spark Connect server from the installed pyspark."""
    with ConnectServer(tmp_path_factory.mktemp("connect")) as running:
        yield running
