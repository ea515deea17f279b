"""Where a driver that spark-submit starts can keep its checkpoint, and the address that each side uses."""

from __future__ import annotations

from urllib.parse import urlsplit


def refusal(checkpoint_url: str | None, *, remote: bool) -> str | None:
    """Return why a driver cannot keep its checkpoint there and what to do, None if it can.

    :param checkpoint_url: where to keep checkpoints; empty or None for Airflow's task state store
    :param remote: whether the driver runs on another host
    """
    if not checkpoint_url:
        return (
            "only the task itself can reach Airflow's task state store, not the driver that spark-submit starts; "
            "set checkpoint_url to an address that the driver reaches, such as s3a://bucket/prefix"
            + ("" if remote else ", or to a directory")
        )
    if remote and ("://" not in checkpoint_url or checkpoint_url.startswith("file:")):
        return (
            f"the directory {checkpoint_url!r} is on the worker, but in deploy mode 'cluster' the driver runs "
            "elsewhere; set checkpoint_url to an address that both reach, such as s3a://bucket/prefix or "
            "hdfs://namenode/prefix"
        )
    return None


def driver_address(checkpoint_url: str) -> str:
    """Return an address as the driver uses it, with the cluster's credentials instead of an Airflow connection.

    :param checkpoint_url: a directory, an address of Hadoop's, or one of ``ObjectStoragePath`` for S3 or Google Cloud
        Storage
    """
    from airflow_provider.runner.config.absolute_paths import (
        absolute_url,
    )  # with the engine, which parsing does not need

    checkpoint_url = absolute_url(checkpoint_url)
    if "://" not in checkpoint_url:
        return checkpoint_url
    parts = urlsplit(checkpoint_url)
    if parts.scheme not in ("s3", "s3a", "gs", "gcs"):
        return checkpoint_url
    bucket = parts.netloc.rpartition("@")[2]
    scheme = {"s3": "s3a", "gcs": "gs"}.get(parts.scheme, parts.scheme)
    return parts._replace(scheme=scheme, netloc=bucket).geturl()


def worker_address(checkpoint_url: str) -> str:
    """Return an address as a worker uses it, with ``ObjectStoragePath``."""
    return "s3://" + checkpoint_url.removeprefix("s3a://") if checkpoint_url.startswith("s3a://") else checkpoint_url
