"""How errors of others are put into one line."""

from __future__ import annotations

from airflow_provider.errors import describe


class Py4JJavaError(Exception):
    """Stands for py4j's, which needs a JVM to be made. Its text has this form."""


def test_of_an_error_of_java_the_line_that_java_said_is_told() -> None:
    """The first one names no more than a number of py4j's own."""
    text = "An error occurred while calling o1037.save.\n: org.apache.spark.SparkException: Job aborted.\n\tat org.x.Y"
    assert describe(Py4JJavaError(text)) == "Py4JJavaError: org.apache.spark.SparkException: Job aborted."
    assert describe(Py4JJavaError("An error occurred while calling o1.save.")).endswith("calling o1.save.")


def test_the_first_line_that_says_anything_is_told() -> None:
    assert describe(ValueError("\n  \n first\nsecond")) == "ValueError: first"
    assert describe(ValueError()) == "ValueError"
