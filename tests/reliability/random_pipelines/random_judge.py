"""Compares what a resumed run has left with what one has left that never failed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from tests.reliability.random_pipelines.random_world import NOT_FROM_A_COPY, NOT_THERE_AGAIN, UNREADABLE, Outcome, Row

Places = Mapping[str, list[Row]]


def differences(wanted: Outcome, found: Outcome) -> list[str]:
    """Return in which places the two differ.

    A value that is another one in each run counts as equal if it is in the same rows of all places: then what baked it
    and what was made of that agree. What cannot be read after a run without failure need not be unreadable,
    and what is not cached may be: replacing a view takes from the cache what was made of it, but not what was saved.
    A view whose reading is refused says nothing wrong, nor does a function that is told to be lost and that nobody
    needed.
    """
    unreadable = {name for name, rows in wanted.data.items() if rows == UNREADABLE and name.startswith("view ")}
    unreadable |= {name for name, rows in found.data.items() if rows in (NOT_FROM_A_COPY, NOT_THERE_AGAIN)}
    cached = [name for name in wanted.data if name.endswith(" is cached")]
    ignored = unreadable | {name for name in cached if wanted.data[name] != [("True",)]}
    left = {name: rows for name, rows in wanted.places.items() if name not in ignored}
    right = {name: rows for name, rows in found.places.items() if name not in ignored}
    lines = [
        f"{name}: {_text(left.get(name))}, but after failures {_text(right.get(name))}"
        for name in sorted(left.keys() | right.keys())
        if _steady(left.get(name)) != _steady(right.get(name))
    ]
    if not lines and baked(left) != baked(right):
        lines = [f"a baked value is in {places}" for places in _less(baked(left), baked(right))]
        lines += [f"but after failures one is in {places}" for places in _less(baked(right), baked(left))]
    return lines


def repeated(wanted: Places, found: Places) -> list[str]:
    """Return the side effects of an unfinished run that a whole one does not have."""
    steady = Counter(row for rows in wanted.values() for row in _steady(rows) or ())
    more = Counter(row for rows in found.values() for row in _steady(rows) or ()) - steady
    calls = [f"{name}: {_text(rows)}" for name, rows in found.items() if name not in wanted]
    return calls + [f"{count} times more: {row}" for row, count in more.items()]


def baked(places: Places) -> list[list[tuple[str, Row]]]:
    """Return for each baked value, without the value itself, where it is."""
    found: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for name, rows in places.items():
        for row in rows:
            if (value := _baked_in(row)) is not None:
                found[value].append((name, row[:-1]))
    return sorted(sorted(places) for places in found.values())


def _baked_in(row: Row) -> str | None:
    last = row[-1]
    return last if isinstance(last, str) and last.startswith("~") else None


def _varies(row: Row) -> bool:
    return isinstance(row[-1], str) and row[-1].startswith(("~", "?"))


def _steady(rows: list[Row] | None) -> list[Row] | None:
    if rows is None:
        return None
    return sorted(((*row[:-1], row[-1][0]) if _varies(row) else row for row in rows), key=repr)


def _less(one: list[list[tuple[str, Row]]], other: list[list[tuple[str, Row]]]) -> Iterator[str]:
    for places, _ in (Counter(map(repr, one)) - Counter(map(repr, other))).items():
        yield places


def _text(rows: list[Row] | None) -> str:
    return "nothing is there" if rows is None else str(sorted(rows, key=repr))
