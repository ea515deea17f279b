"""Where checkpoints are kept, by address."""

from __future__ import annotations

from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.config.absolute_paths import absolute_url
from airflow_provider.stores.object_storage import ObjectStorageCheckpointStore


def store_at(url: str) -> LocalCheckpointStore | ObjectStorageCheckpointStore:
    """Return the store at an address.

    :param url: a directory (``/shared/checkpoints``), or an address of ``ObjectStoragePath``, whose user part names an
        Airflow connection (``s3://my_aws@bucket/prefix``). A relative directory starts in the working directory
    :raises PipelineConfigError: the address holds a password, or a host where a directory is meant
    """
    url = absolute_url(url)
    if url.startswith("file:/") and "://" not in url:
        url = url.removeprefix("file:")
    return ObjectStorageCheckpointStore(url) if "://" in url else LocalCheckpointStore(url)
