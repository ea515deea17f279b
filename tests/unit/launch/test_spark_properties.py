"""Spark properties as they are written in DAG files: what is taken, and what is refused with its place."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch.spark_properties import properties


@pytest.mark.parametrize(
    ("given", "conf"),
    [
        (None, {}),
        ({}, {}),
        ("", {}),
        ("None", {}),
        ("null", {}),
        ({"spark.a": True, "spark.b": 4, "spark.c": 0.5}, {"spark.a": "true", "spark.b": "4", "spark.c": "0.5"}),
        (OrderedDict([("spark.a", "x y")]), {"spark.a": "x y"}),
        ({"spark.a": Path("/data")}, {"spark.a": "/data"}),
        ({"spark.a": ""}, {"spark.a": ""}),
        (json.dumps({"spark.a": True, "spark.b": 4}), {"spark.a": "true", "spark.b": "4"}),
        (str({"spark.a": True, "spark.b": "local[1]"}), {"spark.a": "true", "spark.b": "local[1]"}),
        ({"spark.sql.parquet.compression.codec": "None"}, {"spark.sql.parquet.compression.codec": "None"}),
    ],
)
def test_properties_may_be_a_mapping_or_what_a_template_of_all_of_it_comes_to(given: Any, conf: dict[str, str]) -> None:
    """JSON with ``tojson``, Python without it, a mapping with ``render_template_as_native_obj``."""
    assert properties(given, "spark_conf") == conf


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("spark.master=local[1]", "text but not a mapping"),
        ("{'spark.a': undefined}", "text but not a mapping"),
        ("[1, 2]", "of type list"),
        ("7", "of type int"),
        ([("spark.a", "b")], "of type list"),
        ({"spark.a": None}, "'spark.a' is None; give it a value or leave it out"),
        ('{"spark.a": null}', "'spark.a' is None"),
        ({"spark.a": "None"}, "'spark.a' is None"),
        ({"spark.jars": ["a.jar", "b.jar"]}, "'spark.jars' is a list; Spark takes text"),
        ({"spark": {"sql": {"shuffle": 1}}}, "'spark' is a mapping; write the whole name"),
        ({"spark.a": b"x"}, "'spark.a' is bytes"),
        ({1: "x"}, "1 is not the name of a Spark property"),
        ({"": "x"}, "'' is not the name of a Spark property"),
    ],
)
def test_what_is_no_property_is_refused_with_its_place(given: Any, told: str) -> None:
    """Never the text "None", and never Python's way to write a list."""
    with pytest.raises(SparkConfigError) as refused:
        properties(given, "spark_conf")
    assert str(refused.value).startswith("spark_conf")
    assert told in str(refused.value)


def test_every_property_that_is_wrong_is_named_and_no_value_is_shown() -> None:
    """A value may be a secret."""
    with pytest.raises(SparkConfigError) as refused:
        properties({"spark.a": None, "spark.my.password": ["hunter2"]}, "conf")
    assert "'spark.a'" in str(refused.value)
    assert "'spark.my.password'" in str(refused.value)
    assert "hunter2" not in str(refused.value)
