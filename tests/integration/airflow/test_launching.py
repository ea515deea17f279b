"""What a task says of Spark, as a user meets it: properties by template, failures in the log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("airflow")

FILE = "launching.py"


def test_properties_come_through_a_template_or_are_refused_at_once_with_their_place(airflow: Any) -> None:
    """Text of all of them is read as a mapping; what cannot be used fails without a retry."""
    ended = airflow.run(FILE, "properties")

    states = {task: state for (task, _), state in ended.states.items()}
    assert {task for task, state in states.items() if state == "success"} == {"python"}
    told = {task: tries for (task, _), tries in ended.tries.items()}
    assert ("INFO", "spark.sql.shuffle.partitions=3") in told["python"][0].log
    for task, what in {
        "text": "spark_conf is text but not a mapping of Spark properties",
        "none": "spark_conf: property 'spark.yarn.queue' is None",
        "none_by_template": "spark_conf: property 'spark.yarn.queue' is None",
        "list": "spark_conf: property 'spark.jars' is a list",
    }.items():
        (only,) = told[task]
        assert only.error["type"] == "AirflowFailException"
        assert what in only.error["message"]


def test_native_templates_give_properties_as_they_are(airflow: Any) -> None:
    """And a template that comes to nothing is told as that."""
    ended = airflow.run(FILE, "native_properties")

    assert ended.states["mapping", -1] == "success"
    (only,) = ended.tries["none_by_template", -1]
    assert "property 'spark.yarn.queue' is None" in only.error["message"]


def test_a_failure_leaves_a_few_lines_of_java_in_the_log(airflow: Any, tmp_path: Path) -> None:
    """The stacks are there at level DEBUG; each line of a message of several has the level of its record."""
    ended = airflow.run(FILE, "failing_write", conf={"spark.master": "local[2]", "path": str(tmp_path / "out")})

    first = ended.tries["work", -1][0]
    shown = [text for level, text in first.log if level not in ("DEBUG", "NOTSET")]
    java = [text for text in shown if re.search(r"^Spark: |^\s+at |Caused by:|JVM stacktrace|\.\.\. \d+ more", text)]
    assert len(java) <= 3, java
    assert any("of two" in text for text in shown)
    assert not any("\n" in text for text in shown)
    assert "where:" not in first.error["message"]  # nobody's line but this package's and Spark's
