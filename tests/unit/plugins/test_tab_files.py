"""The files of the tab: served as they are, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_provider.plugins.tab_files import STATIC, TabFiles

ROOT = Path(__file__).parents[3]
MODULES = sorted(path.name for path in STATIC.iterdir())


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.mount("/tab", TabFiles())
    return TestClient(app)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_served_as_javascript_and_is_asked_for_anew_each_time(client: TestClient, module: str) -> None:
    answer = client.get(f"/tab/{module}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "application/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/tab/{module}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", ["", "tab_files.py", "../tab_files.py", "..%2Ftab_files.py", "%2e%2e/tab_files.py"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/tab/{path}").status_code in (404, 405)


def test_nothing_can_be_sent_to_it(client: TestClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/tab/tab.js").status_code == 405


def test_modules_import_each_other_only_and_no_text_becomes_html() -> None:
    """React comes from the host, nothing from elsewhere, and whatever a document says stays text."""
    for module in MODULES:
        text = (STATIC / module).read_text(encoding="utf-8")
        for source in re.findall(r'from "([^"]+)"', text):
            assert (STATIC / source).is_file(), f"{module} imports {source}"
        for forbidden in ("dangerouslySetInnerHTML", "innerHTML", "insertAdjacentHTML", "eval(", "http://", "https://"):
            assert forbidden not in text, f"{module} has {forbidden}"


def test_the_wheel_contains_every_module_of_the_tab() -> None:
    """Hatch takes the package's folder as it is, less what git ignores. `make test-matrix` looks into a wheel."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert wheel["targets"]["wheel"] == {"packages": ["airflow_provider"]}
    ignored = subprocess.run(
        ["git", "check-ignore", *(str(STATIC / module) for module in MODULES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ignored.stdout == ""
