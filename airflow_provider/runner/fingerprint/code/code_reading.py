"""The result of reading a component's code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider.runner.fingerprint.code.state_uses import StateUse


@dataclass(frozen=True, order=True)
class CodeReference:
    """Something that the code uses.

    :param name: its dotted name, as precise as it could be followed
    :param where: file, line and function, such as ``orders.py:12 in enrich``
    """

    name: str
    where: str

    def __str__(self) -> str:
        return f"{self.name} ({self.where})"


@dataclass(frozen=True, order=True)
class UnseenCode:
    """Something that reading cannot follow.

    :param what: a noun phrase, such as ``getattr by a computed name``
    :param where: file, line and function
    :param hides_names: whether the code may use names there that the reading does not have
    """

    what: str
    where: str
    hides_names: bool = True

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


@dataclass(frozen=True)
class CodeReading:
    """What a component's code is, as short hashes: it has no source text and no values.

    :param functions: ``module.function``, ``module.Class`` or ``module.Class.method`` to the hash of its syntax tree
    :param constants: ``module.NAME`` to the hash of its expression; after a ``+`` the hash of its value, if the
        expression alone does not decide it
    :param distributions: the installed distributions that it uses, to their versions
    :param modules: the author's modules with these names; the rest of a name survives a move to another module
    :param python: version of Python, if bytecode replaces a missing source; None otherwise
    :param foreign: what it uses that is not the author's own: builtins, the standard library, distributions
    :param attributes: attributes of values that are unknown until the code runs
    :param unseen: what reading could not follow
    :param not_found: top-level modules that it imports and that are nowhere on this process's ``sys.path``
    :param state_reads: what it reads of the process that an earlier component may have left
    :param state_writes: what it writes there
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    distributions: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    python: str | None = None
    foreign: tuple[CodeReference, ...] = ()
    attributes: tuple[CodeReference, ...] = ()
    unseen: tuple[UnseenCode, ...] = ()
    state_reads: tuple[StateUse, ...] = ()
    state_writes: tuple[StateUse, ...] = ()
    not_found: tuple[str, ...] = ()

    @property
    def has_all_names(self) -> bool:
        """Whether the code uses no name that is not in here."""
        return self.python is None and not any(what.hides_names for what in self.unseen)

    def only_sets(self, name: str) -> bool:
        """Whether the code gives a name of the author's own a value that does not follow from the one before.

        :param name: such as ``jobs.CACHE``
        """
        if (
            StateUse("module", name) in self.state_reads
            or StateUse("module", name, builds_on=True) in self.state_writes
        ):
            return False
        return StateUse("module", name) in self.state_writes

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits over everything that counts; moving a file does not change it."""
        counts = [
            sorted((name_in_module(name, self.modules), value) for name, value in self.functions.items()),
            sorted((name_in_module(name, self.modules), value) for name, value in self.constants.items()),
            sorted(self.distributions.items()),
            self.python,
        ]
        return hashlib.sha256(json.dumps(counts).encode()).hexdigest()


def name_in_module(name: str, modules: Iterable[str]) -> str:
    """Return a name without its module.

    :param name: such as ``etl.transforms.Clean.run``
    :param modules: such as ``["etl", "etl.transforms"]``; the longest match counts
    """
    prefix = max((module for module in modules if name.startswith(f"{module}.")), key=len, default="")
    return name[len(prefix) + 1 :] if prefix else name


def short_hash(parts: Iterable[str]) -> str:
    """Return 12 hexadecimal digits, different for any two sequences of texts."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()[:12]
