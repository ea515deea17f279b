"""Many processes at one store: nothing is mixed up, nothing is lost, and the newest attempt wins."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import StaleAttemptError
from airflow_provider.runner import CheckpointState, CheckpointStore
from airflow_provider.stores.location import store_at
from tests.samples.services.s3 import endpoint, new_prefix

pytestmark = pytest.mark.xdist_group("processes")


@dataclass(frozen=True)
class Place:
    """A store under test.

    :param url: makes the address of an empty one
    :param runs: how many DAG runs of ten mapped instances; each instance is a process
    :param saves: how many states each process saves
    :param rounds: how often each of those that fight takes over
    """

    url: Callable[[Path], str]
    runs: int = 5
    saves: int = 20
    rounds: int = 6


PLACES = {
    "local": Place(lambda directory: str(directory / "store")),
    "file://": Place(lambda directory: f"file://{directory}/store"),
    # The client costs each process half a second, and the test server is one Python process.
    "s3://": Place(lambda directory: new_prefix(), runs=1, saves=10, rounds=3),
}


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Starts processes from one that has imported everything and opened nothing."""
    endpoint()  # its connection is in the environment, which the processes inherit
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "airflow.sdk", "airflow.providers.amazon.aws.fs.s3", "s3fs", "boto3"])
    return context


def state(number: int, run: str, scope: tuple[str, ...], fence: int, owner: str) -> CheckpointState:
    """The record after so many components."""
    return CheckpointState(
        run_id=run,
        pipeline_name="p",
        pipeline_fingerprint="f",
        scope=scope,
        attempt=fence,
        fence=fence,
        owner=owner,
        completed_components=[f"{owner}.{step}" for step in range(number)],
    )


def together(
    processes: Any, work: Callable[..., Any], arguments: list[tuple[Any, ...]], timeout: float = 120
) -> list[Any]:
    """Call ``work`` in as many processes at once as there are arguments; return what each of them returned."""
    answers = processes.Queue()
    start = processes.Barrier(len(arguments))
    running = [
        processes.Process(target=_work, args=(start, answers, number, work, each), daemon=True)
        for number, each in enumerate(arguments)
    ]
    for process in running:
        process.start()
    results: dict[int, Any] = {}
    for _ in running:
        number, answer = answers.get(timeout=timeout)
        results[number] = answer
    for process in running:
        process.join(10)
    for number, answer in results.items():
        assert not isinstance(answer, Exception), f"process {number}: {answer!r}"
    return [results[number] for number in range(len(running))]


def _work(start: Any, answers: Any, number: int, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        start.wait()
        answers.put((number, work(*arguments)))
    except BaseException as error:
        answers.put((number, RuntimeError(f"{type(error).__name__}: {error}")))


# A checkpoint for each process


def keep_a_checkpoint(url: str, run: str, scope: tuple[str, ...], saves: int) -> int:
    """Save again and again, and load each time what was just saved."""
    store = store_at(url)
    owner = f"{'.'.join(scope)}.{run}"
    assert store.load(run, "p", scope=scope) is None
    for number in range(1, saves + 1):
        saved = state(number, run, scope, 1, owner)
        store.save(saved)
        found = store.load(run, "p", scope=scope)
        if found != saved:
            raise AssertionError(f"saved {saved!r}, loaded {found!r}")
    return os.getpid()


@pytest.mark.parametrize(
    "place",
    [
        *(pytest.param(place, id=name) for name, place in PLACES.items()),
        pytest.param(Place(PLACES["s3://"].url), id="s3:// in full", marks=pytest.mark.torture),
    ],
)
def test_processes_that_save_at_once_each_find_their_own_checkpoint_and_nothing_else(
    processes: Any, place: Place, tmp_path: Path
) -> None:
    """Invariants 1 and 7: fifty mapped instances of a task in several runs of a DAG, all saving at the same time."""
    url = place.url(tmp_path)
    identities = [(f"run-{run}", ("dag", "task", str(index))) for run in range(place.runs) for index in range(10)]

    pids = together(processes, keep_a_checkpoint, [(url, *identity, place.saves) for identity in identities])

    assert len(set(pids)) == len(identities)
    store = store_at(url)
    listed = {(found.run_id, found.scope): found for found in store.list()}
    assert len(listed) == len(identities)
    for run, scope in identities:
        expected = state(place.saves, run, scope, 1, f"{'.'.join(scope)}.{run}")
        assert listed[run, scope] == expected
        assert store.load(run, scope=scope) == expected


# One checkpoint, fought for


Move = tuple[str, float, float, int, str, int]
"""What was done, when it began and ended, and of the record its fence, its owner and the count of components."""


def fight(url: str, owner: str, rounds: int) -> list[Move]:
    """Take the checkpoint over and save until replaced, again and again.

    Returns every save and every load that found something.
    """
    store: CheckpointStore = store_at(url)
    journal: list[Move] = []

    def load() -> CheckpointState | None:
        began = time.monotonic()
        found = store.load("run", "p")
        if found is not None:
            journal.append(("load", began, time.monotonic(), found.fence, found.owner, len(found.completed_components)))
        return found

    for turn in range(rounds):
        found = load()
        fence = found.fence + 1 if found else 1
        try:
            for number in range(1, 6):
                began = time.monotonic()
                store.save(state(number, "run", (), fence, f"{owner}.{turn}"))
                journal.append(("save", began, time.monotonic(), fence, f"{owner}.{turn}", number))
                load()
        except StaleAttemptError:
            journal.append(("stale", began, time.monotonic(), fence, f"{owner}.{turn}", number))
    return journal


def events(journals: list[list[Move]]) -> Iterator[tuple[float, str, float, int, str, int]]:
    for journal in journals:
        for what, began, ended, fence, owner, number in journal:
            yield began, what, ended, fence, owner, number


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_eight_processes_that_fight_for_one_checkpoint_leave_the_newest_ones_record(
    processes: Any, place: Place, tmp_path: Path
) -> None:
    """Invariant 5: each takes over with the next fence and saves until it is replaced. A load never shows an older
    attempt than one whose save had succeeded before, and never fewer components of the same attempt. Of two that took
    the same fence at once, their owners decide which one is newer.
    """
    url = place.url(tmp_path)

    journals = together(processes, fight, [(url, f"owner{number}", place.rounds) for number in range(8)])

    history = sorted(events(journals))
    saves = [(ended, fence, owner, number) for _, what, ended, fence, owner, number in history if what == "save"]
    loads = [(began, fence, owner, number) for began, what, _, fence, owner, number in history if what == "load"]
    assert sum(what == "stale" for _, what, *_ in history) >= 7, "they did get in each other's way"
    for began, fence, owner, number in loads:
        certain = max(((f, o, n) for ended, f, o, n in saves if ended < began), default=(0, "", 0))
        assert (fence, owner) >= certain[:2], "an older attempt's record came back"
        if (fence, owner) == certain[:2]:
            assert number >= certain[2], "a component was forgotten"
    final = store_at(url).load("run", "p")
    assert final is not None
    assert final.fence == max(fence for _, _, _, fence, _, _ in history)
    last = max((fence, owner, number) for _, fence, owner, number in saves)
    assert (final.fence, final.owner, len(final.completed_components)) == last
    owners = {component.rpartition(".")[0] for component in final.completed_components}
    assert owners == {final.owner}, "the record is of one attempt"
