"""Every example of the documentation is right as far as that shows without Spark."""

from __future__ import annotations

import argparse
import configparser
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider import components
from airflow_provider.commands.standalone import cli
from airflow_provider.provider_info import get_provider_info
from airflow_provider.runner import load_pipeline_config
from tests.unit.docs.pages import PAGES, ROOT, Example, examples, write_files

ALL = list(examples())
LANGUAGES = {"yaml", "python", "sh", "text", "ini", "hocon", "sql", "sql+jinja"}
WANTED: dict[str, dict[str, Any]] = {
    "ReadData": {"path": "/data", "output_view": "v"},
    "RunSql": {},
}


def of(language: str) -> list[Any]:
    return [pytest.param(example, id=str(example)) for example in ALL if example.language == language]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The examples are in a folder of their own, whose modules no other test finds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_has_a_language_that_is_checked(page: Path) -> None:
    assert {example.language for example in examples(page)} <= LANGUAGES


@pytest.mark.parametrize("example", of("yaml"))
def test_yaml_is_a_pipeline_or_part_of_one(example: Example, tmp_path: Path) -> None:
    write_files(example.page, tmp_path)
    if example.mark.startswith("fields of "):
        name, *line_by_line = example.mark.removeprefix("fields of ").split(", ")
        for text in example.text.splitlines() if line_by_line else [example.text]:
            fields = yaml.safe_load(text)
            getattr(components, name).config_model.model_validate(WANTED[name] | fields)
        return
    text = example.text
    if text.startswith("- "):
        text = "name: example\ncomponents:\n" + text
        made = {name for item in yaml.safe_load(example.text) for name in item.get("depends_on", [])}
        text += "".join(
            f"- {{name: {name}, class_path: airflow_provider.components.RunSql, config: {{sql: SELECT 1}}}}\n"
            for name in made
        )
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    config = load_pipeline_config(tmp_path / "example.yaml")
    assert config.components


def pages_with(language: str) -> list[Any]:
    found = sorted({example.page for example in ALL if example.language == language})
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in found]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    """What needs Spark runs in tests/integration/docs, and so do the examples behind it on the page."""
    write_files(page, tmp_path)
    namespace: dict[str, Any] = {"__name__": "example"}
    for example in examples(page):
        if example.language != "python":
            continue
        compiled = compile(example.text, str(example), "exec")
        if "needs spark" in example.mark:
            return
        exec(compiled, namespace)


@pytest.mark.parametrize("example", of("sh"))
def test_commands_exist_and_take_these_arguments(example: Example) -> None:
    subprocess.run(["sh", "-n"], input=example.text, text=True, check=True)
    for line in example.text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:3] == ["python", "-m", "airflow_provider"]:
            cli._parser().parse_args(words[3:])
        elif words[:2] == ["airflow", "pyspark-pipeline"]:
            airflow_parser().parse_args(words[2:])
        elif words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line


def airflow_parser() -> argparse.ArgumentParser:
    """Return what ``airflow pyspark-pipeline`` reads its arguments with."""
    module, _, name = get_provider_info()["cli"][0].rpartition(".")
    get_commands: Callable[[], list[Any]] = getattr(__import__(module, fromlist=[name]), name)
    parser = argparse.ArgumentParser()
    subcommands = parser.add_subparsers(required=True)
    for command in get_commands()[0].subcommands:
        below = subcommands.add_parser(command.name)
        for arg in command.args:
            arg.add_to_parser(below)
    return parser


@pytest.mark.parametrize("example", of("ini"))
def test_settings_exist(example: Example) -> None:
    found = configparser.ConfigParser()
    found.read_string(example.text)
    known = get_provider_info()["config"]
    assert all(set(found[section]) <= set(known[section]["options"]) for section in found.sections())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_of_make_that_a_page_names_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


OF_OTHERS = {"--dry-run", "--no-fail-fast", "--skip-validation", "--log-level", "--jobs"}  # the peer, benchmarks


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`[^`\n]*?(--[a-z-]+)[^`\n]*`", page.read_text(encoding="utf-8")))
    assert named - set(options(cli._parser())) - set(options(airflow_parser())) - OF_OTHERS == set()


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options of a parser and of the commands below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)
