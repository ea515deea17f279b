"""Names of views, and how Spark reads them literally."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ViewName:
    """A temp view.

    :param name: its name without database
    :param is_global: whether it is a global temp view
    """

    name: str
    is_global: bool = False

    def __str__(self) -> str:
        return f"global_temp.{self.name}" if self.is_global else self.name

    def quoted(self, global_database: str) -> str:
        """Return the name for SQL and ``spark.table``, whatever characters it has."""
        return f"{quote(global_database)}.{quote(self.name)}" if self.is_global else quote(self.name)


def quote(name: str) -> str:
    """Return a name in backticks."""
    return f"`{name.replace('`', '``')}`"


def literal(text: str) -> str:
    """Return a text as a SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
