"""Folded lines of the log."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.runner.observing.log_groups import fold, folding

LOGGER = logging.getLogger(__name__)


def test_lines_are_folded_where_the_viewer_can(caplog: pytest.LogCaptureFixture) -> None:
    """Elsewhere the title is a line like any other, and nothing marks the end."""
    caplog.set_level(logging.INFO)
    with folding(), fold(LOGGER, "settings"):
        LOGGER.info("a=1")
    with fold(LOGGER, "settings"):
        LOGGER.info("a=1")
    assert caplog.messages == ["::group::settings", "a=1", "::endgroup::", "settings", "a=1"]
