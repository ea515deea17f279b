"""The second of three modules. It imports the third when it is needed."""

from __future__ import annotations


def pass_on(path: str) -> None:
    from tests.integration.spark.harmless.acts.far.three import append_silently

    append_silently(path)


def times(number: int, factor: int) -> int:
    from tests.integration.spark.harmless.acts.far.three import product

    return product(number, factor)
