"""The pages for maintainers name what is there."""

from __future__ import annotations

import re
import tomllib

from tests.unit.docs.pages import ROOT

PACKAGE = ROOT / "airflow_provider"
ARCHITECTURE = (ROOT / "docs" / "reference" / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")


def test_the_table_of_modules_has_every_folder_and_no_other() -> None:
    table = ARCHITECTURE.split("## The modules")[1].split("##")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    named = {path for cell in cells for path in re.findall(r"`([\w/.]+(?:/|\.py))`", cell)}
    assert [path for path in named if not (PACKAGE / path).exists()] == []
    folders = {
        f"{path.relative_to(PACKAGE)}/"
        for parent in (PACKAGE, PACKAGE / "runner")
        for path in parent.iterdir()
        if (path / "__init__.py").exists() and path.name != "runner"
    }
    assert folders == {path for path in named if path.endswith("/")}


def test_the_layers_are_those_that_the_linter_checks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    inside = next(contract["layers"] for contract in contracts if contract["id"] == "runner-layers")
    drawn = ARCHITECTURE.split("\nrunner\n")[1].split("\nerrors")[0]
    assert [line.strip().replace(", ", " | ") for line in drawn.splitlines()] == inside


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests|docs|runner|stores|launch|components|operators|commands)/[\w/.]*)`", text))
    assert [path for path in named if not ((ROOT / path).exists() or (PACKAGE / path).exists())] == []


def test_a_word_of_the_glossary_is_explained_once() -> None:
    words = [row.split("|")[1].strip() for row in GLOSSARY.splitlines() if row.startswith("| ")]
    words = [word for word in words if word != "word"]
    assert words
    assert len(words) == len(set(words))
