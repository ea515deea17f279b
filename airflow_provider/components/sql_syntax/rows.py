"""The rows of a view as its readers get them, and which columns it has.

A text file can give other rows to a reader of few columns than to one of all: Spark parses only what is asked for, and
what it does not parse is not malformed. So a question about such rows has to depend on every column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

_READS_TEXT = re.compile(r"\b(?:FileScan|BatchScan) (?:csv|json|xml)\b")
_NOT_HASHED = re.compile(r"\b(?:map<|variant\b|geometry\b|geography\b)")
_RANDOM = re.compile(r"\b(?:rand|randn|random|randstr|uniform|uuid|shuffle)\(|\bSample ")
_NUMBER = re.compile(r"#\d+L?")
_NAME_PART = re.compile(r"`((?:[^`]|``)+)`|([^.]+)")


def explain(spark: SparkSession, query: str) -> str:
    """Return what Spark says of a query without running it: its logical plans and the physical one.

    A query that Spark can parse never fails here; then the plan is an error.
    """
    row = spark.sql(f"EXPLAIN EXTENDED {query}").first()
    return str(row[0]) if row is not None else ""


def analyzed(plan: str) -> str:
    """Return the analyzed plan of :func:`explain`, after the line of its columns; or an error."""
    return plan.partition("== Analyzed Logical Plan ==\n")[2].partition("\n== Optimized Logical Plan ==")[0]


def parses_text(plan: str) -> bool:
    """Whether what :func:`explain` returned says that files of text are parsed: CSV, JSON, XML."""
    return _READS_TEXT.search(plan.partition("== Physical Plan ==")[2]) is not None


def random_parts(plan: str) -> list[str]:
    """Return the lines of what :func:`explain` returned that hold chance. They show its seeds."""
    return [_NUMBER.sub("#", line) for line in analyzed(plan).splitlines() if _RANDOM.search(line)]


def whole_row(frame: DataFrame, columns: str = "*") -> str | None:
    """Return an SQL expression that depends on every column of a view and is cheap, None if it has no columns.

    :param frame: the view
    :param columns: its columns as SQL takes them in this place
    """
    if not frame.columns:
        return None
    hashed = not any(_NOT_HASHED.search(kind) for _, kind in frame.dtypes)
    return f"xxhash64({columns})" if hashed else f"xxhash64(to_json(struct({columns})))"


def quoted(name: str) -> str:
    """Return one name as SQL takes it, whatever is in it."""
    return f"`{name.replace('`', '``')}`"


def table_name(name: str) -> str:
    """Return the name of a view or table as SQL takes it, whatever word it is."""
    return name if "`" in name else ".".join(f"`{part}`" for part in name.split("."))


def last_name(name: str) -> str:
    """Return a view's or table's name without its database, as SQL takes it."""
    return quoted(list(_parts(name))[-1])


def column(name: str, schema: StructType, *, case_sensitive: bool) -> tuple[str, DataType] | None:
    """Return a column as SQL takes it, and its type; None if there is no such column.

    ``a.b`` is a field of a struct, or else a column of that name. Backticks keep a name together.

    :param name: the name as an author writes it
    :param schema: of the view
    :param case_sensitive: whether ``ID`` is another column than ``id``
    """
    parts = list(_parts(name))
    found = _walk(parts, schema, case_sensitive)
    if found is None:
        parts = [name]
        found = _walk(parts, schema, case_sensitive)
    return None if found is None else (".".join(map(quoted, parts)), found)


def _parts(name: str) -> Iterator[str]:
    at = 0
    while at < len(name) and (found := _NAME_PART.match(name, at)):
        yield found[1].replace("``", "`") if found[1] is not None else found[2]
        at = found.end() + 1
        if name[found.end() : at] not in ("", "."):
            return


def _walk(parts: list[str], schema: DataType, case_sensitive: bool) -> DataType | None:
    from pyspark.sql.types import ArrayType, MapType, StructType

    here: Any = schema
    of_items = False
    for part in parts:
        while isinstance(here, ArrayType):
            here, of_items = here.elementType, True
        if isinstance(here, MapType):
            here = here.valueType
            continue
        if not isinstance(here, StructType):
            return None
        wanted = part if case_sensitive else part.casefold()
        here = next(
            (f.dataType for f in here.fields if (f.name if case_sensitive else f.name.casefold()) == wanted), None
        )
    if here is None or not parts:
        return None
    return ArrayType(here) if of_items else here
