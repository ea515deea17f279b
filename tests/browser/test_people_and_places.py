"""Who looks, and at what: viewers, expired logins, mapped tasks, several pipelines, unreadable rows."""

from __future__ import annotations

import pytest

from scripts.local_airflow import RELEASE
from tests.browser.conftest import Looker
from tests.browser.sample_progress import SamplePipeline, orders
from tests.browser.tab_stage import PROGRESS, TabAirflow, TaskPlace


@pytest.mark.essential
def test_a_viewer_sees_and_cannot_act(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    looker.tolerated.append(r"403.*dry_run")
    page = looker.open(failed, "vera")
    page.get_by_text("Nothing can be done here: you may look at this task, but not clear it").wait_for()
    button = page.get_by_role("button", name="Resume…")
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    assert page.locator(".spt-dialog").count() == 0
    assert airflow.state(failed) == "failed"


def test_somebody_with_the_role_op_may_act(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed, "otto")
    page.locator(".spt-steps .spt-button:not([aria-disabled])", has_text="Resume").click()
    page.get_by_text("'otto' as having asked").wait_for()


def test_an_expired_login_is_a_sentence_with_the_way_back(looker: Looker, failed: TaskPlace) -> None:
    looker.tolerated += ["401", "Failed to load resource"]
    page = looker.open(failed, viewport={"width": 1400, "height": 900})
    page.locator(".spt-node").first.wait_for()
    page.context.add_cookies([{"name": "_token", "value": "expired", "url": looker.airflow.url}])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("text=Your login has expired").or_(page.locator("input[name=username]")).first.wait_for()


def test_each_mapped_instance_shows_its_own_pipeline(looker: Looker, airflow: TabAirflow) -> None:
    for index, states in enumerate(("cccccccccccc", "cccccfnnnnnn")):
        place = TaskPlace("mapped", "mapped-1", "shop", index)
        state = "failed" if "f" in states else "succeeded"
        airflow.show(place, orders("mapped-1").document(states, state=state), "failed" if "f" in states else "success")
    page = looker.open(TaskPlace("mapped", "mapped-1", "shop", 1))
    assert page.locator(".spt h2").inner_text().startswith("Attempt 1 failed")
    page.get_by_role("button", name="Resume…").click()
    page.get_by_role("button", name="Clear and resume").click()
    page.locator(".spt-dialog").wait_for(state="detached")
    assert airflow.state(TaskPlace("mapped", "mapped-1", "shop", 1)) is None
    assert airflow.state(TaskPlace("mapped", "mapped-1", "shop", 0)) == "success"


def test_a_run_shows_all_its_pipelines_and_leads_to_each(looker: Looker, airflow: TabAirflow) -> None:
    for task, states, state in (("bronze", "cccccccccccc", "success"), ("gold", "cccccfnnnnnn", "failed")):
        pipeline = orders("two-1")
        pipeline.name = task
        error = {"error": {"component": 5, "headline": "out of memory"}} if state == "failed" else {}
        document = pipeline.document(states, state="succeeded" if state == "success" else "failed", **error)
        airflow.show(TaskPlace("two", "two-1", task), document, state)
    page = looker.at_home
    looker.go(page, "/dags/two/runs/two-1/plugin/spark-pipelines")
    page.locator(".spt-card .spt-sentence").nth(1).wait_for()
    texts = page.locator(".spt-card").all_inner_texts()
    assert [text.split("\n")[0] for text in texts] == ["bronze", "gold"]
    assert "convert_currency: out of memory" in texts[1]
    page.locator(".spt-card").get_by_role("link", name="gold").click()
    page.locator(".spt h2", has_text="Attempt 1 failed in 'convert_currency'").wait_for()


def test_a_task_of_another_operator_has_a_sentence(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    looker.go(page, TaskPlace("orders", failed.run_id, "report").tab)
    page.get_by_text("This task is no Spark pipeline (EmptyOperator).").wait_for()
    tabs = page.get_by_role("link", name="Spark pipeline")
    assert tabs.count() == (0 if RELEASE >= (3, 4) else 1), "from 3.4 on only our tasks have the tab"


def test_a_task_with_two_pipelines_lets_one_choose(looker: Looker, airflow: TabAirflow, failed: TaskPlace) -> None:
    other = SamplePipeline({"a": [], "b": ["a"]}, [1.0, 2.0], name="second", run_id=failed.run_id)
    airflow.write(failed, other.document("cc", state="succeeded"))
    page = looker.open(failed)
    page.get_by_label("Pipeline").select_option("second")
    page.locator(".spt h2", has_text="Attempt 1 succeeded").wait_for()
    assert page.locator(".spt-node").count() == 2


def test_a_row_whose_value_lies_outside_is_said_to_be_unreadable(
    looker: Looker, airflow: TabAirflow, failed: TaskPlace
) -> None:
    airflow.call("PUT", failed.row(f"{PROGRESS}orders"), {"value": "s3://state/af31"})
    page = looker.at_home
    looker.go(page, failed.tab)
    page.get_by_text("The progress of this pipeline is not readable here").wait_for()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "The progress was written in format 2, and this tab reads format 1."),
        ({"states": "c"}, "is damaged (states has 1 entries for 12 components)"),
    ],
)
def test_a_document_that_the_tab_does_not_understand_is_said_to_be_so(
    looker: Looker, airflow: TabAirflow, failed: TaskPlace, change: dict[str, object], said: str
) -> None:
    airflow.write(failed, {**orders(failed.run_id).document("cccccfnnnnnn"), **change})
    page = looker.at_home
    looker.go(page, failed.tab)
    page.get_by_text(said).wait_for()
