"""The commands, from the parsers that read them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

from airflow.cli.cli_config import GroupCommand

from airflow_provider.commands.standalone import cli
from airflow_provider.provider_info import get_provider_info


def commands_page() -> str:
    """Return a page with both command lines."""
    return "\n".join(["## In Airflow\n", *_airflow(), "## Without Airflow\n", *_standalone()])


def airflow_commands() -> list[GroupCommand]:
    """Return the groups of commands that this provider gives to ``airflow``."""
    (path,) = get_provider_info()["cli"]
    module, _, name = path.rpartition(".")
    groups: list[GroupCommand] = getattr(import_module(module), name)()
    return groups


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command of ``python -m airflow_provider``, by its words."""
    return dict(_below(cli._parser(), ""))


def _airflow() -> Iterator[str]:
    for group in airflow_commands():
        for command in group.subcommands:
            parser = argparse.ArgumentParser(prog=f"airflow {group.name} {command.name}", add_help=False)
            for arg in command.args:
                arg.add_to_parser(parser)
            yield from _command(f"{group.name} {command.name}", command.help, parser)


def _standalone() -> Iterator[str]:
    for words, parser in parsers().items():
        yield from _command(words, parser.description or "", parser)


def _below(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield words, parser
    for group in groups:
        helps = {choice.dest: choice.help for choice in group._choices_actions}
        for name, below in group.choices.items():
            below.description = below.description or helps.get(name)
            yield from _below(below, f"{words} {name}".strip())


def _command(words: str, help_text: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"(command-{words.replace(' ', '-')})="
    yield f"### `{words}`\n"
    yield f"{_sentence(help_text)}\n"
    yield f"```text\n{' '.join(parser.format_usage().removeprefix('usage: ').replace(' [-h]', '').split())}\n```\n"
    shown = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    if not shown:
        return
    yield "| argument | |\n|---|---|"
    for action in shown:
        names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.dest}`"
        yield f"| {names} | {_cell(action.help or '')} |"
    yield ""


def _cell(text: str) -> str:
    return _sentence(text).replace("|", "\\|").replace("%%", "%").replace("<", "&lt;")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
