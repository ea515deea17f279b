"""One Airflow and one browser for all scenes. A scene fails if the browser's console has an error."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.local_airflow import PARTS
from scripts.local_postgres import LocalPostgres, find_programs
from tests.browser.sample_progress import ERROR, orders, running_document
from tests.browser.tab_stage import TabAirflow, TaskPlace, chromium, look

PATIENCE = 60_000
"""How long to wait for what must appear, in milliseconds: the machine may have other work."""

ROOT = Path(__file__).parents[2]
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def airflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TabAirflow]:
    """One Airflow for all scenes. Tasks run in it only if a scene of a real pipeline is selected."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    whole = any(item.get_closest_marker("whole_airflow") for item in request.session.items)
    settings = {"PYTHONPATH": paths}
    with contextlib.ExitStack() as stack:
        programs = find_programs() if whole else None
        if programs is not None:
            settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = stack.enter_context(LocalPostgres(programs)).url
        parts = PARTS if whole else ("api-server",)
        yield stack.enter_context(TabAirflow(tmp_path_factory.mktemp("tab"), settings, parts))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@dataclass
class Looker:
    """A person who looks at the tab.

    :param at_home: the page that Alice has open all day
    :param tolerated: errors of the console that a scene provokes, as patterns
    """

    airflow: TabAirflow
    browser: Any
    at_home: Any
    tolerated: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)

    def page(self, user: str = "alice", **options: Any) -> Any:
        """Return a new page of a user who has logged in.

        :param options: of the browser's context
        """
        page = look(self.browser, self.airflow, user, **options)
        self.pages.append(page)
        self.listen(page)
        return page

    def listen(self, page: Any) -> None:
        """Note what goes wrong in a page."""
        page.set_default_timeout(PATIENCE)
        page.on("console", self._note)
        page.on("pageerror", self._note_uncaught)

    def _note(self, said: Any) -> None:
        if said.type == "error":
            self.errors.append(f"{said.text} {said.location}")

    def _note_uncaught(self, error: Any) -> None:
        self.errors.append(f"uncaught: {error}")

    def open(self, place: TaskPlace, user: str = "alice", **options: Any) -> Any:
        """Return a page with the tab of a task instance, as soon as it shows a pipeline.

        Without ``options`` Alice goes on in the page that she has open, as a person would: it loads once.
        """
        if user == "alice" and not options:
            page = self.at_home
            self.go(page, place.tab)
        else:
            page = self.page(user, **options)
            page.goto(place.tab, wait_until="commit")
        page.locator(".spt h2").wait_for()
        return page

    def go(self, page: Any, address: str) -> None:
        """Go to another page of Airflow's UI as a link does, without loading it anew."""
        if page.url == "about:blank":
            page.goto(address, wait_until="commit")
            return
        page.evaluate(
            "address => { history.pushState({}, '', address); dispatchEvent(new PopStateEvent('popstate')); }",
            self.airflow.url + address,
        )
        page.wait_for_url(f"**{address}")

    def leave(self) -> None:
        """Close the pages of the scene, and put the one that stays back in order."""
        for page in self.pages:
            page.context.close()
        self.at_home.remove_listener("console", self._note)
        self.at_home.remove_listener("pageerror", self._note_uncaught)
        self.at_home.unroute_all()
        if self.at_home.url != "about:blank":
            self.go(self.at_home, "/dags")
            self.at_home.locator(".spt").wait_for(state="detached")

    def assert_nothing_went_wrong(self) -> None:
        """The console has no error that the scene did not provoke."""
        wrong = [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.tolerated)]
        assert wrong == []


@pytest.fixture(scope="session")
def at_home(airflow: TabAirflow, browser: Any) -> Any:
    """The page that Alice leaves open."""
    return look(browser, airflow)


@pytest.fixture
def looker(airflow: TabAirflow, browser: Any, at_home: Any) -> Iterator[Looker]:
    looker = Looker(airflow, browser, at_home)
    looker.listen(at_home)
    yield looker
    looker.leave()
    looker.assert_nothing_went_wrong()


@pytest.fixture
def place() -> TaskPlace:
    """A task instance of a run of its own."""
    return TaskPlace("orders", f"run-{next(_numbers)}", "etl")


@pytest.fixture
def failed(airflow: TabAirflow, place: TaskPlace) -> TaskPlace:
    """A task whose first attempt failed in ``convert_currency``, after five of twelve components."""
    now = datetime.now(UTC)
    document = orders(place.run_id).document(
        "cccccfnnnnnn",
        state="failed",
        began=now - timedelta(minutes=40),
        ended=now - timedelta(minutes=4),
        error=ERROR,
        how="the first attempt",
    )
    return airflow.show(place, document, "failed")


@pytest.fixture
def running(airflow: TabAirflow, place: TaskPlace) -> TaskPlace:
    """A task whose second attempt runs ``join_customers``; the first one failed."""
    airflow.show(place, running_document(place.run_id), "running")
    return place


def eventually(page: Any, done: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Ask until the answer is true, and return it. The page goes on meanwhile."""
    for _ in range(int(timeout / 250)):
        answer = done()
        if answer:
            return answer
        page.wait_for_timeout(250)
    raise AssertionError(f"waited {timeout / 1000:.0f} s for {what}")
