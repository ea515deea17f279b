"""A component that is a module of its own, so that it is found by its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def note(spark: Any, journal: str, **values: Any) -> None:
    """Note what kinds of values have come."""
    with Path(journal).open("a") as file:
        file.write(f"{json.dumps({key: repr(value) for key, value in values.items()})}\n")


def tell(spark: Any, view: str, journal: str, failures: int = 0) -> None:
    """Note the rows of a view, and fail the first ``failures`` times."""
    with Path(journal).open("a") as file:
        file.write(f"{json.dumps([list(row) for row in spark.table(view).collect()])}\n")
    if len(Path(journal).read_text().splitlines()) <= failures:
        raise ConnectionError("the service is not up yet")
