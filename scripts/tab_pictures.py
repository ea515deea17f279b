"""Pictures of the tab in Airflow's UI, taken of the real thing: those that README and docs show.

``make pictures`` takes them anew. ``python scripts/tab_pictures.py FOLDER`` takes all sights, to look at them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.sample_progress import ERROR, WORK, SamplePipeline, earlier, grid, orders, running_document  # noqa: E402
from tests.browser.tab_stage import TabAirflow, TaskPlace, chromium, look  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SHOWN = ("tab-failed", "tab-preview", "tab-running")
"""The pictures that pages show."""

Document = dict[str, Any]
NOW = datetime.now(UTC)


def failed(run_id: str) -> Document:
    """Return the progress of a first attempt that failed in the sixth of twelve components."""
    times = {"began": NOW - timedelta(minutes=34), "ended": NOW - timedelta(minutes=4)}
    return orders(run_id).document("cccccfnnnnnn", state="failed", error=ERROR, how="first attempt", **times)


def running(run_id: str) -> Document:
    """Return the progress of a second attempt that resumed."""
    return running_document(run_id, work={**WORK, "tasks_running": 8})


def reused(run_id: str) -> Document:
    """Return the progress of a third attempt that succeeded, most of which it did not have to do."""
    return orders(run_id).document(
        "rrrrpccccccc",
        number=3,
        state="succeeded",
        began=NOW - timedelta(minutes=61),
        ended=NOW - timedelta(minutes=29),
        how="automatic retry; it resumes at 'join_customers'",
        saved_seconds=2460.0,
        earlier=[
            earlier(2, "rrrrrcfnnnnn", NOW - timedelta(minutes=100), 1200),
            earlier(1, "cccccfnnnnnn", NOW - timedelta(minutes=180), 1900, error=ERROR),
        ],
    )


def large(size: int) -> Callable[[str], Document]:
    """Return what makes the progress of a pipeline of many components, one of which failed."""

    def document(run_id: str) -> Document:
        done = int(size * 0.6)
        error = {"component": done, "headline": "SparkOutOfMemoryError: no memory for a page of 64 MB"}
        pipeline: SamplePipeline = grid(size, run_id=run_id)
        times = {"began": NOW - timedelta(minutes=40), "ended": NOW}
        return pipeline.document("c" * done + "f" + "n" * (size - done - 1), state="failed", error=error, **times)

    return document


@dataclass(frozen=True)
class Sight:
    """What is in a picture.

    :param document: makes the progress of a run
    :param state: of the task
    :param act: what the person does first
    :param options: of the browser's context
    :param whole: all of the tab, however long it is
    """

    document: Callable[[str], Document]
    state: str
    act: Callable[[Any], None] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    whole: bool = False


def _choose(name: str) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        page.locator(".spt-node", has_text=name).first.click()
        page.mouse.move(0, 0)

    return act


def _ask(page: Any) -> None:
    page.get_by_role("button", name="Restart from 'convert_currency'").click()
    page.get_by_text("Clears this task").wait_for()


DARK = {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 390, "height": 1400}}
TALL = {"viewport": {"width": 1280, "height": 1240}}

SIGHTS = {
    "tab-failed": Sight(failed, "failed", options={"viewport": {"width": 1280, "height": 1000}}),
    "tab-preview": Sight(failed, "failed", _ask, {"viewport": {"width": 1280, "height": 940}}),
    "tab-running": Sight(running, "running", options=TALL),
    "failed-chosen": Sight(failed, "failed", _choose("clean_orders"), whole=True),
    "finished": Sight(reused, "success", whole=True),
    "large-200": Sight(large(200), "failed", options=TALL),
    "large-1000": Sight(large(1000), "failed", options=TALL),
    "dark": Sight(failed, "failed", _choose("clean_orders"), DARK, whole=True),
    "dark-running": Sight(running, "running", None, DARK, whole=True),
    "phone": Sight(failed, "failed", None, PHONE),
}


def take(browser: Any, airflow: TabAirflow, name: str, sight: Sight, folder: Path) -> None:
    """Take one picture."""
    place = airflow.show(TaskPlace("orders", name, "etl"), sight.document(name), sight.state)
    options = {"viewport": {"width": 1280, "height": 900}, **sight.options}
    page = look(browser, airflow, **options)
    page.set_default_timeout(120_000)
    if sight.options is DARK:
        page.add_init_script("localStorage.setItem('theme', 'dark')")
    page.goto(place.tab, wait_until="commit")
    page.locator(".spt-node").first.wait_for()
    page.wait_for_timeout(1500)  # the page around it is still arriving
    if options["viewport"]["width"] < 600:
        _fold_the_grid(page)
    if sight.act is not None:
        sight.act(page)
    if sight.whole:
        height = page.locator(".spt").evaluate("tab => tab.scrollHeight + tab.getBoundingClientRect().top")
        page.set_viewport_size({"width": options["viewport"]["width"], "height": int(height)})
    airflow.write(place, sight.document(name))  # a driver that is well has been heard of just now
    page.get_by_text("has not been heard of").wait_for(state="detached")
    page.wait_for_timeout(700)
    page.screenshot(path=folder / f"{name}.png")
    page.context.close()
    print(folder / f"{name}.png", flush=True)


def _fold_the_grid(page: Any) -> None:
    """Give the tab the width of a phone: pull the line beside the grid to the left."""
    line = page.locator("[role=separator]").first.bounding_box()
    page.mouse.move(line["x"] + 1, 300)
    page.mouse.down()
    page.mouse.move(60, 300, steps=8)
    page.mouse.up()
    page.evaluate("document.querySelector('.spt').scrollIntoView({ inline: 'start', block: 'start' })")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    names = sys.argv[2:] or (SHOWN if folder == IMAGES else tuple(SIGHTS))
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryDirectory() as home, TabAirflow(Path(home), settings) as airflow, chromium() as browser:
        for name in names:
            take(browser, airflow, name, SIGHTS[name], folder)


if __name__ == "__main__":
    main()
