"""Where a checkpoint is kept, in words that are the same for whoever looks at the place."""

from __future__ import annotations

import os
import re

from airflow_provider.masking import mask
from airflow_provider.runner.checkpoint.local_store import LocalCheckpointStore
from airflow_provider.runner.checkpoint.store import CheckpointStore

_SAME = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


def place_of(store: CheckpointStore) -> str:
    """Return where a store keeps its checkpoints: a path, an address without connection, or the store's own words.

    A worker and a Spark driver that reach one bucket by different addresses (``s3://my_aws@bucket/c``,
    ``s3a://bucket/c``) call it the same.
    """
    if isinstance(store, LocalCheckpointStore):
        return os.path.abspath(store.base_dir)
    kind = type(store)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return f"{kind.__module__}.{kind.__qualname__}"
    found = re.fullmatch(r"object storage (\w+)://(.*)", str(store))
    if found is None:
        return mask(str(store))
    scheme, rest = _SAME.get(found[1], found[1]), found[2].rstrip("/")
    if scheme in ("file", "local"):
        return rest
    # With Azure the part before the '@' may be the container.
    return f"{scheme}://{rest.rpartition('@')[2] if scheme in ('s3', 'gs') else rest}"
