"""What a name in the code can turn out to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider.runner.fingerprint.code.bindings import Import
from airflow_provider.runner.fingerprint.code.code_modules import Module


@dataclass(frozen=True)
class Own:
    """A function, class or other name at the top level of one of the author's modules."""

    module: Module
    name: str


@dataclass(frozen=True)
class Whole:
    """One of the author's modules, handed on as a value: anything in it may be used."""

    module: Module


@dataclass(frozen=True)
class Body:
    """What one of the author's modules does when it is imported, which happens while the component runs."""

    module: Module


@dataclass(frozen=True)
class Patches:
    """What one of the author's modules changes in others when it is imported, which concerns whatever is in it."""

    module: Module


@dataclass(frozen=True)
class Foreign:
    """Something that is not the author's own.

    :param name: its dotted name
    """

    name: str


@dataclass(frozen=True, eq=False)
class Live:
    """A value that only the running process has: no statement of a module says what it is.

    :param module: where it was found
    :param name: under which name
    :param value: the value
    """

    module: Module
    name: str
    value: Any


Target = Own | Whole | Body | Patches | Foreign | Live

Use = tuple[Target, Sequence[str]]
"""A target, and the attributes of it that the code goes on to."""


class Resolver(Protocol):
    """Says what names are."""

    def name(self, module: Module, name: str, attributes: Sequence[str]) -> list[Use] | None:
        """Return what a module's name with attributes is; None if it is defined nowhere."""

    def imported(self, module: Module, what: Import, attributes: Sequence[str]) -> list[Use]:
        """Return what an import in a module, with attributes, is."""

    def run_by_import(self, module: Module, what: Import) -> list[Target]:
        """Return what an import inside a function causes to run, or what it reaches."""

    def members(self, target: Own) -> frozenset[str] | None:
        """Return the names that a class of the author's has; None for what is no class."""

    def is_value(self, target: Own) -> bool:
        """Return whether a name is bound to something else than a function, class or module."""
