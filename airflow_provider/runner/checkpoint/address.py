"""What identifies the place where checkpoints are, the same for everybody who opens it."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.masking import mask
from airflow_provider.runner.checkpoint.store import AddressedStore, CheckpointStore

_SAME_SCHEME = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


def store_address(store: CheckpointStore) -> str:
    """Return the address of a store; for one without an address its own words, or its class if it has none."""
    if isinstance(store, AddressedStore):
        return store.address
    kind = type(store)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        return f"{kind.__module__}.{kind.__qualname__}"
    return mask(str(store))


def storage_address(url: str) -> str:
    """Return a url of a storage without what differs between those who open it: a local path, or scheme and path.

    A worker and a Spark driver reach one bucket by different urls (``s3://my_aws@bucket/c``, ``s3a://bucket/c``).
    """
    scheme, _, rest = url.partition("://")
    scheme, rest = _SAME_SCHEME.get(scheme, scheme), rest.rstrip("/")
    if scheme in ("file", "local"):
        return rest
    # With Azure the part before the '@' may be the container.
    return f"{scheme}://{rest.rpartition('@')[2] if scheme in ('s3', 'gs') else rest}"


def shown_address(url: str, conn_id: str | None = None) -> str:
    """Return an address that is safe to log: with the connection's id, never with a credential.

    :raises PipelineConfigError: the address holds a password
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    place = f"{host}{parts.path}"
    if ":" in user:
        problem = (
            f"the address '{parts.scheme}://***@{place}' of the checkpoint store seems to contain a password; put the "
            f"credentials into an Airflow connection and name it in the address: '{parts.scheme}://CONNECTION@{place}'"
        )
        raise PipelineConfigError([ConfigProblem(problem)])
    connection = conn_id or user
    return f"{parts.scheme}://{connection}@{place}" if connection else f"{parts.scheme}://{place}"
