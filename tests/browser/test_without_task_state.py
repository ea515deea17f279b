"""Airflow 3.1 and 3.2 have no task state store: the progress is an XCom, and a request to restart has no place."""

from __future__ import annotations

import pytest

from scripts.local_airflow import RELEASE
from tests.browser.conftest import Looker, eventually
from tests.browser.tab_stage import TabAirflow, TaskPlace

pytestmark = pytest.mark.skipif(RELEASE >= (3, 3), reason="this Airflow has a task state store")


def test_the_progress_is_shown_and_a_restart_is_off_with_the_way_round(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    assert page.locator(".spt h2").inner_text().startswith("Attempt 1 failed in 'convert_currency'")
    page.locator(".spt-node", has_text="clean_orders").click()
    page.locator(".spt-actions", has_text="needs Airflow 3.3 or newer here").first.wait_for()
    assert page.get_by_role("button", name="Restart from here…").get_attribute("aria-disabled") == "true"


def test_it_can_be_resumed(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.locator(".spt-steps .spt-button:not([aria-disabled])", has_text="Resume").click()
    page.get_by_text("Airflow's audit log will show you as having asked.").wait_for()
    page.get_by_role("button", name="Clear and resume").click()
    page.locator(".spt-dialog").wait_for(state="detached")
    eventually(page, lambda: airflow.state(failed) is None, "the clear")


def test_a_task_of_another_operator_has_a_sentence(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    looker.go(page, TaskPlace("orders", failed.run_id, "report").tab)
    page.get_by_text("This task is no Spark pipeline (EmptyOperator).").wait_for()
