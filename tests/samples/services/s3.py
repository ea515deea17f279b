"""A real server that speaks S3, on this host, and the Airflow connection to it."""

from __future__ import annotations

import functools
import json
import logging
import os
import uuid

CONNECTION = "tests_s3"
BUCKET = "checkpoints"


@functools.cache
def endpoint() -> str:
    """Start the server, once for the process, with one bucket; define the connection; return the server's address."""
    import boto3
    from moto.server import ThreadedMotoServer

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
