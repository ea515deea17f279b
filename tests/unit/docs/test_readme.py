"""The README is short, and its links and those of the other files beside it lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import AT_THE_ROOT, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(README.splitlines()) <= 140
    assert len(README.split()) <= 1_200


def test_the_table_of_events_has_eight_rows_and_the_promises_six_lines() -> None:
    events = README.split("## What happens when")[1].split("##")[0]
    assert len([line for line in events.splitlines() if line.startswith("| ")]) == 1 + 8
    promises = README.split("## What is promised")[1].split("##")[0]
    assert len(re.findall(r"^- ", promises, re.MULTILINE)) == 6


def test_every_figure_names_the_benchmark_that_makes_it() -> None:
    scripts = re.findall(r"`python (benchmarks/\w+\.py)", README)
    assert len(scripts) == 3
    assert all((ROOT / script).exists() for script in scripts)


@pytest.mark.parametrize("name", AT_THE_ROOT)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    dead = []
    for target in _LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        found = ROOT / (path or name)
        if "://" not in target and (not found.exists() or (anchor and anchor not in anchors(found))):
            dead.append(target)
    assert dead == []


def anchors(page: Path) -> set[str]:
    """Return the names under which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
