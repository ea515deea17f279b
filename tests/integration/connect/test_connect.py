"""Session state comes back in Spark Connect too: a real server, and a new client session for each attempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.connect.client_process import told_by
from tests.samples.services.connect_server import ConnectServer

pytestmark = pytest.mark.xdist_group("connect")


def attempt(server: ConnectServer, folder: Path, end: str) -> dict[str, Any]:
    return told_by("driver.py", server, folder, end)


def test_a_new_client_finds_views_settings_database_and_functions_again(server: ConnectServer, tmp_path: Path) -> None:
    """Views are saved, settings and the current database are put back, a temp function is registered again."""
    first = attempt(server, tmp_path, "fail")
    assert first["status"] == "failure"

    second = attempt(server, tmp_path, "succeed")

    assert second["status"] == "success"
    replayed = [name for name, action in second["actions"].items() if action == "REPLAY"]
    ran = [name for name, action in second["actions"].items() if action == "RUN"]
    # All that three statements change is in the session, so they run again.
    assert (replayed, ran) == (["register", "function", "variable", "setting"], ["gate", "result"])
    assert {(row["twice"] / 2, row["first_day"], row["day"]) for row in second["rows"]} == {
        (part, "2026-01-01", "2026-01-31") for part in range(3)
    }
    assert [(row["part"], row["more"], row["zone"], row["home"]) for row in second["rows"]] == [
        (part, 11, "Asia/Tokyo", "shop") for part in range(3)
    ]
    # The totals were made of the same random numbers that the view holds now.
    assert all(abs(row["difference"]) < 1e-9 for row in second["rows"])


def test_the_clients_own_acts_are_none_of_the_component(server: ConnectServer, tmp_path: Path) -> None:
    """gRPC announces nothing, and what else the client does is known. What the server does is not, and that is said."""
    told = told_by("watched.py", server, tmp_path)
    assert told["seen"].pop("a file of its own") == ["opened for writing"]
    assert {name: acts for name, acts in told["seen"].items() if acts} == {}
    assert (told["certain"], told["complete"]) == (False, False)
