"""One run whose attempts are killed, and the judgement of what is left after each kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_provider.runner import CheckpointState, LocalCheckpointStore, load_pipeline_config
from tests.conftest import JAVA_HOME_FILE
from tests.reliability.attempts import ROOT
from tests.reliability.kill_journal import EVERY_STATION, Note, read_journal
from tests.reliability.kill_steps import NAME, pipeline, read_output

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
    """

    station: str | None = None
    line: int = 0
    signal: str = "begun"
    seconds: float = 0.0
    victim: Victim = "process"


@dataclass(frozen=True)
class Reference:
    """What a run that nobody killed was like.

    :param outputs: what they wrote
    :param lines: how many lines of Python each station has
    :param opening: seconds until the session was open
    :param walking: seconds from there to the end
    """

    outputs: dict[str, list[str]]
    lines: dict[str, int]
    opening: float
    walking: float


class KilledRun:
    """One run id, and everything that is known of it besides its checkpoint.

    :param directory: of this run alone
    :param with_spark: whether its components use a real Spark
    """

    def __init__(self, directory: Path, *, with_spark: bool) -> None:
        self.directory = directory
        self.with_spark = with_spark
        config = load_pipeline_config(pipeline(directory, with_spark=with_spark))
        self.depends_on = {component.name: component.depends_on for component in config.ordered}
        self.state: CheckpointState | None = None
        self.outlived = 0
        self.slowest_end = 0.0
        self._judged = 0
        self._ended: set[str] = set()
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
        aim = ["--station", kill.station, "--line", str(kill.line)] if kill and kill.station else []
        with self._process(aim) as process:
            try:
                if kill is not None and kill.station is None:
                    self._strike(process, kill)
                code = process.wait(timeout=600)
            except BaseException:  # such as Ctrl+C, of which a session of its own hears nothing
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
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
        assert self._files() == {".lock", f"{NAME}.json"}, "nothing is left of saves that were cut off"

    def _process(self, arguments: list[str]) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
        if "JAVA_HOME" not in environment and JAVA_HOME_FILE.exists():
            environment["JAVA_HOME"] = JAVA_HOME_FILE.read_text().strip()
        spark = ["--spark"] if self.with_spark else []
        driver = ["-m", "tests.reliability.kill_driver", str(self.directory), RUN_ID, *spark, *arguments]
        with (self.directory / "stderr").open("a") as log:
            return subprocess.Popen(
                [sys.executable, *driver],
                cwd=self.directory,
                env=environment,
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
        recorded = self._follow(notes)
        self._look_at_files(recorded)
        state = LocalCheckpointStore(self.directory / "checkpoints").load(RUN_ID, NAME)
        listed = set(state.completed_components) if state else set()
        assert recorded <= listed, f"forgotten: {sorted(recorded - listed)}"
        assert listed <= self._ended, f"invented: {sorted(listed - self._ended)}"
        self._look_at_views(state)
        assert not [name for name in self._files() if ".corrupt-" in name], "a checkpoint was found damaged"
        self.state = state
        return notes

    def _follow(self, notes: list[Note]) -> set[str]:
        """Read the story of one attempt, and return what must be in the checkpoint after it."""
        recorded = set(self.completed)
        records = self.state.components if self.state else {}
        replayed = {n for n, r in records.items() if r.session_state and r.session_state.handling == "replay"}
        ended: set[str] = set()
        for note in notes:
            if note.event == "start":
                name = note.name
                assert name not in recorded or name in replayed, f"{name} was complete and ran again"
                assert ended <= recorded, f"{name} started before the record of {sorted(ended - recorded)}"
                missing = set(self.depends_on[name]) - recorded
                assert not missing, f"{name} started although {sorted(missing)} are not recorded"
            elif note.event == "end":
                ended.add(note.name)
                self._ended.add(note.name)
            elif note.event == "saved":
                assert recorded <= set(note.names), f"the record forgets {sorted(recorded - set(note.names))}"
                recorded |= set(note.names)
        return recorded

    def _files(self) -> set[str]:
        return {path.name for path in (self.directory / "checkpoints").rglob("*") if path.is_file()}

    def _look_at_files(self, recorded: set[str]) -> None:
        """Before a store touches them."""
        files = self._files()
        assert files <= {".lock", f"{NAME}.json", f".{NAME}.json.tmp"}, f"unexpected: {sorted(files)}"
        for path in (self.directory / "checkpoints").rglob(f"{NAME}.json"):
            try:
                json.loads(path.read_bytes())
            except ValueError as error:
                raise AssertionError(f"the checkpoint is half-written: {error}") from error
        assert not recorded or f"{NAME}.json" in files, f"the checkpoint is gone, and with it {sorted(recorded)}"

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


def undisturbed(directory: Path, *, with_spark: bool) -> Reference:
    """Run the pipeline to its end without a kill."""
    run = KilledRun(directory, with_spark=with_spark)
    killed, notes = run.attempt(Kill(station=EVERY_STATION))
    assert not killed
    at = {note.event: note.at for note in notes}
    reference = Reference(
        outputs=run.outputs(),
        lines={note.name: note.count for note in notes if note.event == "lines"},
        opening=at["session"] - at["begun"],
        walking=at["done"] - at["session"],
    )
    run.check_end(reference)
    return reference
