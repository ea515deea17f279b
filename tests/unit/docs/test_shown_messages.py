"""The messages that the guides show are those that the package makes."""

from __future__ import annotations

import inspect
import re

import pytest

from airflow_provider.operators import attempt_guard
from airflow_provider.runner.observing import attempt_error, attempt_status, missing_view
from airflow_provider.runner.session_state import strategy
from airflow_provider.runner.spark import jvm, lost
from tests.unit.docs.pages import ROOT

GUIDES = ROOT / "docs"


def said(module: object) -> str:
    """Return the text of a module as people read it: literals that follow each other are one."""
    return re.sub(r'"\s*\n\s*f?"', "", inspect.getsource(module))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "shown", "module"),
    [
        ("how-to/read-a-failure.md", "most likely this machine or container ran out of memory", jvm),
        (
            "how-to/read-a-failure.md",
            "remedy: give the worker more memory or Spark less: spark.driver.memory is ",
            lost,
        ),
        ("how-to/read-a-failure.md", ", and both Spark and Python need more than that", lost),
        ("how-to/read-a-failure.md", "Spark was lost while component ", attempt_error),
        ("how-to/read-a-failure.md", " resumes at ", attempt_error),
        ("how-to/read-a-failure.md", "next: a retry or a clear of this task resumes at ", attempt_status),
        ("how-to/read-a-failure.md", ", which runs again", attempt_status),
        ("how-to/read-a-failure.md", "Airflow asked the task to stop", attempt_guard),
        ("how-to/read-a-failure.md", " does not depend: add it to depends_on", missing_view),
        ("how-to/refused-attempts.md", " could not be restored after the failure: ", missing_view),
        ("how-to/refused-attempts.md", missing_view.IF_LOST, missing_view),
        ("explanation/session-state.md", strategy.VOUCH, strategy),
    ],
)
def test_a_page_shows_what_the_package_says(page: str, shown: str, module: object) -> None:
    assert shown in (GUIDES / page).read_text(encoding="utf-8")
    assert shown in said(module)
