"""The component of random graphs: it does what its config lists, and notes what it saw."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SEEN: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
"""Component to what it saw, each time that it ran to its end."""
FAILS: set[str] = set()
"""Components that fail the next time."""
_TURNS: list[Turns] = []


class MadeToFail(Exception):
    """What a component is made to raise."""


class Turns:
    """Lets one component at a time take a step, drawn among those that want to.

    :param seed: decides the order
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._changed = threading.Condition()
        self._at_work: set[str] = set()
        self._wants: set[str] = set()
        self._turn: str | None = None
        self.order: list[str] = []

    def begin(self, name: str) -> None:
        with self._changed:
            self._at_work.add(name)

    def step(self, name: str) -> None:
        """Wait for the turn of a component. One that has just started somewhere may come late; nobody waits for it."""
        with self._changed:
            self._wants.add(name)
            self._draw()
            self._changed.wait_for(lambda: self._turn == name, timeout=30)
            self._wants.discard(name)
            self._turn = None
            self.order.append(name)

    def end(self, name: str) -> None:
        with self._changed:
            self._at_work.discard(name)
            self._draw()

    def _draw(self) -> None:
        if self._turn is None and self._wants and self._wants == self._at_work:
            self._turn = self._random.choice(sorted(self._wants))
            self._changed.notify_all()


@contextmanager
def taking_turns(seed: str) -> Iterator[Turns]:
    """Force an order on the steps of components that run side by side."""
    turns = Turns(seed)
    _TURNS.append(turns)
    try:
        yield turns
    finally:
        _TURNS.remove(turns)


def graph_step(spark: Any, *, name: str, steps: Sequence[Sequence[Any]]) -> None:
    turns = _TURNS[-1] if _TURNS else None
    seen: list[Any] = []
    if turns is not None:
        turns.begin(name)
    try:
        for step, *arguments in steps:
            if turns is not None:
                turns.step(name)
            seen.append(STEPS[step](spark, name, *arguments))
    finally:
        if turns is not None:
            turns.end(name)
    SEEN[name].append(tuple(seen))


def _view(spark: Any, name: str, view: str, rows: int) -> None:
    spark.range(rows).createOrReplaceTempView(view)


def _text_view(spark: Any, name: str, view: str, source: str) -> None:
    spark.sql(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT id + 1 AS id FROM {source}")


def _frame_view(spark: Any, name: str, view: str, source: str) -> None:
    spark.table(source).selectExpr("id + 2 AS id").createOrReplaceTempView(view)


def _count(spark: Any, name: str, view: str) -> Any:
    return spark.table(view).selectExpr("count(*)", "sum(id)").first()[:]


def _scratch(spark: Any, name: str, view: str, rows: int) -> Any:
    """What goes wrong with threads in one session: others use the same name, and read one another's rows."""
    spark.range(rows).createOrReplaceTempView(view)
    counts = {spark.sql(f"SELECT count(*) FROM {view}").first()[0] for _ in range(3)}
    spark.catalog.dropTempView(view)
    return tuple(sorted(counts))


def _missing(spark: Any, name: str, view: str) -> bool:
    return bool(spark.catalog.tableExists(view))


def _set(spark: Any, name: str, key: str, value: str) -> None:
    spark.conf.set(key, value)


def _get(spark: Any, name: str, key: str) -> Any:
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    return spark.conf.get(key, None), active is not None and active.conf.get(key, None)


def _use(spark: Any, name: str, database: str) -> None:
    spark.sql(f"USE {database}")


def _where(spark: Any, name: str) -> Any:
    return spark.catalog.currentDatabase()


def _function(spark: Any, name: str, function: str, number: int) -> None:
    spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {function}(x BIGINT) RETURNS BIGINT RETURN x + {number}")


def _call(spark: Any, name: str, function: str) -> Any:
    return spark.sql(f"SELECT {function}(1)").first()[0]


def _variable(spark: Any, name: str, variable: str, value: int) -> None:
    spark.sql(f"DECLARE OR REPLACE VARIABLE {variable} BIGINT DEFAULT {value}")


def _value(spark: Any, name: str, variable: str) -> Any:
    return spark.sql(f"SELECT {variable}").first()[0]


def _cache(spark: Any, name: str, view: str) -> Any:
    spark.catalog.cacheTable(view)
    return spark.table(view).count()


def _local(spark: Any, name: str, key: str, value: str) -> None:
    spark.sparkContext.setLocalProperty(key, value)


def _get_local(spark: Any, name: str, key: str) -> Any:
    return spark.sparkContext.getLocalProperty(key)


def _append(spark: Any, name: str, table: str) -> None:
    spark.sql(f"SELECT '{name}' AS who").write.mode("append").saveAsTable(table)


def _in_a_thread(spark: Any, name: str, view: str) -> Any:
    found: list[Any] = []

    def read() -> None:
        found.append(spark.table(view).count())

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    return tuple(found)


def _fail(spark: Any, name: str) -> None:
    if name in FAILS:
        FAILS.discard(name)
        raise MadeToFail(f"{name} was made to fail")


STEPS: dict[str, Callable[..., Any]] = {
    "view": _view,
    "text view": _text_view,
    "frame view": _frame_view,
    "count": _count,
    "scratch": _scratch,
    "missing": _missing,
    "set": _set,
    "get": _get,
    "use": _use,
    "where": _where,
    "function": _function,
    "call": _call,
    "variable": _variable,
    "value": _value,
    "cache": _cache,
    "local": _local,
    "get local": _get_local,
    "append": _append,
    "in a thread": _in_a_thread,
    "fail": _fail,
}
