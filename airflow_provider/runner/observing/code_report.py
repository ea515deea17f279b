"""What the fingerprint of a component's code covers, and what it cannot see, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_provider.runner.fingerprint.code import CodeReading

_WIDTH = 110


def code_lines(component: str, reading: CodeReading | None) -> Iterator[str]:
    """Yield the lines about one component.

    :param component: its name
    :param reading: its code, None if it cannot be read
    """
    yield f"{component}:"
    if reading is None:
        yield "  its code cannot be read, so a change of it goes unnoticed: raise checkpoint_version by hand"
        return
    yield from _listed("covers", [*reading.functions, *(f"the constant {name}" for name in reading.constants)])
    yield from _listed("depends on", [f"{name} {version}" for name, version in reading.distributions.items()])
    if reading.python is not None:
        yield f"  has code without source, so Python {reading.python} counts, too"
    for what in reading.unseen:
        yield f"  cannot see: {what}"
    if not (reading.functions or reading.constants or reading.unseen):
        yield "  ready-made: besides its config nothing else counts"


def _listed(title: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the names, several on a line."""
    line = f"  {title}:"
    room = " " * len(line)
    empty = True
    for name in names:
        if not empty and len(line) + len(name) + 2 > _WIDTH:
            yield f"{line},"
            line, empty = room, True
        line = f"{line} {name}" if empty else f"{line}, {name}"
        empty = False
    if not empty:
        yield line
