"""Which names Spark leaves out. ``test_listing_rules.py`` compares it with Spark."""

from __future__ import annotations

import pytest

from airflow_provider.errors import SourceNotListedError
from airflow_provider.runner.session_state.sources.hidden_files import NOTHING, hidden_by

NAMES = ["part.txt", "_x", ".x", "x._COPYING_", "_metadata", "_q=1", "a1"]


@pytest.mark.parametrize(
    ("ignored", "hidden"),
    [
        (None, ["_x", ".x", "x._COPYING_"]),
        ("^[._]", ["_x", ".x", "x._COPYING_"]),
        (NOTHING, ["x._COPYING_"]),
        ("^[.]", [".x", "x._COPYING_"]),
        ("^(?:_|part)", ["part.txt", "_x", "x._COPYING_"]),
        (r"\.txt$", ["part.txt", "x._COPYING_"]),
        ("[0-9]", ["x._COPYING_", "a1"]),
    ],
)
def test_what_is_left_out(ignored: str | None, hidden: list[str]) -> None:
    assert list(filter(hidden_by(ignored), NAMES)) == hidden


@pytest.mark.parametrize(
    "ignored", ["(a+)+$", "(?i)X", r"\p{Alpha}", "[a&&[b]]", r"(x)\1", "a{1,9}", "x*+", "[", "(?<n>a)", "a|b?"]
)
def test_a_pattern_that_may_mean_something_else_here_is_refused(ignored: str) -> None:
    """Or that may take forever, as an edited record could have it."""
    with pytest.raises(SourceNotListedError, match="files are left out by the pattern"):
        hidden_by(ignored)
