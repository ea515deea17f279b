"""The third of three modules. Arrow writes with code of its own: no audit event tells of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import pyarrow.fs


def append_silently(path: str, line: str = "line") -> None:
    with pyarrow.fs.LocalFileSystem().open_append_stream(path) as stream:
        stream.write(f"{line}\n".encode())


def product(*numbers: int) -> int:
    return math.prod(numbers)


def journaled(component: Callable[..., None]) -> Callable[..., None]:
    """Decorate a component so that it acts."""

    @functools.wraps(component)
    def wrapper(spark: Any, *, path: str) -> None:
        append_silently(path)
        component(spark, path=path)

    return wrapper


def checked(component: Callable[..., None]) -> Callable[..., None]:
    """Decorate a component in a way that does no harm."""

    @functools.wraps(component)
    def wrapper(spark: Any) -> None:
        component(spark)
        assert spark.catalog.tableExists("v")

    return wrapper
