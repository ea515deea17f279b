"""What the tab shows of an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import Looker
from tests.browser.sample_progress import HOSTILE, SamplePipeline, earlier, orders, running_document
from tests.browser.tab_stage import TabAirflow, TaskPlace


def _text(page: object, selector: str = ".spt") -> str:
    return page.locator(selector).first.inner_text()  # type: ignore[attr-defined]


@pytest.mark.essential
def test_the_first_screen_says_what_failed_why_what_is_safe_and_what_it_costs(
    looker: Looker, failed: TaskPlace
) -> None:
    page = looker.open(failed)
    assert _text(page, ".spt h2") == "Attempt 1 failed in 'convert_currency' after 36 min: 5 of 12 done."
    now = _text(page, ".spt-now")
    assert "AnalysisException: column 'rate' cannot be resolved" in now
    assert "jobs/orders.py:42 in convert_currency" in now
    assert "correct the name, then resume" in now
    assert "Runs 7, reuses 5, which saves 14 min; costs about 30 min of work." in now
    assert page.locator(".spt-now").bounding_box()["y"] < 1000


def test_counts_name_every_state_with_the_waiting_ones(looker: Looker, running: TaskPlace) -> None:
    page = looker.open(running)
    counts = [" ".join(text.split()) for text in page.locator(".spt-count").all_inner_texts()]
    assert counts == ["1 running", "1 completed", "5 reused", "5 waiting"]


def test_reused_components_are_on_the_timeline_as_a_kind_of_their_own(looker: Looker, running: TaskPlace) -> None:
    page = looker.open(running)
    assert page.locator(".spt-reused-bar").all_inner_texts()[:2] == ["reused, saved 7 min", "reused, saved 2 min"]
    assert page.locator(".spt-row").count() == 7
    assert "5 waiting: not on the timeline" in _text(page, ".spt-timeline")


def test_the_failed_bar_is_hatched(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    bar = page.locator(".spt-bar-took.spt-state-f")
    assert "repeating-linear-gradient" in bar.evaluate("bar => getComputedStyle(bar).backgroundImage")


def test_the_graph_has_a_node_and_a_sign_for_each_component_and_edges(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    assert page.locator(".spt-node").count() == 12
    labels = page.locator(".spt-node").evaluate_all("nodes => nodes.map(node => node.getAttribute('aria-label'))")
    assert labels[5].startswith("convert_currency: failed. failed after")
    assert page.locator(".spt-edge").first.get_attribute("d").count("M") == 11


def test_the_panel_says_what_a_component_left_and_what_it_cost(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="clean_orders").click()
    panel = _text(page, ".spt-panel")
    for part in (
        "It spilled 4 GB to disk",
        "3.1 × its usual time",
        "view clean_orders",
        "replayed, reads what is there now",
        "48,120,331 rows",
        "config.path, jobs.orders.clean",
        "412, 2 failed",
    ):
        assert part in panel, part


def test_the_link_to_sparks_ui_goes_to_the_components_sql_execution(
    looker: Looker, airflow: TabAirflow, place: TaskPlace
) -> None:
    document = running_document(place.run_id, spark_ui="http://driver:4040")
    page = looker.open(airflow.show(place, document, "running"))
    page.locator(".spt-node", has_text="convert_currency").click()
    link = page.get_by_role("link", name="Open in Spark's UI")
    assert link.get_attribute("href") == "http://driver:4040/SQL/execution/?id=17"
    assert "noopener" in link.get_attribute("rel")


def test_a_link_that_is_no_web_address_is_left_out(looker: Looker, airflow: TabAirflow, place: TaskPlace) -> None:
    document = running_document(place.run_id, spark_ui="javascript:window.hacked=1")
    page = looker.open(airflow.show(place, document, "running"))
    page.locator(".spt-node", has_text="convert_currency").click()
    page.locator(".spt-panel").wait_for()
    assert page.get_by_role("link", name="Open in Spark's UI").count() == 0


def test_the_table_sorts_and_filters(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    rows = page.locator(".spt-table-row th")
    page.locator(".spt-table").get_by_role("button", name="Time").click()
    assert rows.first.inner_text() == "convert_currency"
    page.get_by_label("Filter components by name or plan").fill("publish")
    assert rows.all_inner_texts() == ["publish_totals", "publish_top"]
    page.get_by_label("Filter components by name or plan").fill("")
    page.locator(".spt-count", has_text="failed").click()
    assert rows.all_inner_texts() == ["convert_currency"]


def test_the_keyboard_moves_along_the_graph_and_chooses(looker: Looker, failed: TaskPlace) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="read_orders").focus()
    page.locator(".spt-tip", has_text="read_orders").wait_for()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert name.startswith("join_customers"), name
    page.keyboard.press("Enter")
    assert page.locator(".spt-panel-name").inner_text() == "join_customers"


def test_an_attempt_before_can_be_looked_at_again(looker: Looker, running: TaskPlace) -> None:
    page = looker.open(running)
    page.locator(".spt-attempt", has_text="1: failed").click()
    assert _text(page, ".spt h2").startswith("Attempt 1 failed in 'convert_currency'")
    assert page.locator(".spt-node.spt-state-f").count() == 1
    page.locator(".spt-attempt", has_text="2: running").click()
    assert _text(page, ".spt h2").startswith("Attempt 2 is running: 6 of 12 done, 'join_customers' at work")


def test_the_history_names_who_asked_and_what_became_of_it(looker: Looker, running: TaskPlace) -> None:
    page = looker.open(running)
    history = _text(page, ".spt-history")
    assert "Request: restart from 'convert_currency', by alice" in history
    assert "carried out by attempt 2" in history


def test_a_success_with_reuse_says_what_was_saved(looker: Looker, airflow: TabAirflow, place: TaskPlace) -> None:
    now = datetime.now(UTC)
    document = orders(place.run_id).document(
        "rrrrpccccccc",
        number=3,
        state="succeeded",
        began=now - timedelta(minutes=61),
        ended=now - timedelta(minutes=29),
        saved_seconds=2460.0,
        earlier=[earlier(number, "cccccfnnnnnn", now - timedelta(hours=3), 1900) for number in (2, 1)],
    )
    page = looker.open(airflow.show(place, document, "success"))
    assert (
        _text(page, ".spt h2")
        == "Attempt 3 succeeded after 32 min: 12 of 12 done; 4 reused from before, which saved 41 min."
    )


@pytest.mark.essential
def test_hostile_names_stay_text(looker: Looker, airflow: TabAirflow, place: TaskPlace) -> None:
    names = {name: [HOSTILE[index - 1]] if index else [] for index, name in enumerate(HOSTILE)}
    pipeline = SamplePipeline(names, [5.0] * len(HOSTILE), name="<i>../p</i>", run_id=place.run_id)
    now = datetime.now(UTC)
    document = pipeline.document(
        "cccfnnnn",
        state="failed",
        began=now - timedelta(seconds=60),
        ended=now,
        how="<script>window.hacked=1</script>",
        error={
            "component": 3,
            "headline": "<img src=x onerror=window.hacked=1>",
            "where": "<b>x</b>",
            "remedy": "{{x}}",
        },
    )
    page = looker.open(airflow.show(place, document, "failed"))
    for index in range(len(HOSTILE)):
        page.locator(f"[data-component='{index}']").dispatch_event("click")
        assert page.locator(".spt-panel-name").inner_text() == HOSTILE[index]
    assert page.evaluate("window.hacked") is None
    assert page.locator(".spt img, .spt script, .spt-now b:has-text('bold')").count() == 0


def test_the_dark_theme_has_light_text_on_a_dark_ground(looker: Looker, failed: TaskPlace) -> None:
    page = looker.page(color_scheme="dark")
    page.add_init_script("localStorage.setItem('theme', 'dark')")
    page.goto(failed.tab, wait_until="commit")
    page.locator(".spt h2").wait_for()
    # The browser knows colours in many notations: a canvas turns each into red, green and blue.
    light = page.evaluate(
        """() => {
          const brightness = color => {
            const pen = document.createElement('canvas').getContext('2d');
            pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
            const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
            return (red + green + blue) / 3;
          };
          const style = selector => getComputedStyle(document.querySelector(selector));
          const colors = [style('.spt h2').color, style('.spt-node-box').fill, style('.spt-node-name').fill];
          return colors.map(brightness);
        }"""
    )
    assert light[0] > 180, light
    assert light[1] < 80, light
    assert light[2] > 150, light


@pytest.mark.parametrize("width", [320, 768, 3840])
def test_nothing_is_cut_off_at_any_width(looker: Looker, failed: TaskPlace, width: int) -> None:
    page = looker.open(failed)
    page.locator(".spt-node", has_text="clean_orders").click()
    # The host keeps a column of its own on a phone, so the tab's own width is set.
    page.evaluate("width => { document.querySelector('.spt').style.width = width + 'px'; }", width)
    page.wait_for_timeout(300)
    wide = page.evaluate(
        """width => {
          const scrolls = '.spt-graph-scroll, .spt-table-scroll, .spt-track, .spt-axis, .spt-hidden';
          const left = document.querySelector('.spt').getBoundingClientRect().left;
          return [...document.querySelectorAll('.spt *')].filter(one => !one.closest(scrolls))
            .map(one => [one.className, one.getBoundingClientRect().right - left])
            .filter(([, right]) => right > width + 1);
        }""",
        width,
    )
    assert wide == []


def test_times_are_in_the_zone_that_the_person_chose_in_airflow(looker: Looker, failed: TaskPlace) -> None:
    page = looker.page()
    page.add_init_script("localStorage.setItem('timezone', JSON.stringify('Asia/Kathmandu'))")
    page.goto(failed.tab, wait_until="commit")
    page.locator(".spt-axis-name").wait_for()
    began = datetime.now(UTC) - timedelta(minutes=40) + timedelta(hours=5, minutes=45)
    shown = datetime.fromisoformat(page.locator(".spt-axis-name").inner_text()).replace(tzinfo=UTC)
    assert abs((shown - began).total_seconds()) < 120
