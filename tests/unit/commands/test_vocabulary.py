"""``python -m airflow_provider`` and ``airflow pyspark-pipeline`` use one vocabulary."""

from __future__ import annotations

import argparse

from airflow_provider.commands.airflow.subcommands import get_cli_commands
from airflow_provider.commands.standalone import cli


def airflows() -> dict[str, dict[str, bool]]:
    """Return verb to options, each with whether it takes a value."""
    (group,) = get_cli_commands()
    return {
        command.name: {
            arg.flags[-1]: arg.kwargs.get("action") != "store_true"
            for arg in command.args
            if arg.flags[-1].startswith("--")
        }
        for command in group.subcommands
    }


def standalone() -> dict[str, dict[str, bool]]:
    """The same of the other command line."""
    (commands,) = (a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return {
        verb: {
            action.option_strings[-1]: action.nargs != 0
            for action in parser._actions
            if action.option_strings and action.dest != "help"
        }
        for verb, parser in commands.choices.items()
    }


def test_one_act_has_one_verb() -> None:
    """What only one of the two can do has a verb that the other lacks."""
    assert set(airflows()) & set(standalone()) == {"list", "show", "forget", "prune", "plan"}
    assert set(airflows()) - set(standalone()) == {"restart-from", "withdraw"}
    assert set(standalone()) - set(airflows()) == {"validate", "run"}


def test_an_option_takes_a_value_in_both_command_lines_or_in_neither() -> None:
    """An option that is a flag in one and takes a component in the other would mean two things."""
    kinds: dict[str, set[bool]] = {}
    for commands in (airflows(), standalone()):
        for options in commands.values():
            for name, takes_value in options.items():
                kinds.setdefault(name, set()).add(takes_value)
    assert {name for name, found in kinds.items() if len(found) > 1} == set()
    assert not any("--only" in options for options in airflows().values())
