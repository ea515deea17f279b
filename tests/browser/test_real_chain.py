"""The whole chain: a pipeline fails, a person restarts it in the tab, and the next attempt does what was shown."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Looker, eventually
from tests.browser.tab_stage import PROGRESS, TabAirflow, TaskPlace

RUN = 240_000
"""How long an attempt may take, in milliseconds: it starts Spark."""


def _executed(folder: Path) -> list[list[str]]:
    """Return what each attempt executed."""
    attempts: dict[int, list[str]] = {}
    for line in (folder / "journal").read_text().splitlines():
        entry = json.loads(line)
        if entry["event"] == "start":
            attempts.setdefault(entry["process"], []).append(entry["component"])
    return list(attempts.values())


def _previewed(dialog: Any) -> str:
    """Return the plan that a dialog draws, as the letters of a document."""
    nodes = dialog.locator(".spt-node")
    classes = nodes.evaluate_all(
        "nodes => nodes.map(one => [Number(one.dataset.component), one.getAttribute('class')])"
    )
    return "".join(re.search(r"spt-state-(\w)", words).group(1) for _, words in sorted(classes))  # type: ignore[union-attr]


@pytest.mark.essential
@pytest.mark.whole_airflow
def test_what_failed_is_restarted_from_a_component_and_does_what_the_preview_said(
    looker: Looker, airflow: TabAirflow, tmp_path: Path
) -> None:
    place = TaskPlace("chain", "real-1", "etl")
    (tmp_path / "hold-convert-1").touch()
    (tmp_path / "fail-convert-1").touch()
    airflow.trigger("chain", place.run_id, {"folder": str(tmp_path)})
    page = looker.at_home
    looker.go(page, place.tab)

    # It runs, and the tab follows.
    page.locator(".spt h2", has_text="3 of 5 done, 'convert' at work").wait_for(timeout=RUN)
    page.locator(".spt-node", has_text="clean").click()
    (tmp_path / "hold-convert-1").unlink()
    page.locator(".spt h2", has_text="Attempt 1 failed in 'convert'").wait_for(timeout=30_000)
    assert "ConnectionError: the service is not up yet" in page.locator(".spt-now").inner_text()
    assert page.locator(".spt-panel-name").inner_text() == "clean"
    # On SQLite the scheduler may close the run over a clear in the same second.
    airflow.wait_for_run("chain", place.run_id)

    # It is restarted from a component that completed.
    button = page.locator(".spt-panel .spt-button:not([aria-disabled])", has_text="Restart from here…")
    button.click()
    dialog = page.locator(".spt-dialog")
    dialog.get_by_text("Clears this task and what comes after it: 'done'.").wait_for()
    preview = _previewed(dialog)
    assert preview == "rrxxx"
    assert dialog.locator(".spt-notice").count() == 0, "the attempt recorded what this would do"
    dialog.get_by_role("button", name="Clear and restart").click()
    page.locator(".spt h2", has_text="Attempt 2 succeeded").wait_for(timeout=RUN)

    document = airflow.call("GET", place.row(f"{PROGRESS}chain"))["value"]
    assert document["actions"] == preview
    assert _executed(tmp_path) == [["load", "rates", "clean", "convert"], ["clean", "convert", "report"]]
    history = page.locator(".spt-history").inner_text()
    assert "Request: restart from 'clean'" in history
    assert "alice" in history
    assert "carried out by attempt 2" in history
    assert airflow.request(place, "chain") is None


@pytest.mark.whole_airflow
def test_a_request_after_this_attempt_waits_and_stopping_carries_it_out(
    looker: Looker, airflow: TabAirflow, tmp_path: Path
) -> None:
    place = TaskPlace("chain", "real-2", "etl")
    (tmp_path / "hold-convert-1").touch()
    airflow.trigger("chain", place.run_id, {"folder": str(tmp_path)})
    page = looker.at_home
    looker.go(page, place.tab)
    page.locator(".spt h2", has_text="'convert' at work").wait_for(timeout=RUN)
    page.locator(".spt-node", has_text="rates").click()
    page.get_by_role("button", name="Stop and restart from here…").click()
    began = time.monotonic()
    page.get_by_role("button", name="Stop and restart", exact=True).click()
    page.locator(".spt-dialog").wait_for(state="detached")
    eventually(page, lambda: len(_executed(tmp_path)) == 2, "the second attempt", RUN)
    page.locator(".spt h2", has_text="Attempt 2 succeeded").wait_for(timeout=RUN)
    print(f"stopped and done again after {time.monotonic() - began:.0f} s")
    assert _executed(tmp_path)[1] == ["rates", "convert", "report"]
