"""What a name in the code can refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider.runner.fingerprint.code.bindings import ImportedName
from airflow_provider.runner.fingerprint.code.code_modules import CodeModule


@dataclass(frozen=True)
class Definition:
    """A function, class or other name at the top level of one of the author's modules."""

    module: CodeModule
    name: str


@dataclass(frozen=True)
class WholeModule:
    """One of the author's modules, passed on as a value: anything in it may be used."""

    module: CodeModule


@dataclass(frozen=True)
class ModuleBody:
    """What one of the author's modules does at import time, if that is while the component runs."""

    module: CodeModule


@dataclass(frozen=True)
class ModulePatches:
    """What one of the author's modules changes in other modules at import time, which concerns everything in it."""

    module: CodeModule


@dataclass(frozen=True)
class External:
    """Something that is not the author's own.

    :param name: its dotted name
    """

    name: str


@dataclass(frozen=True, eq=False)
class RuntimeValue:
    """A value that exists only in the running process: no statement of a module defines it.

    :param module: where it was found
    :param name: its name there
    """

    module: CodeModule
    name: str
    value: Any


CodeTarget = Definition | WholeModule | ModuleBody | ModulePatches | External | RuntimeValue

CodeUse = tuple[CodeTarget, Sequence[str]]
"""A target, and the attributes of it that the code goes on to."""


class Resolver(Protocol):
    """Says what names refer to."""

    def name(self, module: CodeModule, name: str, attributes: Sequence[str]) -> list[CodeUse] | None:
        """Return what a module's name with attributes refers to; None if nothing defines it."""

    def imported(self, module: CodeModule, what: ImportedName, attributes: Sequence[str]) -> list[CodeUse]:
        """Return what an import in a module, with attributes, refers to."""

    def run_by_import(self, module: CodeModule, what: ImportedName) -> list[CodeTarget]:
        """Return what an import inside a function runs, or reaches."""

    def members(self, target: Definition) -> frozenset[str] | None:
        """Return the names that one of the author's classes has; None if it is not a class."""

    def is_value(self, target: Definition) -> bool:
        """Return whether a name is bound to something other than a function, class or module."""
