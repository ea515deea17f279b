"""Settings of the process that a record brings back: at worst an edited one makes components run again."""

from __future__ import annotations

import locale
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider.errors import NotRestoredError
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds import PROCESS_SETTINGS
from airflow_provider.runner.session_state.kinds.kind_context import RecordLimits, RestoreTarget

NO_SPARK: Any = None


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    language, limit = locale.setlocale(locale.LC_ALL), sys.getrecursionlimit()
    yield
    locale.setlocale(locale.LC_ALL, language)
    sys.setrecursionlimit(limit)


def record(found: Any) -> SessionStateRecord:
    return SessionStateRecord(handling="kept", reason="", parts={PROCESS_SETTINGS.name: found})


@pytest.mark.parametrize(
    "found",
    [
        {"recursion limit": "10001"},
        {"recursion limit": "1"},
        {"recursion limit": "-5"},
        {"recursion limit": "²"},
        {"recursion limit": "9" * 5_000},
        {"locale": "../../etc/passwd"},
        {"locale": "x" * 2_000},
        {"umask": "0"},
        ["locale"],
        "C",
    ],
)
def test_what_is_no_plain_setting_is_never_set(found: Any) -> None:
    """Invariant 8."""
    assert list(PROCESS_SETTINGS.rejections(record(found), RecordLimits(None, "parquet")))


def test_plain_settings_are_set() -> None:
    found = record({"recursion limit": "4321", "locale": "C"})
    assert list(PROCESS_SETTINGS.rejections(found, RecordLimits(None, "parquet"))) == []
    PROCESS_SETTINGS.restore(found, RestoreTarget(NO_SPARK, NO_SPARK))
    assert (sys.getrecursionlimit(), locale.setlocale(locale.LC_ALL)) == (4321, "C")


def test_a_locale_that_this_host_lacks_is_said() -> None:
    with pytest.raises(NotRestoredError, match="xx_XX"):
        PROCESS_SETTINGS.restore(record({"locale": "xx_XX"}), RestoreTarget(NO_SPARK, NO_SPARK))
