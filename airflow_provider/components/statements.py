"""What a SQL statement is about to empty, drop or make, as Spark's own parser reads it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.record.names import quote
from airflow_provider.runner.session_state.sources.reads import is_classic

logger = logging.getLogger(__name__)

_MAY_WRITE = re.compile(r"\b(overwrite|drop|truncate|create)\b", re.IGNORECASE)


@dataclass(frozen=True)
class EmptiedTable:
    """A table from which a statement takes rows.

    :param name: its name, quoted
    :param partition: values of the partition columns that the statement names; empty if it means the whole table
    :param drops: whether nothing takes the place of the rows
    """

    name: str
    partition: tuple[tuple[str, str], ...] = ()
    drops: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement, as far as it writes.

    :param emptied: tables from which it takes rows
    :param directories: directories that it empties
    :param makes: tables that it makes where Spark chooses
    :param reads: names of the tables and views that it reads, quoted
    """

    emptied: tuple[EmptiedTable, ...] = ()
    directories: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def read_statement(spark: Any, text: str) -> Statement:
    """Return what a statement writes; nothing for a query, for what cannot be parsed, and through Spark Connect.

    :param spark: the session
    :param text: the statement
    """
    if not is_classic(spark) or not _MAY_WRITE.search(text):
        return Statement()
    try:
        nodes = list(_nodes(spark._jsparkSession.sessionState().sqlParser().parsePlan(text)))
        return _read(nodes)
    except Exception as error:  # noqa: BLE001 - if it is wrong, Spark will say so in its own words
        logger.debug("what a statement writes cannot be told: %s", describe(error))
        return Statement()


def _read(nodes: list[tuple[str, Any]]) -> Statement:
    emptied: list[EmptiedTable] = []
    directories: list[str] = []
    makes: list[str] = []
    for kind, node in nodes:
        if kind == "InsertIntoStatement" and node.overwrite():
            emptied.append(EmptiedTable(_name(node.table()), _partition(node)))
        elif kind == "InsertIntoDir" and node.overwrite() and node.storage().locationUri().isDefined():
            directories.append(str(node.storage().locationUri().get().toString()))
        elif kind == "DropTable":
            emptied.append(EmptiedTable(_name(node.child()), drops=True))
        elif kind == "TruncateTable":
            emptied.append(EmptiedTable(_name(node.table()), drops=True))
        elif kind == "CreateTableAsSelect" and node.tableSpec().location().isEmpty():
            makes.append(_name(node.name()))
    if not (emptied or directories or makes):
        return Statement()
    reads = [_name(node) for kind, node in nodes if kind == "UnresolvedRelation"]
    return Statement(tuple(emptied), tuple(directories), tuple(makes), tuple(dict.fromkeys(reads)))


def _nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Return the operators of a plan, those of its subqueries included, with their kinds."""
    yield str(node.getClass().getSimpleName()), node
    for below in (node.children(), node.innerChildren()):
        for index in range(below.size()):
            yield from _nodes(below.apply(index))


def _partition(node: Any) -> tuple[tuple[str, str], ...]:
    spec = node.partitionSpec().iterator()
    found = []
    while spec.hasNext():
        entry = spec.next()
        if entry._2().isDefined():
            found.append((str(entry._1()), str(entry._2().get())))
    return tuple(found)


def _name(node: Any) -> str:
    is_identifier = node.getClass().getSimpleName() == "UnresolvedIdentifier"
    parts = node.nameParts() if is_identifier else node.multipartIdentifier()
    return ".".join(quote(str(parts.apply(index))) for index in range(parts.size()))
