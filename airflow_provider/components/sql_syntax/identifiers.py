"""Names of views, tables and columns, as authors write them and as SQL accepts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.view_names import quote

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

_NAME_PART = re.compile(r"`((?:[^`]|``)+)`|([^.]+)")


def table_name(name: str) -> str:
    """Return the name of a view or table as SQL accepts it, even if it is a reserved word."""
    return name if "`" in name else ".".join(f"`{part}`" for part in name.split("."))


def last_name(name: str) -> str:
    """Return a view's or table's name without its database, as SQL accepts it."""
    return quote(list(_name_parts(name))[-1])


def find_column(name: str, schema: StructType, *, case_sensitive: bool) -> tuple[str, DataType] | None:
    """Return a column as SQL takes it, and its type; None if there is no such column.

    ``a.b`` is a field of a struct, or else a column of that name. Backticks keep a name together.

    :param name: the name as an author writes it
    :param schema: of the view
    :param case_sensitive: whether ``ID`` is another column than ``id``
    """
    parts = list(_name_parts(name))
    found = _walk(parts, schema, case_sensitive)
    if found is None:
        parts = [name]
        found = _walk(parts, schema, case_sensitive)
    return None if found is None else (".".join(map(quote, parts)), found)


def _name_parts(name: str) -> Iterator[str]:
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
