"""The place at which a random pipeline runs, and everything that is there after it ran."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.reliability.random_pipelines.counting_server import CountingServer
from tests.reliability.random_pipelines.random_steps import SCHEMA
from tests.reliability.random_pipelines.random_story import SOURCES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Row = tuple[Any, ...]
UNREADABLE: list[Row] = [("cannot be read",)]
NOT_FROM_A_COPY: list[Row] = [("its copy is out of date, so reading it is refused",)]
NOT_THERE_AGAIN: list[Row] = [("could not be restored after the failure, and the log says so",)]
COPY = "is a copy in this attempt"
ZONE = "spark.sql.session.timeZone"


@dataclass(frozen=True)
class Outcome:
    """Everything that a run has left.

    :param effects: what was sent or appended, place to rows
    :param data: views, directories and tables, place to rows
    """

    effects: dict[str, list[Row]]
    data: dict[str, list[Row]]

    @property
    def places(self) -> dict[str, list[Row]]:
        return self.effects | self.data


class World:
    """Sources, two databases and a server's address of one run.

    :param directory: of this run alone
    :param name: unique among all that share a catalog
    :param url: the server's address
    """

    def __init__(self, directory: Path, name: str, url: str) -> None:
        self.directory = directory
        self.name = name
        self._url = url
        self._databases = (f"{name}_main", f"{name}_other")

    @property
    def places(self) -> dict[str, str]:
        """What stands for what in a config."""
        main, other = self._databases
        return {
            "dir": str(self.directory),
            "url": f"{self._url}/{self.name}",
            "db": main,
            "other": other,
        }

    def create(self, sources: Path) -> None:
        """Make the files that are there before the first attempt.

        :param sources: what :func:`write_sources` wrote
        """
        shutil.copytree(sources, self.directory)
        (self.directory / "notes").write_text("begin\n")
        given = self.directory / "given"
        for number in range(2):
            folder = given / f"folder{number}"
            folder.mkdir(parents=True)
            (folder / "here.txt").write_text(f"here {number}")
            (folder / "random_helper.py").write_text(f"def answer():\n    return {40 + number}\n")
        (given / "rates.txt").write_text("1.25")
        (given / "random_packed.py").write_text("def raised(v):\n    return v + 21\n")

    def register(self, spark: SparkSession) -> None:
        """Make the databases and tables known that are there before the first attempt."""
        for number, database in enumerate(self._databases):
            spark.sql(f"CREATE DATABASE {database} LOCATION '{self.directory}/{database}'")
            place = f"USING parquet LOCATION '{self.directory}/t{number}'"
            spark.sql(f"CREATE TABLE {database}.t{number} (id BIGINT, v BIGINT, tag STRING) {place}")
            place = f"USING parquet LOCATION '{self.directory}/both{number}'"
            spark.sql(f"CREATE TABLE {database}.both (id BIGINT, v BIGINT, tag STRING) {place}")

    def forget(self, spark: SparkSession) -> None:
        """Undo :meth:`register`."""
        for database in self._databases:
            spark.sql(f"DROP DATABASE IF EXISTS {database} CASCADE")

    def data(
        self,
        session: SparkSession,
        functions: Iterable[str],
        variables: Iterable[str],
        lost: Collection[str] = (),
    ) -> dict[str, list[Row]]:
        """Look at views, directories and tables, with the session of the attempt that came to the end.

        :param session: holds the views
        :param functions: names of temp functions that it may have
        :param variables: names of variables that it may have
        :param lost: quoted names of those that could not be brought back
        """
        data: dict[str, list[Row]] = {}
        for row in session.sql("SHOW VIEWS").collect():
            name = row["viewName"]
            data[f"view {name}"] = _read(lambda name=name: session.table(name))  # type: ignore[misc]
            data[f"view {name} is cached"] = _read_text(lambda name=name: session.catalog.isCached(name))  # type: ignore[misc]
        for name in functions:
            data[f"function {name}"] = _read_text(lambda name=name: session.sql(f"SELECT {name}(1L)").first()[0])  # type: ignore[misc]
        for name in variables:
            data[f"variable {name}"] = _read_text(lambda name=name: session.sql(f"SELECT {name}").first()[0])  # type: ignore[misc]
        for place, rows in data.items():
            kind, _, name = place.partition(" ")
            if kind in ("function", "variable") and f"`{name}`" in lost and rows == UNREADABLE:
                data[place] = NOT_THERE_AGAIN
        data["time zone"] = [(session.conf.get(ZONE),)]
        data["current database"] = [(session.catalog.currentDatabase().removeprefix(self.name),)]
        fresh = session.newSession()
        for place in (*SOURCES, "out0", "out1"):
            path = f"{self.directory}/{place}"
            kind = SOURCES.get(place, "parquet")
            if Path(path).exists():
                data[f"directory {place}"] = _read(
                    lambda path=path, kind=kind: fresh.read.schema(SCHEMA).format(kind).load(path)  # type: ignore[misc]
                )
        for database in self._databases:
            for table in sorted(row["tableName"] for row in fresh.sql(f"SHOW TABLES IN {database}").collect()):
                name = f"{database}.{table}"
                data[f"table {name.removeprefix(self.name)}"] = _read(lambda name=name: fresh.table(name))  # type: ignore[misc]
        return data

    def effects(self, server: CountingServer) -> dict[str, list[Row]]:
        """What was sent and appended."""
        found: dict[str, list[Row]] = defaultdict(list)
        for path, bodies in server.received.items():
            if path.startswith(f"/{self.name}/"):
                for number, body in enumerate(bodies, start=1):
                    found[f"call {number} of {path.rpartition('/')[2]}"] = _rows_in(body)
        lines = (self.directory / "notes").read_text().splitlines()[1:]
        for number, line in enumerate(line for line in lines if line.startswith("[[") or line == "[]"):
            found[f"line {number + 1} of notes"] = _rows_in(line)
        sent = [tuple(json.loads(line)) for line in lines if not line.startswith("[[") and line != "[]"]
        if sent:
            found["rows sent to notes"] = sent
        return dict(found)


def write_sources(spark: SparkSession, directory: Path) -> None:
    """Write what each world has from the beginning: the rows of different sources differ."""
    tables = dict.fromkeys(("t0", "t1", "both0", "both1"), "parquet")
    for number, (place, kind) in enumerate((SOURCES | tables).items()):
        rows = spark.range(4, numPartitions=1).selectExpr("id", f"id + {10 * number} AS v", f"'s{number}' AS tag")
        rows.write.format(kind).save(f"{directory}/{place}")


def _rows_in(text: str) -> list[Row]:
    found: Iterable[list[Any]] = json.loads(text)
    return [tuple(row) for row in found]


def _read(frame: Callable[[], Any]) -> list[Row]:
    try:
        return [tuple(row) for row in frame().collect()]
    except Exception as error:  # what was read is gone, as in plain Spark
        return NOT_FROM_A_COPY if COPY in str(error) else UNREADABLE


def _read_text(value: Callable[[], object]) -> list[Row]:
    try:
        return [(str(value()),)]
    except Exception:
        return UNREADABLE
