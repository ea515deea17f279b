"""An expression over whole rows, so that Spark reads a view as a reader of all its columns would.

A text file can give different rows to a reader of few columns than to one of all columns: Spark parses only what a
query asks for, and what it does not parse cannot be malformed. So a question about such rows must depend on every
column.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NOT_HASHED = re.compile(r"\b(?:map<|variant\b|geometry\b|geography\b)")


def whole_row_expression(frame: DataFrame, columns: str = "*") -> str | None:
    """Return an SQL expression that depends on every column of a view and is cheap, None if it has no columns.

    :param columns: its columns as SQL takes them in this place
    """
    if not frame.columns:
        return None
    hashed = not any(_NOT_HASHED.search(kind) for _, kind in frame.dtypes)
    return f"xxhash64({columns})" if hashed else f"xxhash64(to_json(struct({columns})))"
