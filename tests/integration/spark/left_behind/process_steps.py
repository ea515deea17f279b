"""Components that leave something in Python's process, and those that use it."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from tests.integration.spark.left_behind import process_jobs as jobs


def _also(writes: str) -> None:
    """Write a line, so that the component must not run again."""
    if writes:
        with Path(writes).open("a") as file:
            file.write("1\n")


def gate(spark: Any, *, closed: str) -> None:
    if Path(closed).exists():
        raise RuntimeError("the gate is closed")


def set_variable(spark: Any, *, writes: str = "") -> None:
    os.environ["LEFT_MODE"] = "fast"
    _also(writes)


def use_variable(spark: Any, *, out: str) -> None:
    Path(out).write_text(os.environ.get("LEFT_MODE", "none"))


def unset_variable(spark: Any, *, writes: str = "") -> None:
    os.environ.pop("LEFT_GIVEN", None)
    _also(writes)


def use_unset_variable(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(os.getenv("LEFT_GIVEN")))


def set_secret(spark: Any, *, writes: str = "") -> None:
    os.environ["LEFT_PASSWORD"] = "hunter2"
    _also(writes)


def use_secret(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(len(os.environ["LEFT_PASSWORD"])))


def use_any_variable(spark: Any, *, out: str, prefix: str) -> None:
    Path(out).write_text(str({key: value for key, value in os.environ.items() if key.startswith(prefix)}))


def set_unused(spark: Any, *, writes: str = "") -> None:
    os.environ["LEFT_UNUSED"] = "1"
    _also(writes)


def use_nothing(spark: Any, *, out: str) -> None:
    spark.range(3).write.mode("overwrite").parquet(out)


def add_path(spark: Any, *, folder: str, writes: str = "") -> None:
    sys.path.insert(0, folder)
    _also(writes)


def append_by_path(spark: Any, *, out: str) -> None:
    import left_helper  # type: ignore[import-not-found]

    with open(out, "a") as file:
        file.write(f"{left_helper.answer()}\n")


def use_path(spark: Any, *, out: str) -> None:
    import left_helper  # type: ignore[import-not-found]

    Path(out).write_text(str(left_helper.answer()))


def change_directory(spark: Any, *, folder: str, writes: str = "") -> None:
    os.chdir(folder)
    _also(writes)


def use_directory(spark: Any, *, out: str) -> None:
    Path(out).write_text(Path("here.txt").read_text() if Path("here.txt").exists() else "none")


def change_locale(spark: Any, *, writes: str = "") -> None:
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
    sys.setrecursionlimit(4321)
    _also(writes)


def use_locale(spark: Any, *, out: str) -> None:
    Path(out).write_text(f"{locale.setlocale(locale.LC_ALL)} {sys.getrecursionlimit()}")


def fill_cache(spark: Any, *, writes: str = "") -> None:
    jobs.CACHE["rows"] = spark.range(7).count()
    _also(writes)


def use_cache(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(jobs.CACHE.get("rows")))


def keep_frame(spark: Any, *, writes: str = "") -> None:
    jobs.FRAMES["seven"] = spark.range(7)
    _also(writes)


def use_frame(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(jobs.FRAMES["seven"].count()))


def keep_broadcast(spark: Any, *, writes: str = "") -> None:
    jobs.RATES["eur"] = spark.sparkContext.broadcast({"x": 5})
    _also(writes)


def use_broadcast(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(jobs.RATES["eur"].value["x"]))


def set_global(spark: Any, *, writes: str = "") -> None:
    jobs.RATE = 9
    _also(writes)


def use_global(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(jobs.RATE))


def count_up(spark: Any, *, writes: str = "") -> None:
    jobs.COUNTS.append(1)
    _also(writes)


def use_counts(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(len(jobs.COUNTS)))


def set_class_attribute(spark: Any, *, writes: str = "") -> None:
    jobs.Shop.rate = 9
    jobs.Shop.seen["a"] = 1
    _also(writes)


def use_class_attribute(spark: Any, *, out: str) -> None:
    Path(out).write_text(f"{jobs.Shop.rate} {jobs.Shop.seen}")


def set_object(spark: Any, *, writes: str = "") -> None:
    jobs.SETTINGS.mode = "fast"
    _also(writes)


def use_object(spark: Any, *, out: str) -> None:
    Path(out).write_text(jobs.SETTINGS.mode)


def _doubled(frame: DataFrame) -> int:
    return 2 * frame.count()


def _extend(owner: type, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


def extend_class(spark: Any, *, writes: str = "") -> None:
    _extend(DataFrame, "left_doubled", _doubled)
    _also(writes)


def add_method(spark: Any, *, writes: str = "") -> None:
    DataFrame.left_doubled = _doubled  # type: ignore[attr-defined]
    _also(writes)


def use_method(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(spark.range(4).left_doubled()))


def replace_method(spark: Any, *, writes: str = "") -> None:
    DataFrame.isEmpty = lambda frame: "never"  # type: ignore[assignment, method-assign]
    _also(writes)


def use_replaced_method(spark: Any, *, out: str) -> None:
    Path(out).write_text(str(spark.range(4).isEmpty()))


def chain_first(spark: Any, *, writes: str = "") -> None:
    jobs.CACHE["first"] = 20
    _also(writes)


def chain_second(spark: Any) -> None:
    os.environ["LEFT_SECOND"] = str(jobs.CACHE["first"] + 1)


def use_chain(spark: Any, *, out: str) -> None:
    Path(out).write_text(os.environ.get("LEFT_SECOND", "none"))


def take_method(frame: DataFrame, name: str) -> Callable[[], Any]:
    return getattr(frame, name)  # type: ignore[no-any-return]


def use_unnamed_method(spark: Any, *, out: str, name: str) -> None:
    Path(out).write_text(str(take_method(spark.range(4), name)()))
