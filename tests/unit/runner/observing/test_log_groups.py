"""Folded lines of the log."""

from __future__ import annotations

import logging

import pytest

from airflow_provider.runner.observing.log_groups import log_group, log_groups_shown

LOGGER = logging.getLogger(__name__)


def test_lines_are_folded_where_the_viewer_can(caplog: pytest.LogCaptureFixture) -> None:
    """Elsewhere the title is a line like any other, and nothing marks the end."""
    caplog.set_level(logging.INFO)
    with log_groups_shown(), log_group(LOGGER, "settings"):
        LOGGER.info("a=1")
    with log_group(LOGGER, "settings"):
        LOGGER.info("a=1")
    assert caplog.messages == ["::group::settings", "a=1", "::endgroup::", "settings", "a=1"]
