"""The file beside a checkpoint in which a driver's progress is: one for each try, and gone with the checkpoint."""

from __future__ import annotations

from pathlib import Path

from airflow_provider.runner import CheckpointState, LocalCheckpointStore
from airflow_provider.runner.checkpoint.progress_file import ProgressFile
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.storage.directory_storage import DirectoryStorage

KEY = RunKey(("dag", "task", "-1"), "run", "p")


def test_each_try_has_a_file_of_its_own_and_removes_those_before(tmp_path: Path) -> None:
    """A replaced driver that lives on writes into its own, which nobody reads."""
    storage = DirectoryStorage(tmp_path)
    first, second = (ProgressFile(lambda: storage, KEY, number) for number in (1, 2))
    assert second.read() is None
    first.write({"n": 1})
    second.write({"n": 2})
    assert (first.read(), second.read()) == (None, {"n": 2})
    first.write({"n": 3})
    ProgressFile(lambda: storage, KEY, 1).write({"n": 4})  # its first document comes late
    assert second.read() == {"n": 2}


def test_it_is_no_part_of_the_checkpoint_and_goes_with_it(tmp_path: Path) -> None:
    """Whoever lists or loads checkpoints does not see it; `forget` and `prune` leave nothing."""
    store = LocalCheckpointStore(tmp_path)
    state = CheckpointState(run_id="run", pipeline_name="p", pipeline_fingerprint="f", scope=KEY.scope)
    store.save(state)
    ProgressFile(store.storage, KEY, 1).write({"n": 1})
    assert [found.key for found in store.list()] == [KEY]
    assert store.load("run", scope=KEY.scope) is not None
    assert store.delete("run", "p", scope=KEY.scope)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
