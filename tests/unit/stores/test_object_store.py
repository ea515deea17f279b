"""ObjectStorageCheckpointStore: addresses, names in a bucket, cached listings and what cannot be reached."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import airflow.sdk.io  # noqa: F401 - configures logging when imported, so not within a test that reads the log
import pytest

from airflow_provider.errors import (
    CheckpointReadError,
    PipelineConfigError,
    StaleAttemptError,
)
from airflow_provider.runner import CheckpointState
from airflow_provider.runner.checkpoint.takeover import take_over
from airflow_provider.runner.record.requests import RestartRequest
from airflow_provider.runner.storage.directory_storage import DirectoryStorage
from airflow_provider.runner.storage.file_storage import StorageEntry, file_names
from airflow_provider.stores.bucket_storage import files_at
from airflow_provider.stores.object_store import ObjectStorageCheckpointStore
from tests.samples.harness.records import KEY
from tests.samples.services.s3 import BUCKET, CONNECTION, new_prefix


def state(fence: int = 1, owner: str = "me", *done: str, **more: Any) -> CheckpointState:
    return CheckpointState.model_validate(
        {
            "run_id": "run-1",
            "pipeline_name": "p",
            "pipeline_fingerprint": "f",
            "fence": fence,
            "attempt": fence,
            "owner": owner,
            "completed_components": list(done),
            **more,
        }
    )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(base: Path) -> ObjectStorageCheckpointStore:
    return ObjectStorageCheckpointStore(f"file://{base}")


@pytest.fixture
def s3() -> ObjectStorageCheckpointStore:
    return ObjectStorageCheckpointStore(new_prefix())


def done(store: ObjectStorageCheckpointStore) -> list[str]:
    found = store.load("run-1", "p")
    assert found is not None
    return found.completed_components


def test_importing_the_module_does_not_import_airflow() -> None:
    """The operator's module is imported whenever a DAG file is parsed."""
    code = (
        "import sys, airflow_provider.stores.object_store; "
        "print([n for n in ('airflow.sdk', 'fsspec', 'upath', 's3fs') if n in sys.modules])"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout == "[]\n"


def test_hostile_names_are_readable_and_unambiguous_in_a_bucket() -> None:
    """What the S3 client makes of '%2F' in a key: nothing, neither when it writes nor when it lists."""
    prefix = new_prefix()
    store = ObjectStorageCheckpointStore(prefix)
    for name in ("a/b", "a%2Fb", "..", "日本 %2F", "{{ run_id }}", "?versionId=1#x"):
        store.save(state(run_id=name, pipeline_name=name))
    paths = {"/".join(path.split("/")[:2]) for path, _ in files_at(prefix).walk()}
    assert sorted(paths) == [
        "%2E./%2E.",
        "%3FversionId%3D1%23x/%3FversionId%3D1%23x",
        "%7B%7B%20run_id%20%7D%7D/%7B%7B%20run_id%20%7D%7D",
        "%E6%97%A5%E6%9C%AC%20%252F/%E6%97%A5%E6%9C%AC%20%252F",
        "a%252Fb/a%252Fb",
        "a%2Fb/a%2Fb",
    ]


def test_list_yields_every_good_checkpoint_once(
    store: ObjectStorageCheckpointStore, s3: ObjectStorageCheckpointStore, base: Path
) -> None:
    for one in (store, s3):
        assert list(one.list()) == []
        kept = [state(run_id="run-2", scope=("dag", "task", "-1")), state(run_id="run-3")]
        for saved in kept:
            one.save(saved)
            one.save(saved)
        assert sorted(one.list(), key=lambda found: found.run_id) == kept
    # A leftover, a damaged checkpoint, one of a newer format, and saved views that lie there as well.
    store.save(state())
    (torn,) = (base / "run-1").rglob("*.checkpoint.json")
    torn.write_text("{")
    (newer,) = (base / "run-3").rglob("*.checkpoint.json")
    newer.write_text('{"format_version": 99}')
    views = base / ".views" / "p" / "~fences" / "000001~000001~me.json"
    views.parent.mkdir(parents=True)
    views.write_text(json.dumps(state().to_json()))
    assert [found.run_id for found in store.list()] == ["run-2"]


def test_the_address_is_shown_without_credentials() -> None:
    """Also not in the error about them: it ends up in logs."""
    assert str(ObjectStorageCheckpointStore("s3://conn@bucket/a?token=hunter2#hunter2")) == (
        "object storage s3://conn@bucket/a"
    )
    assert repr(ObjectStorageCheckpointStore("gs://bucket/a")) == "ObjectStorageCheckpointStore('gs://bucket/a')"
    assert "file:///x/y" in str(ObjectStorageCheckpointStore("file:///x/y"))
    assert str(ObjectStorageCheckpointStore("s3://bucket", conn_id="other")) == "object storage s3://other@bucket"
    with pytest.raises(PipelineConfigError) as caught:
        ObjectStorageCheckpointStore("s3://AKIA:hunter2@bucket/a")
    assert "hunter2" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
    assert str(caught.value).endswith("name it in the address: 's3://CONNECTION@bucket/a'")


def test_a_connection_may_be_given_apart_from_the_address() -> None:
    prefix = new_prefix().replace(f"{CONNECTION}@", "")
    store = ObjectStorageCheckpointStore(prefix, conn_id=CONNECTION)
    store.save(state(1, "me", "a"))
    assert done(ObjectStorageCheckpointStore(prefix.replace("s3://", f"s3://{CONNECTION}@"))) == ["a"]


def test_a_store_travels_to_another_process(s3: ObjectStorageCheckpointStore) -> None:
    """It is part of the operator, which Airflow copies and pickles."""
    s3.save(state(1, "me", "a"))
    assert done(pickle.loads(pickle.dumps(s3))) == ["a"]


def test_what_another_process_saved_is_seen_at_once(s3: ObjectStorageCheckpointStore) -> None:
    """fsspec keeps listings for the whole process; here somebody else writes behind its back."""
    import boto3

    from tests.samples.services.s3 import endpoint

    client = boto3.client(
        "s3",
        endpoint_url=endpoint(),
        aws_access_key_id="tests",
        aws_secret_access_key="secret-of-the-tests",
        region_name="us-east-1",
    )
    s3.save(state(1, "me", "a"))
    assert done(s3) == ["a"]
    prefix = str(s3).rpartition("/")[2]
    taken_over = state(2, "new", "a", "b")
    for name in ("~fences/000002~000002~new.json", "000002~000002~new/000000.checkpoint.json"):
        body = json.dumps(taken_over.to_json()).encode()
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/run-1/p/{name}", Body=body)
    assert s3.load("run-1", "p") == s3.load("run-1") == taken_over
    with pytest.raises(StaleAttemptError):
        s3.save(state(1, "me", "a", "x"))
    assert list(s3.list()) == [taken_over]


def test_a_store_that_cannot_be_read_is_an_error_that_says_what_to_check(
    store: ObjectStorageCheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unknown what has completed, which is not the same as nothing (invariant 1)."""
    store.save(state())

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Forbidden")

    for step in ("list", "walk", "read"):
        monkeypatch.setattr(DirectoryStorage, step, refuse)
    for act in (
        lambda: store.load("run-1", "p"),
        lambda: store.load("run-1"),
        lambda: store.find_request(KEY),
        lambda: list(store.list()),
        lambda: take_over(store, KEY),
    ):
        with pytest.raises(CheckpointReadError, match=r"from object storage file:.*Forbidden; check that") as caught:
            act()
        assert isinstance(caught.value.__cause__, PermissionError)
    with pytest.raises(PermissionError, match="Forbidden"):
        store.save(state())


def test_old_files_that_cannot_be_removed_do_no_harm(
    store: ObjectStorageCheckpointStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They do not count, because a higher rank has begun; the log says so."""
    store.save(state(1, "me", "a"))

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Forbidden")

    monkeypatch.setattr(DirectoryStorage, "delete", refuse)
    store.save(state(2, "next", "b"))
    assert "PermissionError" in caplog.text
    assert done(store) == ["b"]


def test_a_fence_that_is_not_listed_is_a_failed_save(
    store: ObjectStorageCheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend whose listings lag behind cannot keep a checkpoint safe, and says so instead of going on."""
    monkeypatch.setattr(DirectoryStorage, "list", lambda *_: [])
    with pytest.raises(OSError, match="the listing does not show it"):
        store.save(state())


def test_an_address_that_no_installed_provider_serves_is_an_error() -> None:
    """And not taken for an empty store."""
    store = ObjectStorageCheckpointStore("unheardof://bucket/prefix")
    with pytest.raises(CheckpointReadError, match=r"from object storage unheardof://bucket/prefix: .*; check that"):
        store.load("run-1", "p")


def test_a_bucket_that_does_not_exist_holds_nothing_and_takes_nothing() -> None:
    """The save fails instead of creating it."""
    store = ObjectStorageCheckpointStore(new_prefix().replace(f"@{BUCKET}/", "@no-such-bucket/"))
    assert store.load("run-1", "p") is None
    with pytest.raises(FileNotFoundError, match="bucket does not exist"):
        store.save(state())


def test_what_is_no_request_is_an_error(store: ObjectStorageCheckpointStore, base: Path) -> None:
    store.leave_request(RestartRequest(components=("a",)), KEY)
    (base / "run-1" / "p" / "~request.json").write_text('{"component": ""}')
    with pytest.raises(CheckpointReadError, match=r"request\.json in object storage .* is not a valid"):
        store.find_request(KEY)


def test_a_directory_is_listed_until_two_listings_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan may miss a name that is added and the one that is removed meanwhile: nothing would seem to be there."""
    answers = iter([[], [StorageEntry("b", "file")], [StorageEntry("b", "file")]])
    monkeypatch.setattr(DirectoryStorage, "_scan", lambda *arguments: next(answers))
    assert file_names(DirectoryStorage(tmp_path), "x") == ["b"]
