"""What lies around the component of one test: files, tables and servers, and how to count what it did there."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from scripts.local_postgres import JDBC_DRIVER, LocalPostgres
from tests.integration.spark.harmless.servers import DatagramServer, HttpServer, MailServer
from tests.samples.services import s3

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class World:
    """Names for a component's config, ``{lines}`` and the like, made when they are first asked for.

    Each test has its own.

    :param spark: the Spark session
    :param tmp: directory of the test
    :param service: returns a fixture by name
    """

    def __init__(self, spark: SparkSession, tmp: Path, service: Callable[[str], Any]) -> None:
        self.spark, self.tmp, self._service = spark, tmp, service
        self._unique = uuid.uuid4().hex[:12]
        self._at_end = contextlib.ExitStack()

    def close(self) -> None:
        """Remove what would outlive the test."""
        self._at_end.close()

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    # Files

    @property
    def lines(self) -> Path:
        """A file that components append lines to; there is none yet."""
        return self.tmp / "lines.txt"

    @functools.cached_property
    def outbox(self) -> Path:
        """An empty directory."""
        return self._directory("outbox")

    @functools.cached_property
    def checkpoints(self) -> Path:
        """Another one."""
        return self._directory("checkpoints")

    @functools.cached_property
    def csv(self) -> Path:
        """A file with two rows."""
        path = self.tmp / "in.csv"
        path.write_text("1,ann\n2,bob\n")
        return path

    @functools.cached_property
    def json(self) -> Path:
        """A file with two rows."""
        path = self.tmp / "in.json"
        path.write_text('{"id": 1}\n{"id": 2}\n')
        return path

    @functools.cached_property
    def parquet(self) -> Path:
        """A directory with five rows."""
        path = self.tmp / "in"
        self.spark.range(5).write.parquet(str(path))
        return path

    @property
    def target(self) -> Path:
        """Where nothing is yet."""
        return self.tmp / "target"

    @property
    def sqlite(self) -> Path:
        """A database that does not exist yet."""
        return self.tmp / "orders.db"

    @functools.cached_property
    def prefix(self) -> str:
        """How the name of a file in Java's directory for temp files begins."""
        return f"acts-{self._unique}"

    # Servers

    @property
    def http(self) -> HttpServer:
        server: HttpServer = self._service("web")
        return server

    @functools.cached_property
    def path(self) -> str:
        return self.http.new_path()

    @property
    def url(self) -> str:
        """Address of the HTTP server that this test posts to."""
        return self.http.url + self.path

    @property
    def mail(self) -> MailServer:
        server: MailServer = self._service("mail")
        return server

    @property
    def mail_port(self) -> int:
        return self.mail.port

    @property
    def datagrams(self) -> DatagramServer:
        server: DatagramServer = self._service("datagrams")
        return server

    @property
    def datagram_port(self) -> int:
        return self.datagrams.port

    # Tables

    @functools.cached_property
    def database(self) -> str:
        """A database of Spark's catalog."""
        name = f"db_{self._unique}"
        self.spark.sql(f"CREATE DATABASE {name}")
        self._at_end.callback(self.spark.sql, f"DROP DATABASE IF EXISTS {name} CASCADE")
        return name

    @functools.cached_property
    def table(self) -> str:
        """A table without rows."""
        name = f"{self.database}.t"
        self.spark.sql(f"CREATE TABLE {name} (id BIGINT) USING parquet")
        return name

    @functools.cached_property
    def no_table(self) -> str:
        """The name of a table that does not exist yet."""
        return f"{self.database}.not_there"

    @property
    def postgres(self) -> LocalPostgres:
        server: LocalPostgres = self._service("postgres")
        return server

    @property
    def dsn(self) -> str:
        """How libpq is told of PostgreSQL."""
        return f"host={self.postgres.directory} port={self.postgres.port} user=airflow dbname=postgres"

    @property
    def jdbc(self) -> str:
        """The address of PostgreSQL for JDBC."""
        if not JDBC_DRIVER.exists():
            pytest.skip(f"no JDBC driver for PostgreSQL in {JDBC_DRIVER}; scripts/local_postgres.py installs Debian's")
        return f"jdbc:postgresql://127.0.0.1:{self.postgres.port}/postgres?user=airflow"

    @functools.cached_property
    def rows(self) -> str:
        """A table of PostgreSQL without rows."""
        name = f"rows_{self._unique}"
        self.ask(f"CREATE TABLE {name} (id BIGINT)")
        return name

    @functools.cached_property
    def filled(self) -> str:
        """A table of PostgreSQL with two rows."""
        self.ask(f"INSERT INTO {self.rows} VALUES (1), (2)")
        return self.rows

    def ask(self, statement: str) -> list[Any]:
        """Let PostgreSQL run a statement; return the rows."""
        with contextlib.closing(psycopg2.connect(self.dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    # Objects

    @functools.cached_property
    def s3(self) -> str:
        """Address of a server that speaks S3."""
        address = s3.endpoint()
        _client().put_bucket_versioning(Bucket=s3.BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self._at_end.callback(
            _client().put_bucket_versioning, Bucket=s3.BUCKET, VersioningConfiguration={"Status": "Suspended"}
        )
        return address

    @property
    def key(self) -> str:
        """The key of an object that does not exist yet."""
        return f"acts/{self._unique}"

    def _directory(self, name: str) -> Path:
        path = self.tmp / name
        path.mkdir()
        return path


def _client() -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint(),
        region_name="us-east-1",
        aws_access_key_id="tests",
        aws_secret_access_key="secret-of-the-tests",
    )


# How many side effects there are. Each of them asks what is real: a server, a file, a table.


def posts(world: World) -> int:
    return world.http.posts[world.path]


def mails(world: World) -> int:
    return len(world.mail.mails)


def datagrams(world: World) -> int:
    return world.datagrams.received


def lines(world: World) -> int:
    return len(world.lines.read_text().splitlines()) if world.lines.exists() else 0


def entries(world: World) -> int:
    return len(list(world.outbox.iterdir()))


def sqlite_rows(world: World) -> int:
    with contextlib.closing(sqlite3.connect(world.sqlite)) as connection:
        return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])


def postgres_rows(world: World) -> int:
    return int(world.ask(f"SELECT count(*) FROM {world.rows}")[0][0])


def versions(world: World) -> int:
    """How often an object was put."""
    return len(_client().list_object_versions(Bucket=s3.BUCKET, Prefix=world.key).get("Versions", []))


def target_rows(world: World) -> int:
    return world.spark.read.parquet(str(world.target)).count()


def table_rows(world: World) -> int:
    world.spark.catalog.refreshTable(world.table)
    return world.spark.table(world.table).count()


def new_table_rows(world: World) -> int:
    return world.spark.table(world.no_table).count()


def java_temp_files(world: World) -> int:
    return len(list(Path(tempfile.gettempdir()).glob(f"{world.prefix}*")))


def removed(name: str) -> Callable[[World], int]:
    """Return a counter that is 1 when a file of the world is gone."""
    return lambda world: int(not Path(world[name]).exists())
