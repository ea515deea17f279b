"""The suites that fit on each Airflow, Spark and Python that ``pyproject.toml`` claims, each in its own environment.

Run by ``make test-matrix``; ``make test-matrix CELLS="airflow-3.4 wheel"`` takes some. Environments and logs lie below
``.venv-matrix``. Prints a table, and exits with 1 if a cell is not as it should be. The cell ``newest-python`` runs in
continuous integration instead of with the others: what depends most on Python, on the newest one that is installed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from find_python import SUPPORTED, find_python, version_of

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv-matrix"
NEWEST, LOWEST, AIRFLOW_31 = (ROOT / f"constraints{name}.txt" for name in ("", "-lowest", "-airflow-3.1"))

SPARK = (
    "tests/integration/spark",
    "tests/integration/connect",
)
TASKS = (
    "-m",
    "not torture",
    "tests/unit/stores",
    "tests/unit/operators",
    "tests/integration/airflow/test_operator.py",
    "tests/integration/airflow/test_authoring.py",
    "tests/integration/airflow/test_kill.py",
)
UNIT = ("tests/unit",)
SESSION = ("tests/unit/runner/fingerprint", "tests/unit/runner/session_state/effects")
SCENES = ("-m", "", "tests/integration/airflow/real")


@dataclass(frozen=True)
class Cell:
    """One environment and what runs in it.

    :param what: what it stands for
    :param constraints: versions of everything that is not ``pinned``
    :param pinned: requirements beside those of the package
    :param extras: of the package
    :param then: arguments of further ``pip`` commands
    :param suites: arguments of ``pytest``, each in a process of its own
    :param smoke: run the one DAG that any Airflow takes
    :param claimed: whether ``pyproject.toml`` allows it; if not, why it is here all the same
    :param python: version of Python; default: the one that runs this
    """

    what: str
    constraints: Path
    pinned: tuple[str, ...] = ()
    extras: str = "[dev,demo,docs,hocon]"
    then: tuple[tuple[str, ...], ...] = ()
    suites: tuple[tuple[str, ...], ...] = ()
    smoke: bool = False
    claimed: str = "yes"
    python: str | None = None


CELLS = {
    "airflow-3.0": Cell("Airflow 3.0.0, pyspark 4.1.0, all the lowest", LOWEST, extras="", smoke=True),
    "airflow-3.1": Cell("Airflow 3.1.8", AIRFLOW_31, extras="", smoke=True),
    "airflow-3.3": Cell("Airflow 3.3.2", NEWEST, suites=(TASKS, SCENES)),
    "airflow-3.4": Cell("Airflow 3.4.0b2", NEWEST, ("apache-airflow==3.4.0b2",), suites=(TASKS, SCENES)),
    "spark-4.0": Cell(
        "pyspark 4.0.0",
        NEWEST,
        # What the package requires does not allow it.
        then=(("install", "--no-deps", "--force-reinstall", "pyspark==4.0.0", "pyspark-client==4.0.0"),),
        suites=(SPARK,),
        claimed="no: a catalog in memory is not known again, and a temp function that hides one of Spark's cannot be "
        "dropped; it has no SQL scripting and no pandas API in ANSI mode",
    ),
    "spark-4.1": Cell("pyspark 4.1.0", NEWEST, ("pyspark==4.1.0", "pyspark-client==4.1.0"), suites=(SPARK,)),
    "spark-4.2": Cell("pyspark 4.2.0", NEWEST, suites=(SPARK,)),
    "spark-4.3": Cell(
        "pyspark 4.3.0 alone",
        NEWEST,
        then=(("uninstall", "--yes", "pyspark", "pyspark-client"), ("install", "--no-deps", "pyspark==4.3.0")),
        suites=(SPARK,),
        claimed="no: there is no pyspark-client of that version, which Airflow's Spark provider requires",
    ),
    **{
        f"python-{version}": Cell(f"Python {version}", NEWEST, suites=(UNIT, SPARK), python=version)
        for version in SUPPORTED
    },
}
NEWEST_PYTHON = "newest-python"


@dataclass
class Outcome:
    """How a cell ended.

    :param problems: what was not as it should be
    :param told: what the suites counted
    """

    problems: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Environment:
    """A virtual environment of a cell.

    :param name: of the cell
    """

    def __init__(self, name: str) -> None:
        self.folder = HOME / name
        self.python = self.folder / "bin" / "python"
        self._logs = HOME / "logs"
        self._name = name

    def create(self, version: str | None = None) -> None:
        """Make it anew, empty.

        :param version: of Python; default: the one that runs this
        :raises LookupError: there is no such Python
        """
        python = Path(os.environ.get("PYTHON", sys.executable)) if version is None else find_python(version)
        if python is None:
            raise LookupError(f"no Python {version} here; name one with PYTHON{version.replace('.', '_')}=…")
        subprocess.run([python, "-m", "venv", "--clear", self.folder], check=True)

    def pip(self, *arguments: str) -> None:
        """Run pip, without configuration of its own for constraints."""
        self.run("pip", "-m", "pip", "--disable-pip-version-check", *arguments).check_returncode()

    def run(
        self, log: str, *arguments: str, folder: Path = ROOT, importable: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run this environment's Python and keep what it prints.

        :param log: name of the log, which is appended to
        :param folder: where it runs
        :param importable: whether it finds the checkout
        """
        variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        variables["PATH"] = f"{self.python.parent}{os.pathsep}{variables['PATH']}"
        if importable:
            variables["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [self.python, *arguments],
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{self._name}-{log}.log").open("a") as file:
            file.write(f"$ python {' '.join(arguments)}\n{done.stdout}")
        return done


def constraints_without(file: Path, requirements: Sequence[str]) -> Iterator[str]:
    """Return the lines of a file of constraints without what is asked for otherwise."""
    names = {_normal(re.split(r"[=<>!~\[]", requirement)[0]) for requirement in requirements}
    if "apache-airflow" in names:
        names |= {"apache-airflow-core", "apache-airflow-task-sdk"}
    for line in file.read_text().splitlines():
        if _normal(line.partition("==")[0]) not in names:
            yield line


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def play(name: str, cell: Cell) -> Outcome:
    """Build the environment of a cell and run what fits there."""
    environment, outcome = Environment(name), Outcome()
    environment.create(cell.python)
    constraints = environment.folder / "constraints.txt"
    constraints.write_text("\n".join(constraints_without(cell.constraints, cell.pinned)))
    environment.pip("install", "--quiet", "-c", str(constraints), *cell.pinned, "-e", f".{cell.extras}")
    for arguments in cell.then:
        environment.pip(*arguments)
    if cell.smoke:
        done = environment.run("smoke", "tests/lowest/smoke.py", importable=True)
        _judge(outcome, done, re.search(r"components ran: .*", done.stdout), "the DAG")
    for number, suite in enumerate(cell.suites, start=1):
        folder = environment.folder / "tmp"
        done = environment.run(f"suite-{number}", "-m", "pytest", "-q", f"--basetemp={folder}", *suite, importable=True)
        _judge(outcome, done, re.search(r"\d+ (?:passed|failed).*(?= in )", done.stdout), suite[-1])
        shutil.rmtree(folder, ignore_errors=True)
        outcome.problems += re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return outcome


def play_wheel(name: str) -> Outcome:
    """Install the built wheel alone, without constraints, and run a pipeline with a Python function.

    Then mix two versions as an installation by hand does, and mend it with the command that the error names.
    """
    environment, outcome = Environment(name), Outcome()
    environment.create()
    folder = environment.folder / "wheel"
    environment.pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    tab = {path.relative_to(ROOT).as_posix() for path in (ROOT / "airflow_provider/plugins/static").iterdir()}
    if missing := tab - set(zipfile.ZipFile(wheel).namelist()):
        outcome.problems.append(f"the wheel lacks {sorted(missing)}")
    environment.pip("install", "--quiet", str(wheel))
    expected = "the sum of the squares is 285"

    def pipeline() -> subprocess.CompletedProcess[str]:
        # A folder without the checkout: what is imported is the wheel.
        return environment.run("run", "-m", "airflow_provider", "run", "pipeline.yaml", folder=ROOT / "tests" / "wheel")

    done = pipeline()
    _judge(outcome, done, re.search(expected, done.stdout), "the pipeline")
    environment.pip("check")
    environment.pip("install", "--quiet", "--no-deps", "pyspark==4.3.0")
    environment.pip("install", "--quiet", "--no-deps", "--force-reinstall", "pyspark-client==4.2.0")
    done = pipeline()
    command = re.search(r"mend it with: \S+ (-m pip .*)", done.stdout)
    if done.returncode == 0 or command is None:
        outcome.problems.append("a mixed install is not noticed")
        return outcome
    environment.run("mend", *command[1].split()).check_returncode()
    done = pipeline()
    _judge(outcome, done, re.search(expected, done.stdout), "the mended install")
    return outcome


def _judge(outcome: Outcome, done: subprocess.CompletedProcess[str], told: re.Match[str] | None, what: str) -> None:
    outcome.told.append(told[0] if told else f"{what} ended with {done.returncode}")
    if done.returncode or not told:
        outcome.problems.append(f"{what} ended with {done.returncode}")


def newest_python() -> Cell | None:
    """Return the cell for the newest Python here, None if it is the one that runs ``make test``."""
    newest = next((version for version in reversed(SUPPORTED) if find_python(version)), None)
    if newest in (None, version_of(ROOT / ".venv" / "bin" / "python")):
        return None
    return Cell(f"Python {newest}", NEWEST, suites=(SESSION,), python=newest)


def versions(name: str) -> str:
    """Return what is installed in a cell's environment."""
    code = (
        "from importlib.metadata import distributions as d\n"
        "v = {x.metadata['Name'].lower(): x.version for x in d()}\n"
        "print(*(v.get(n, '-') for n in ('apache-airflow', 'pyspark', 'pyspark-client', 'pandas')))"
    )
    environment = Environment(name)
    return environment.run("versions", "-c", code).stdout.strip() if environment.python.exists() else "-"


def main() -> int:
    """Play the cells that the command line names, all by default."""
    names = [*CELLS, "wheel"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"of {', '.join([*names, NEWEST_PYTHON])}")
    chosen = parser.parse_args().cells or names
    cells = dict(CELLS)
    if NEWEST_PYTHON in chosen:
        if (cell := newest_python()) is None:
            print(f"{NEWEST_PYTHON}: skipped, because the newest Python here is the one that runs all tests")
            chosen = [name for name in chosen if name != NEWEST_PYTHON]
        else:
            cells[NEWEST_PYTHON] = cell
    players: dict[str, Callable[[], Outcome]] = {
        **{name: lambda name=name, cell=cell: play(name, cell) for name, cell in cells.items()},  # type: ignore[misc]
        "wheel": lambda: play_wheel("wheel"),
    }
    if unknown := sorted(set(chosen) - set(players)):
        parser.error(f"no cell {', '.join(unknown)}; there are {', '.join(players)}")
    if not chosen:
        return 0
    shutil.rmtree(HOME / "logs", ignore_errors=True)
    rows, bad = [], False
    for name in chosen:
        began = time.monotonic()
        try:
            outcome = players[name]()
        except subprocess.CalledProcessError as error:
            outcome = Outcome([f"{' '.join(map(str, error.cmd[1:5]))} ended with {error.returncode}"])
        except LookupError as error:
            outcome = Outcome([str(error)])
        what, claimed = (cells[name].what, cells[name].claimed) if name in cells else ("the wheel alone", "yes")
        bad |= bool(outcome.problems) and claimed == "yes"
        took = f"{(time.monotonic() - began) / 60:.0f} min"
        told = "; ".join([*outcome.told, *outcome.problems])
        rows.append((name, what, versions(name), "FAILED" if outcome.problems else "green", took, claimed, told))
        print(f"{' | '.join(rows[-1])}", flush=True)
    print("\ncell | what | Airflow, pyspark, pyspark-client, pandas | verdict | time | claimed | told")
    for row in rows:
        print(" | ".join(row))
    print(f"logs in {HOME / 'logs'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
