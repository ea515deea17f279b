"""A real server that speaks S3, on this host, and the Airflow connection to it."""

from __future__ import annotations

import functools
import json
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from airflow_provider.runner.storage.file_storage import StoredFile

CONNECTION = "tests_s3"
BUCKET = "checkpoints"


@functools.cache
def endpoint() -> str:
    """Start the server, once for the process, with one bucket; define the connection; return the server's address."""
    import boto3
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    # One connection for many requests, as S3 has it. A new one, with a thread of its own, costs as much as an answer.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.disable_nagle_algorithm = True
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request otherwise
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    options = {"endpoint_url": url, "region_name": "us-east-1"}
    # Also for other processes that the tests start.
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(
        {"conn_type": "aws", "login": "tests", "password": "secret-of-the-tests", "extra": options}
    )
    client = boto3.client("s3", aws_access_key_id="tests", aws_secret_access_key="secret-of-the-tests", **options)
    client.create_bucket(Bucket=BUCKET)
    return url


def new_prefix() -> str:
    """Return the address of an empty place in the bucket, for ``ObjectStoragePath``."""
    endpoint()
    return f"s3://{CONNECTION}@{BUCKET}/{uuid.uuid4().hex}"


class ServedObjects:
    """The objects below an address of the server, without a request for each: the server runs in this process.

    :param prefix: as :func:`new_prefix` returns it
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{urlsplit(prefix).path.strip('/')}/"

    def walk(self) -> Iterator[StoredFile]:
        keys = _backend().head_bucket(BUCKET).keys
        for key in sorted(keys):
            if key.startswith(self._prefix):
                yield StoredFile(key.removeprefix(self._prefix), keys[key].size)

    def read(self, path: str) -> bytes:
        value: bytes = _backend().get_object(BUCKET, f"{self._prefix}{path}").value
        return value

    def write(self, path: str, content: bytes) -> None:
        _backend().put_object(BUCKET, f"{self._prefix}{path}", content)

    def delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            _backend().delete_object(BUCKET, f"{self._prefix}{path}")


def _backend() -> Any:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
