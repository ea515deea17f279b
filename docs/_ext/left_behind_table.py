"""What a component can leave, and what a later attempt makes of it: made of the rows that the tests run."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.spark.left_behind.process_rows import PROCESS_ROWS
from tests.integration.spark.left_behind.rows import ROWS, LeftThing, Verdict

MEANINGS = {
    Verdict.RESTORED: "from the record or from a saved copy; the component does not run again",
    Verdict.REPLAYED: "the component runs again, since it is known to be harmless",
    Verdict.REFUSED: "the next attempt runs nothing and says why, since a later component could get another answer",
    Verdict.EXPLAINED: "the log says so when the component completes and before the next attempt goes on; a component "
    "that needs it fails with Spark's own error, and the reason",
    Verdict.UNNEEDED: "it changes no answer, or it outlives the session",
}


def left_behind_page() -> str:
    """Return the table, and what its words mean."""
    return "\n".join([*_meanings(), "", *_table(), ""])


def _meanings() -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for verdict, meaning in MEANINGS.items():
        yield f"| **{verdict}** | {meaning} |"


def _table() -> Iterator[str]:
    yield "| what is left | how | only left | the component also writes | on Spark Connect | what helps |"
    yield "|---|---|---|---|---|---|"
    for row in (*ROWS, *PROCESS_ROWS):
        yield f"| {_what(row)} | {_code(row.how)} | {row.alone} | {row.writing} | {row.connect or '–'} | {row.remedy} |"


def _what(row: LeftThing) -> str:
    return f"{row.what} (Spark 4.2)" if row.is_new else row.what


def _code(text: str) -> str:
    shown = text.replace("{", "").replace("}", "").replace("|", "\\|").replace("\n", "\\n")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"
