"""What a write is about to replace, and whether something that is read lies there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_provider.components.destination.table_layout import split_table_name
from airflow_provider.runner.session_state.sources.current_reads import (
    ReadPlace,
)
from airflow_provider.runner.session_state.sources.destroys import Location, Relation, relation


@dataclass(frozen=True)
class WriteTarget:
    """What a write is about to empty or drop.

    :param label: its name for people, such as ``path '/x'``
    :param places: the directories whose data the write deletes
    :param table: its full name in lower case, if it is a table
    :param database: address and table of a database
    :param beside: whether the new data are written beside and exchanged at the end
    :param keeps_entry: whether the catalog keeps its entry of the table, so that views of it find the new files
    :param is_part: whether the write replaces only some partitions, so that readers of the others are safe
    """

    label: str
    places: tuple[Location, ...] = ()
    table: str | None = None
    database: tuple[str, str] | None = None
    beside: bool = False
    is_part: bool = False
    keeps_entry: bool = False


def meeting_places(target: WriteTarget, read: ReadPlace) -> Iterable[tuple[Location, Location]]:
    return (
        (place, root) for place in target.places for root in read.roots if relation(place, root) is not Relation.APART
    )


def meets_any(target: WriteTarget, reads: Sequence[ReadPlace]) -> bool:
    return any(True for read in reads for _ in meeting_places(target, read))


def is_same_table(target: WriteTarget, read: ReadPlace) -> bool:
    return target.table is not None and not target.beside and is_same_name(target.table, read.table)


def is_same_name(one: str, other: str | None) -> bool:
    if other is None:
        return False
    mine, theirs = ([part.lower() for part in split_table_name(name)] for name in (one, other))
    shared = min(len(mine), len(theirs))
    return shared > 1 and mine[-shared:] == theirs[-shared:]


def is_same_database(target: tuple[str, str] | None, read: tuple[str, str] | None) -> bool:
    if target is None or read is None:
        return False
    address, table = (_address(target[0]), target[1].lower().replace('"', "").replace("`", ""))
    name = re.escape(table.rpartition(".")[2])
    return address == _address(read[0]) and bool(re.search(rf"(?<!\w){name}(?!\w)", read[1].lower()))


def _address(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", re.split("[?;]", url, maxsplit=1)[0]).rstrip("/").lower()
