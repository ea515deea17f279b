"""Invariant 11: components that use a real PostgreSQL or a real S3 server, whose clients no audit event tells of."""

from __future__ import annotations

import pytest

from tests.integration.spark.harmless.case import Case, judge, saved
from tests.integration.spark.harmless.world import World, postgres_rows, versions


def two_rows_more(world: World) -> None:
    world.ask(f"INSERT INTO {world.rows} VALUES (3), (4)")


PG = {"dsn": "{dsn}", "table": "{rows}", "count": postgres_rows}
JDBC = {"url": "{jdbc}", "table": "{rows}", "count": postgres_rows, "effects": 5}
S3 = {"endpoint": "{s3}", "bucket": "checkpoints", "key": "{key}", "count": versions}

CASES = [
    saved("services.insert_with_psycopg", "psycopg2", **PG),
    saved("services.select_with_psycopg", "psycopg2", dsn="{dsn}", table="{filled}", between=two_rows_more),
    saved("services.choose_the_client_by_name", "psycopg2", kind="connect", **PG),
    saved("services.insert_partitions_with_psycopg", "psycopg2", effects=5, **PG),
    saved("services.read_with_jdbc", "jdbc", url="{jdbc}", table="{filled}", between=two_rows_more),
    saved("services.append_with_jdbc", "wrote", **JDBC),
    saved("services.append_with_write_to", "wrote", **JDBC),
    saved("services.put_with_boto", "boto3", **S3),
    saved("services.put_with_arrow", "pyarrow.fs", **S3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_reaches_a_service_happens_once(case: Case, world: World) -> None:
    """The row says what is expected."""
    judge(case, world)
