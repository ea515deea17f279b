"""The pipeline that is killed: many small components of pure Python, and between them some that use Spark.

Each writes ``<dir>/out/<name>``, in many small steps and not atomically, from the outputs of those it depends on; so
one output that is missing, torn or wrong shows in all that follow. Written again, it comes out the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.reliability.kills.kill_journal import Aim, Journal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAME = "killed"
PYTHON_STEPS = 24
LINES = 60
"""Lines of an output, each of them written out at once."""

Work = Callable[["SparkSession", Path], list[Any]]

SPARK_STEPS: dict[str, Work] = {}
PLACES: dict[str, int] = {}
"""After how many components of pure Python each that uses Spark comes."""

SAVED = ("counts",)
"""Components whose views are saved, whatever a second execution would cost."""


class Observers:
    """Who is told what the components do. Set by the driver: a component gets nothing but its config."""

    journal: Journal
    aim: Aim


def run(spark: Any, *, name: str, directory: str, inputs: list[str]) -> None:
    """The component: ``name`` says which part of the pipeline it is."""
    Observers.journal.note("start", name)
    rows = SPARK_STEPS[name](spark, Path(directory)) if name in SPARK_STEPS else []
    digests = [read_output(Path(directory), other)[0] for other in inputs]
    digest = hashlib.sha256(repr((name, digests, rows)).encode()).hexdigest()
    # Not emptied first: an attempt that has been replaced and does not know it yet may write the same at the same time.
    file = os.open(Path(directory, "out", name), os.O_WRONLY | os.O_CREAT)
    for _ in range(LINES):
        os.write(file, f"{digest}\n".encode())
    os.close(file)
    Observers.journal.note("end", name)
    Observers.aim.begin(name)


def read_output(directory: Path, name: str) -> list[str]:
    """Return the lines of a component's output; a torn one is an error."""
    lines = (directory / "out" / name).read_text(encoding="utf-8").splitlines()
    if len(lines) != LINES or len(set(lines)) != 1:
        raise RuntimeError(f"output of {name} is torn: {lines}")
    return lines


def pipeline(directory: Path, *, with_spark: bool) -> dict[str, Any]:
    """The config of the whole pipeline.

    :param with_spark: False leaves out the components that use Spark
    """
    names: list[str] = []
    for number in range(1, PYTHON_STEPS + 1):
        names += [name for name, place in PLACES.items() if with_spark and place == number - 1]
        names.append(f"python_{number:02d}")
    names += [name for name, place in PLACES.items() if with_spark and place == PYTHON_STEPS]
    return {"name": NAME, "components": [_component(name, _inputs(names, name), directory) for name in names]}


def _inputs(names: Sequence[str], name: str) -> list[str]:
    """Each component depends on the one before it, and on one further back."""
    position = names.index(name)
    return sorted({names[position - 1], names[position // 2]}) if position > 1 else list(names[:position])


def _component(name: str, inputs: list[str], directory: Path) -> dict[str, Any]:
    return {
        "name": name,
        "class_path": "tests.reliability.kills.kill_steps.run",
        "config": {"name": name, "directory": str(directory), "inputs": inputs},
        "depends_on": inputs,
        **({"session_state": "save"} if name in SAVED else {}),
    }


def after(place: int) -> Callable[[Work], Work]:
    def register(work: Work) -> Work:
        SPARK_STEPS[work.__name__] = work
        PLACES[work.__name__] = place
        return work

    return register


@after(2)
def numbers(spark: SparkSession, directory: Path) -> list[Any]:
    """A lazy view: it is replayed when a later component of an attempt needs it."""
    spark.range(60).selectExpr("id", "id % 7 AS k").createOrReplaceTempView("numbers")
    return []


@after(5)
def zone(spark: SparkSession, directory: Path) -> list[Any]:
    """A setting."""
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    return []


@after(8)
def counts(spark: SparkSession, directory: Path) -> list[Any]:
    """A view that is saved."""
    spark.sql("SELECT k, count(*) AS n FROM numbers GROUP BY k").createOrReplaceTempView("counts")
    return []


@after(13)
def table(spark: SparkSession, directory: Path) -> list[Any]:
    """Files, and a view on them that is saved because Spark wrote."""
    hours = spark.sql("SELECT id, k, n, hour(timestamp_seconds(id * 3600)) AS h FROM numbers JOIN counts USING (k)")
    hours.coalesce(1).write.mode("overwrite").parquet(f"{directory}/table")
    spark.read.parquet(f"{directory}/table").where("k < 5").createOrReplaceTempView("hours")
    return []


@after(19)
def look(spark: SparkSession, directory: Path) -> list[Any]:
    """Uses the views and the setting in the middle of the way."""
    return [spark.conf.get("spark.sql.session.timeZone"), *_rows(spark, "SELECT * FROM hours JOIN counts USING (k, n)")]


@after(24)
def total(spark: SparkSession, directory: Path) -> list[Any]:
    """Reads everything at the end."""
    spark.read.parquet(f"{directory}/table").createOrReplaceTempView("all_hours")
    return [_rows(spark, f"SELECT * FROM {view}") for view in ("numbers", "counts", "hours", "all_hours")]


def _rows(spark: SparkSession, query: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, spark.sql(query).collect()))
