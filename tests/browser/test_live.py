"""The tab follows a task that runs, and says whose silence it is when there is nothing new."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.conftest import Looker, eventually
from tests.browser.sample_progress import orders, running_document
from tests.browser.tab_stage import TabAirflow, TaskPlace


def _hide(page: Any, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def _count_questions(page: Any) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: "/state-store" in request.url and asked.append(request.url))
    return asked


@pytest.mark.essential
def test_new_facts_show_within_five_seconds_and_the_chosen_component_stays(
    looker: Looker, airflow: TabAirflow, running: TaskPlace
) -> None:
    page = looker.open(running)
    page.locator(".spt-node", has_text="daily_totals").click()
    page.evaluate("document.querySelector('.spt').dataset.same = 'yes'")
    took = []
    for states, said in (("rrrrrccxwwww", "7 of 12 done"), ("rrrrrccxcwww", "8 of 12"), ("rrrrrccccxww", "9 of 12")):
        airflow.write(running, running_document(running.run_id, states))
        began = time.monotonic()
        page.locator(".spt h2", has_text=said).wait_for()
        took.append(time.monotonic() - began)
    assert min(took) < 5, f"it took {took} s, and other work of the machine does not explain all of them"
    assert page.locator(".spt-panel-name").inner_text() == "daily_totals"
    assert page.locator(".spt").get_attribute("data-same") == "yes"


def test_a_hidden_tab_asks_nothing_and_catches_up_when_it_is_seen_again(
    looker: Looker, airflow: TabAirflow, running: TaskPlace
) -> None:
    page = looker.open(running, viewport={"width": 1400, "height": 900})
    asked = _count_questions(page)
    eventually(page, lambda: asked, "a first question")
    _hide(page, True)
    page.wait_for_timeout(1500)
    asked.clear()
    page.wait_for_timeout(8000)
    assert asked == []
    airflow.write(running, running_document(running.run_id, "rrrrrccccxxw"))
    _hide(page, False)
    page.locator(".spt h2", has_text="9 of 12 done").wait_for(timeout=5000)


def test_a_silent_driver_is_a_sentence_of_its_own(looker: Looker, airflow: TabAirflow, running: TaskPlace) -> None:
    page = looker.open(running)
    before = datetime.now(UTC) - timedelta(seconds=95)
    zone = "" if airflow.database.startswith("sqlite") else "+00"
    airflow.execute(
        "UPDATE task_state_store SET updated_at = :before WHERE run_id = :run",
        before=f"{before:%Y-%m-%d %H:%M:%S.%f}{zone}",
        run=running.run_id,
    )
    page.get_by_text("The driver has not been heard of for 1 min").wait_for()
    assert page.get_by_text("API does not answer").count() == 0


def test_a_silent_api_is_another_sentence_and_the_tab_goes_on_trying(
    looker: Looker, airflow: TabAirflow, running: TaskPlace
) -> None:
    looker.tolerated.append("Failed to load resource|net::ERR|status code 5|Network Error|AxiosError")
    page = looker.open(running)
    page.route("**/taskInstances/etl**", lambda route: route.abort())
    page.get_by_text("Airflow's API does not answer; the tab goes on trying, more slowly.").wait_for()
    assert page.locator(".spt-node").count() == 12
    page.unroute("**/taskInstances/etl**")
    page.get_by_text("Airflow's API does not answer").wait_for(state="detached")


def test_it_asks_less_and_less_often_while_the_api_does_not_answer(
    looker: Looker, airflow: TabAirflow, running: TaskPlace
) -> None:
    looker.tolerated.append(".")
    page = looker.open(running, viewport={"width": 1400, "height": 900})
    times: list[float] = []

    def refuse(route: Any) -> None:
        if route.request.resource_type == "fetch" and "spt" not in route.request.url:
            times.append(time.monotonic())
        route.abort()

    page.route("**/api/v2/dags/orders/dagRuns/*/taskInstances/etl", refuse)
    eventually(page, lambda: len(times) >= 3, "three questions")
    assert times[-1] - times[-2] > 4


def test_the_next_attempt_appears_by_itself(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Clear and resume").click()
    page.get_by_text("The task is cleared or queued; what you see is the attempt before.").wait_for()
    airflow.show(failed, running_document(failed.run_id, "rrrrrxwwwwww"), "running")
    page.locator(".spt h2", has_text="Attempt 2 is running: 5 of 12 done").wait_for()


def test_a_task_without_progress_says_what_it_waits_for(looker: Looker, airflow: TabAirflow, place: TaskPlace) -> None:
    airflow.make_run(place.dag_id, place.run_id)
    page = looker.at_home
    looker.go(page, place.tab)
    page.get_by_text("No attempt has begun yet.").wait_for()
    airflow.show(place, orders(place.run_id).document("xwwwwwwwwwww"), "running")
    page.locator(".spt h2", has_text="Attempt 1 is running: 0 of 12 done").wait_for()
