"""One run whose attempts are killed, and the judgement of what is left after each kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_provider.runner import CheckpointState, LocalCheckpointStore, load_pipeline_config
from tests.reliability.every_failure.attempts import environment
from tests.reliability.every_failure.warm_jvm import WarmJvm
from tests.reliability.kills.kill_journal import EVERY_STATION, Note, read_journal
from tests.reliability.kills.kill_steps import NAME, pipeline, read_output
from tests.reliability.kills.kill_story import Story

RUN_ID = "manual__2026-01-01T00:00:00+00:00/1"
PATIENCE = 60.0
"""Seconds that the processes of a killed attempt have to end by themselves."""

Victim = Literal["process", "JVM", "both"]


@dataclass(frozen=True)
class Kill:
    """How one attempt is to be killed.

    :param station: the process kills itself there; None: it is killed from outside at a random moment
    :param line: before which line of the station
    :param signal: a random moment after the process said this, ``begun`` or ``session``
    :param seconds: how long after that
    :param victim: kill only the process, only its JVM (so that it has to give up by itself), or both
    :param own_jvm: the process starts a JVM, which has to end with it, instead of using the one that attempts share;
        needed whenever the JVM is a victim, or may be hit while it opens its Spark
    """

    station: str | None = None
    line: int = 0
    signal: str = "begun"
    seconds: float = 0.0
    victim: Victim = "process"
    own_jvm: bool = False


@dataclass(frozen=True)
class Pace:
    """How fast a run goes.

    :param opening: seconds until the session is open
    :param walking: seconds from there to the end
    """

    opening: float
    walking: float

    @classmethod
    def of(cls, notes: Sequence[Note]) -> Pace:
        at = {note.event: note.at for note in notes}
        return cls(at["session"] - at["begun"], at["done"] - at["session"])


@dataclass(frozen=True)
class Reference:
    """What runs that nobody killed were like.

    :param outputs: what they wrote
    :param lines: how many lines of Python each station has
    :param cold: their pace in a JVM that has just started
    :param warm: their pace in one that has done this before
    """

    outputs: dict[str, list[str]]
    lines: dict[str, int]
    cold: Pace
    warm: Pace


class KilledRun:
    """One run id, and everything that is known of it besides its checkpoint.

    :param directory: of this run alone
    :param jvm: the JVM that attempts share
    """

    def __init__(self, directory: Path, jvm: WarmJvm) -> None:
        self.directory = directory
        config = load_pipeline_config(pipeline(directory, with_spark=True))
        self.depends_on = {component.name: component.depends_on for component in config.ordered}
        self.state: CheckpointState | None = None
        self.outlived = 0
        self.slowest_end = 0.0
        self._jvm = jvm
        self._story = Story(self.depends_on)
        self._judged = 0
        (directory / "out").mkdir(parents=True)

    @property
    def completed(self) -> list[str]:
        """Components that the checkpoint listed when the last attempt was over."""
        return self.state.completed_components if self.state else []

    @property
    def open(self) -> list[str]:
        """Components that are still to run, in their order."""
        return [name for name in self.depends_on if name not in self.completed]

    def attempt(self, kill: Kill | None = None) -> tuple[bool, list[Note]]:
        """Run an attempt, kill it, wait until nothing of it is left, and judge what is.

        :return: whether it was killed, and what it noted
        """
        own_jvm = kill is not None and kill.own_jvm
        with self._process(kill) as process:
            try:
                if kill is not None and kill.station is None:
                    self._strike(process, kill)
                code = process.wait(timeout=600)
            except BaseException:  # such as Ctrl+C, of which a session of its own hears nothing
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                if not own_jvm:
                    self._jvm.free()
        self._await_end(process.pid)
        said = (self.directory / "stderr").read_text(errors="replace")[-3000:]
        may_fail = kill is not None and kill.victim == "JVM"
        assert code in (0, -signal.SIGKILL) or may_fail, f"the attempt failed by itself with code {code}\n{said}"
        return code != 0, self._judge()

    def outputs(self) -> dict[str, list[str]]:
        return {name: read_output(self.directory, name) for name in self.depends_on}

    def check_end(self, reference: Reference) -> None:
        """The run is through: everything is recorded and as if nobody had killed it."""
        assert self.state is not None, "the run is through and has no checkpoint"
        assert self.state.status == "completed", f"the run is through and recorded as {self.state.status}"
        assert not self.open, f"the run is through, but not {self.open}"
        outputs = self.outputs()
        wrong = [name for name, lines in outputs.items() if lines != reference.outputs[name]]
        assert not wrong, f"other outputs than without a kill, from the first on: {wrong}"
        assert not (self.directory / "state").exists(), "nothing is left of the saved views"
        assert not [name for name in self._files() if name.endswith(".tmp")], (
            "nothing is left of saves that were cut off"
        )

    def _process(self, kill: Kill | None) -> subprocess.Popen[str]:
        aim = ["--station", kill.station, "--line", str(kill.line)] if kill and kill.station else []
        jvm = {} if kill and kill.own_jvm else self._jvm.environment
        with (self.directory / "stderr").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.reliability.kills.kill_driver", str(self.directory), RUN_ID, *aim],
                cwd=self.directory,
                env=environment() | jvm,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    @staticmethod
    def _strike(process: subprocess.Popen[str], kill: Kill) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == kill.signal:
                break
        try:
            process.wait(timeout=kill.seconds)
        except subprocess.TimeoutExpired:
            virtual_machines = [number for number, command in processes_of(process.pid) if command == "java"]
            if kill.victim == "both":
                os.killpg(process.pid, signal.SIGKILL)
            elif kill.victim == "process" or not virtual_machines:
                process.kill()
            for number in virtual_machines if kill.victim == "JVM" else ():
                os.kill(number, signal.SIGKILL)

    def _await_end(self, session: int) -> None:
        began = time.monotonic()
        waited = 0.0
        while left := list(processes_of(session)):
            time.sleep(0.02)
            waited = time.monotonic() - began
            assert waited < PATIENCE, f"{waited:.0f} s after their driver ended these still run: {left}"
        self.outlived += waited > 0
        self.slowest_end = max(self.slowest_end, waited)

    def _judge(self) -> list[Note]:
        notes = read_journal(self.directory / "journal")[self._judged :]
        self._judged += len(notes)
        records = self.state.components if self.state else {}
        replayed = {n for n, r in records.items() if r.session_state and r.session_state.handling == "replay"}
        self._story.go_on(notes, may_run_again=replayed)
        self.state = LocalCheckpointStore(self.directory / "checkpoints").load(RUN_ID, NAME)
        self._story.check(self.state)
        self._look_at_views(self.state)
        assert not [name for name in self._files() if ".corrupt-" in name], "a checkpoint was found damaged"
        return notes

    def _files(self) -> set[str]:
        return {path.name for path in (self.directory / "checkpoints").rglob("*") if path.is_file()}

    @staticmethod
    def _look_at_views(state: CheckpointState | None) -> None:
        records = state.components if state and state.status != "completed" else {}
        for name, record in records.items():
            for view in record.session_state.views if record.session_state else ():
                parts = [p for p in Path(view.url).rglob("*") if p.is_file() and not p.name.startswith(("_", "."))]
                found = (len(parts), sum(path.stat().st_size for path in parts))
                assert found == (view.files, view.bytes), f"view {view.name} of {name} is not as it was recorded"


def processes_of(session: int) -> Iterator[tuple[int, str]]:
    """Yield number and command of the processes of a session that still run, where ``/proc`` tells."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text().partition(" (")
        except OSError:
            continue  # it has just ended
        command, _, fields = rest.rpartition(") ")
        state, _, _, of_session = fields.split()[:4]
        if int(of_session) == session and state not in "ZX":
            yield int(number), command


def undisturbed(new_directory: Callable[[], Path], jvm: WarmJvm) -> Reference:
    """Run the pipeline twice to its end without a kill, in a JVM that is cold and in the same one when it is warm."""
    runs = [KilledRun(new_directory(), jvm) for _ in range(2)]
    (killed, cold), (killed_too, warm) = runs[0].attempt(Kill(station=EVERY_STATION)), runs[1].attempt()
    assert not killed
    assert not killed_too
    reference = Reference(
        outputs=runs[0].outputs(),
        lines={note.name: note.count for note in cold if note.event == "lines"},
        cold=Pace.of(cold),
        warm=Pace.of(warm),
    )
    for run in runs:
        run.check_end(reference)
    return reference
