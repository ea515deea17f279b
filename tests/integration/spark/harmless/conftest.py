"""Fixtures of the tables: servers that live as long as the test session, and a world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.local_postgres import LocalPostgres, find_programs
from tests.conftest import Script
from tests.integration.spark.harmless import servers
from tests.integration.spark.harmless.world import World

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def web() -> Iterator[servers.HttpServer]:
    with servers.http_server() as server:
        yield server


@pytest.fixture(scope="session")
def mail() -> Iterator[servers.MailServer]:
    with servers.mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def datagrams() -> Iterator[servers.DatagramServer]:
    with servers.datagram_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here; scripts/local_postgres.py installs Debian's")
    with LocalPostgres(programs, tcp=True) as server:
        yield server


@pytest.fixture
def world(spark: SparkSession, script: Script, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """What lies around the component of this test."""
    world = World(spark, tmp_path, request.getfixturevalue)
    yield world
    world.close()
