"""What Spark says that it cannot find, read from its errors: views, functions, session variables, settings, sources."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = r"(?P<name>`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)*)"
_FORMS = tuple(
    (word, re.compile(rf"\[{conditions}\] {before}{name}"))
    for word, conditions, before, name in (
        ("view", "TABLE_OR_VIEW_NOT_FOUND", "The table or view ", _QUOTED),
        ("view", "VIEW_NOT_FOUND", "The view ", _QUOTED),
        ("function", "UNRESOLVED_ROUTINE", "Cannot resolve routine ", _QUOTED),
        ("function", "ROUTINE_NOT_FOUND", "The routine ", _QUOTED),
        ("function", "UNRESOLV(?:ED|ABLE)_TABLE_VALUED_FUNCTION", "Could not resolve ", _QUOTED),
        ("session variable", "UNRESOLVED_VARIABLE", "Cannot resolve variable ", _QUOTED),
        ("session variable", "VARIABLE_NOT_FOUND", "The variable ", _QUOTED),
        # Where there are columns to choose from, it is most likely one of them that was meant.
        (
            "session variable",
            r"UNRESOLVED_COLUMN\.WITHOUT_SUGGESTION",
            "A column, variable, or function parameter with name ",
            _QUOTED,
        ),
        ("setting", "SQL_CONF_NOT_FOUND", "The SQL config ", r'"(?P<name>[^"]+)"'),
        ("data source", "DATA_SOURCE_NOT_FOUND", "Failed to find the data source: ", r"(?P<name>\S+)\. "),
    )
)
_PART = re.compile(r"`((?:[^`]|``)*)`")
_OF_SESSION = ((), ("session",), ("system", "session"))
_GLOBAL = "global_temp"


@dataclass(frozen=True)
class MissedName:
    """Something that Spark did not find.

    :param word: what it is, in a word
    :param parts: its name with its qualifiers, as Spark says it
    """

    word: str
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name without qualifiers."""
        return self.parts[-1]

    @property
    def name_in_session(self) -> str | None:
        """Its name if it may be something of the session, None if it is qualified with a database.

        A global temp view has its database before it.
        """
        above = [part.lower() for part in self.parts[:-1]]
        if above and above[-1] == _GLOBAL:
            return f"{_GLOBAL}.{self.name}"
        # Spark itself puts catalog and database before a name, as in DROP VIEW; an author seldom writes both.
        return self.name if tuple(above) in _OF_SESSION or len(above) == 2 else None


def find_missed_name(error: BaseException | None) -> MissedName | None:
    """Return what Spark did not find, None if the error is about something else.

    :param error: the error; if it says nothing of that kind, those that caused it count
    """
    while error is not None:
        text = str(error)
        for word, form in _FORMS:
            if found := form.search(text):
                name = found["name"]
                parts = _PART.findall(name) if name.startswith("`") else [name]
                return MissedName(word, tuple(part.replace("``", "`") for part in parts))
        error = error.__cause__
    return None
