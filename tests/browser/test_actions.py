"""What can be done in the tab: each with a preview, confirmed once, and nothing is lost if it fails halfway."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.conftest import Looker, eventually
from tests.browser.sample_progress import orders
from tests.browser.tab_stage import TabAirflow, TaskPlace

CLEAR = "**/clearTaskInstances"


def _refuse_the_clear(page: Any, status: int = 409) -> None:
    def answer(route: Any) -> None:
        if json.loads(route.request.post_data)["dry_run"]:
            route.continue_()
        else:
            route.fulfill(status=status, json={"detail": "a task of it is running"})

    page.route(CLEAR, answer)


def test_a_restart_from_a_component_shows_its_preview_and_then_asks_for_it(
    looker: Looker, airflow: TabAirflow, failed: TaskPlace
) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Restart from here…").click()
    dialog = page.locator(".spt-dialog")
    text = dialog.inner_text()
    assert "Restart from 'clean_orders'?" in text
    assert "Runs 8, replays 1, reuses 3" in text
    assert "'alice'" in text
    dialog.get_by_text("Clears this task and what comes after it: 'report' and 'mail'.").wait_for()
    assert airflow.request(failed) is None
    assert airflow.state(failed) == "failed"
    dialog.get_by_role("button", name="Clear and restart").click()
    dialog.wait_for(state="detached")
    request = airflow.request(failed)
    assert {key: request[key] for key in ("components", "only", "requested_by", "source")} == {
        "components": ["clean_orders"],
        "only": False,
        "requested_by": "alice",
        "source": "the Spark pipeline tab",
    }
    assert len(request["id"]) == 32
    assert airflow.state(failed) is None
    page.get_by_text("A request waits for the next attempt: restart from 'clean_orders', by alice").wait_for()


def test_a_resume_clears_without_a_request(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Clear and resume").click()
    eventually(page, lambda: airflow.state(failed) is None, "the clear")
    assert airflow.request(failed) is None


def test_from_the_beginning_asks_for_every_root(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.get_by_role("button", name="From the beginning…").click()
    assert "Runs 12; costs about 45 min of work." in page.locator(".spt-dialog").inner_text()
    page.get_by_role("button", name="Clear and restart").click()
    request = eventually(page, lambda: airflow.request(failed), "the request")
    assert request["components"] == ["read_orders", "read_customers", "read_rates"]


def test_only_one_component_leaves_out_its_descendants(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Only this one…").click()
    page.get_by_role("button", name="Clear and restart").click()
    assert eventually(page, lambda: airflow.request(failed), "the request")["only"] is True


def test_what_would_be_refused_is_off_with_the_reason(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="publish_top").click()
    button = page.get_by_role("button", name="Only this one…")
    assert button.get_attribute("aria-disabled") == "true"
    assert "'top_customers' has not completed in this run" in page.locator(".spt-actions").inner_text()
    button.click(force=True)
    assert page.locator(".spt-dialog").count() == 0


def test_cancelling_sends_nothing(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.get_by_role("button", name="Resume…").click()
    page.keyboard.press("Escape")
    page.locator(".spt-dialog").wait_for(state="detached")
    assert airflow.state(failed) == "failed"
    focused = page.evaluate("document.activeElement.textContent")
    assert focused.startswith("Resume")


@pytest.mark.essential
def test_a_clear_that_is_refused_takes_the_request_back(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    looker.tolerated.append("409")
    page = looker.open(failed)
    _refuse_the_clear(page)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Restart from here…").click()
    page.get_by_role("button", name="Clear and restart").click()
    page.get_by_text(
        "The clear was refused: a task of it is running. The request was withdrawn; nothing has changed."
    ).wait_for()
    assert airflow.request(failed) is None
    assert airflow.state(failed) == "failed"


def test_a_clear_that_is_refused_puts_the_request_before_it_back(
    looker: Looker, airflow: TabAirflow, failed: TaskPlace
) -> None:
    looker.tolerated.append("409")
    before = {"id": "0" * 32, "components": ["read_rates"], "only": False, "requested_by": "bob", "source": "a command"}
    airflow.call("PUT", failed.row("pyspark_pipeline_restart_from/orders"), {"value": before})
    page = looker.open(failed)
    _refuse_the_clear(page)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Restart from here…").click()
    page.get_by_text("Replaces the request that waits: restart from 'read_rates', by bob").wait_for()
    page.get_by_role("button", name="Clear and restart").click()
    page.get_by_text("The request that waited before is there again; nothing has changed.").wait_for()
    assert airflow.request(failed) == before


def test_a_clear_whose_answer_is_lost_keeps_the_request(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    looker.tolerated.append("Failed to load resource")
    page = looker.open(failed)

    def answer(route: Any) -> None:
        if json.loads(route.request.post_data)["dry_run"]:
            route.continue_()
        else:
            route.fetch()
            route.abort()

    page.route(CLEAR, answer)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Restart from here…").click()
    page.get_by_role("button", name="Clear and restart").click()
    page.get_by_text("The task is cleared; the next attempt begins").wait_for()
    assert airflow.request(failed)["components"] == ["clean_orders"]


def test_a_request_that_waits_can_be_withdrawn(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    request = {"id": "1" * 32, "components": ["read_rates"], "requested_by": "bob", "source": "a command"}
    airflow.call("PUT", failed.row("pyspark_pipeline_restart_from/orders"), {"value": request})
    page = looker.open(failed)
    page.get_by_role("button", name="Withdraw it").click()
    page.get_by_text("The request is withdrawn.").wait_for()
    assert airflow.request(failed) is None


def test_a_request_that_waits_can_be_carried_out_at_once(
    looker: Looker, airflow: TabAirflow, failed: TaskPlace
) -> None:
    request = {"id": "2" * 32, "components": ["clean_orders"], "requested_by": "bob", "source": "a command"}
    airflow.call("PUT", failed.row("pyspark_pipeline_restart_from/orders"), {"value": request})
    page = looker.open(failed)
    assert page.get_by_role("button", name="Resume…").get_attribute("aria-disabled") == "true"
    page.get_by_role("button", name="Clear the task to carry it out…").click()
    text = page.locator(".spt-dialog").inner_text()
    assert "Runs 8, replays 1, reuses 3" in text
    assert "Carries out the request that waits: restart from 'clean_orders', by bob" in text
    page.get_by_role("button", name="Clear and restart").click()
    page.locator(".spt-dialog").wait_for(state="detached")
    assert airflow.request(failed) == request
    assert airflow.state(failed) is None


def test_while_it_runs_a_request_can_wait_for_the_end_of_the_attempt(
    looker: Looker, airflow: TabAirflow, running: TaskPlace
) -> None:
    page = looker.open(running)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Restart from here after this attempt…").click()
    assert "Clears nothing" in page.locator(".spt-dialog").inner_text()
    page.get_by_role("button", name="Leave the request").click()
    page.locator(".spt-dialog").wait_for(state="detached")
    assert airflow.request(running)["components"] == ["clean_orders"]
    assert airflow.state(running) == "running"


def test_while_it_runs_it_can_be_stopped_and_restarted(looker: Looker, airflow: TabAirflow, running: TaskPlace) -> None:
    page = looker.open(running)
    page.locator(".spt-node", has_text="clean_orders").click()
    page.get_by_role("button", name="Stop and restart from here…").click()
    assert "what runs at this moment is lost" in page.locator(".spt-dialog").inner_text()
    page.get_by_role("button", name="Stop and restart", exact=True).click()
    page.locator(".spt-dialog").wait_for(state="detached")
    assert airflow.request(running)["components"] == ["clean_orders"]
    assert airflow.state(running) == "restarting"


def test_after_a_kill_it_can_be_resumed_with_a_reservation(
    looker: Looker, airflow: TabAirflow, place: TaskPlace
) -> None:
    document = orders(place.run_id).document("cccccxwwwwww")
    page = looker.open(airflow.show(place, document, "failed"))
    page.get_by_text("The attempt ended without a word").wait_for()
    page.get_by_role("button", name="Resume…").click()
    text = page.locator(".spt-dialog").inner_text()
    assert "Runs 7, reuses 5" in text
    assert "The attempt was ended before it could record this" in text
