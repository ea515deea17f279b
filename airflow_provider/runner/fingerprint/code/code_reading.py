"""What reading a component's code comes to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


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

    :param what: for a sentence such as ``it cannot be seen: getattr by a computed name``
    :param where: file, line and function
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


@dataclass(frozen=True)
class CodeReading:
    """What a component's code is. No source text and no value is in it, only short hashes.

    :param functions: ``module.function``, ``module.Class`` or ``module.Class.method`` to the hash of its syntax tree
    :param constants: ``module.NAME`` to the hash of the expression that it is made by; after a ``+`` that of its value,
        if the expression alone does not say it
    :param distributions: installed distributions that are used, to their versions
    :param modules: the author's modules that they are in; what is left of a name without them survives a move
    :param python: version of Python, if bytecode had to do because there was no source; None otherwise
    :param foreign: what is used that is not the author's own: builtins, the standard library, distributions
    :param attributes: attributes of values that are not known until the code runs
    :param unseen: what could not be followed
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    distributions: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    python: str | None = None
    foreign: tuple[CodeReference, ...] = ()
    attributes: tuple[CodeReference, ...] = ()
    unseen: tuple[UnseenCode, ...] = ()

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits over all that counts; a moved file leaves it as it is."""
        counts = [
            sorted((name_in_module(name, self.modules), value) for name, value in self.functions.items()),
            sorted((name_in_module(name, self.modules), value) for name, value in self.constants.items()),
            sorted(self.distributions.items()),
            self.python,
        ]
        return hashlib.sha256(json.dumps(counts).encode()).hexdigest()


def name_in_module(name: str, modules: Iterable[str]) -> str:
    """Return a name without the module that it is in.

    :param name: such as ``etl.transforms.Clean.run``
    :param modules: such as ``["etl", "etl.transforms"]``; the longest one that fits counts
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
