"""What a SQL statement is about to empty, drop or create, as Spark's own parser reads it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.spark.kind import spark_kind

logger = logging.getLogger(__name__)

_MAY_WRITE = re.compile(r"\b(overwrite|drop|truncate|create)\b", re.IGNORECASE)


@dataclass(frozen=True)
class EmptiedTable:
    """A table that loses rows to a statement.

    :param name: its name, quoted
    :param partition: values of the partition columns that the statement names; empty if it means the whole table
    :param drops: whether no new rows replace the old ones
    """

    name: str
    partition: tuple[tuple[str, str], ...] = ()
    drops: bool = False


@dataclass(frozen=True)
class SqlWrites:
    """What one statement writes.

    :param emptied: tables that lose rows to it
    :param directories: directories that it empties
    :param makes: tables that it creates where Spark chooses
    :param reads: names of the tables and views that it reads, quoted
    :param databases: databases that it drops with all their tables
    """

    emptied: tuple[EmptiedTable, ...] = ()
    directories: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


def read_sql_writes(spark: Any, text: str) -> SqlWrites:
    """Return what a statement writes; nothing for a query, for text that does not parse, and through Spark Connect."""
    if spark_kind(spark) != "classic" or not _MAY_WRITE.search(text):
        return SqlWrites()
    try:
        nodes = list(_nodes(spark._jsparkSession.sessionState().sqlParser().parsePlan(text)))
        return _read(nodes)
    except Exception as error:  # noqa: BLE001 - if it is wrong, Spark will say so in its own words
        logger.debug("cannot find out what a statement writes: %s", describe(error))
        return SqlWrites()


def _read(nodes: list[tuple[str, Any]]) -> SqlWrites:
    emptied = [table for kind, node in nodes for table in _emptied(kind, node)]
    directories: list[str] = []
    databases: list[str] = []
    makes: list[str] = []
    for kind, node in nodes:
        if kind == "InsertIntoDir" and node.overwrite() and node.storage().locationUri().isDefined():
            directories.append(str(node.storage().locationUri().get().toString()))
        elif kind == "DropNamespace" and node.cascade():
            databases.append(_quoted(_child(node).multipartIdentifier()))
        elif kind == "CreateTableAsSelect" and node.tableSpec().location().isEmpty():
            makes.append(_name(node.name()))
    if not (emptied or directories or makes or databases):
        return SqlWrites()
    reads = [_name(node) for kind, node in nodes if kind == "UnresolvedRelation"]
    return SqlWrites(tuple(emptied), tuple(directories), tuple(makes), tuple(dict.fromkeys(reads)), tuple(databases))


def _emptied(kind: str, node: Any) -> Iterator[EmptiedTable]:
    if kind == "InsertIntoStatement" and node.overwrite():
        yield EmptiedTable(_name(node.table()), _partition(node.partitionSpec()))
    elif kind == "LoadData" and node.isOverwrite():
        spec = node.partition()
        values = _partition(spec.get()) if spec.isDefined() else ()
        yield EmptiedTable(_name(_child(node)), values)
    elif kind == "DropTable":
        yield EmptiedTable(_name(_child(node)), drops=True)
    elif kind == "TruncateTable":
        yield EmptiedTable(_name(node.table()), drops=True)
    elif kind == "TruncatePartition":
        yield EmptiedTable(_name(node.table()), _spec(node.partitionSpec()), drops=True)
    elif kind == "DropPartitions":
        for index in range(node.parts().size()):
            yield EmptiedTable(_name(node.table()), _spec(node.parts().apply(index)), drops=True)


def _child(node: Any) -> Any:
    return node.children().apply(0)


def _nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Return the operators of a plan, those of its subqueries included, with their kinds."""
    yield str(node.getClass().getSimpleName()), node
    for below in (node.children(), node.innerChildren()):
        for index in range(below.size()):
            yield from _nodes(below.apply(index))


def _partition(spec: Any) -> tuple[tuple[str, str], ...]:
    """Return the values of a partition that an insert or a load names; dynamic ones have no value."""
    entries, found = spec.iterator(), []
    while entries.hasNext():
        entry = entries.next()
        value = entry._2()
        if isinstance(value, str):
            found.append((str(entry._1()), value))
        elif value.isDefined():
            found.append((str(entry._1()), str(value.get())))
    return tuple(found)


def _spec(node: Any) -> tuple[tuple[str, str], ...]:
    """Return the values of a partition that a statement about the partition itself names."""
    return _partition(node.spec()) if hasattr(node, "spec") else ()


def _name(node: Any) -> str:
    is_identifier = node.getClass().getSimpleName() == "UnresolvedIdentifier"
    return _quoted(node.nameParts() if is_identifier else node.multipartIdentifier())


def _quoted(parts: Any) -> str:
    return ".".join(quote(str(parts.apply(index))) for index in range(parts.size()))
