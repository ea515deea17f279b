"""The first of three modules."""

from __future__ import annotations

from tests.integration.spark.harmless.acts.far import two


def book(path: str) -> None:
    two.pass_on(path)


def double(number: int) -> int:
    return two.times(number, 2)
