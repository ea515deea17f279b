"""A preview says what the next attempt would do, without Spark and without a trace."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider.errors import ConfigChangedError
from airflow_provider.runner import LocalCheckpointStore
from airflow_provider.runner.checkpoint.layout import REQUEST
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.start_mode import StartCase, StartMode
from airflow_provider.runner.record.live_session import LiveSessionRecord
from airflow_provider.runner.record.requests import RestartRequest, SettledRequest
from airflow_provider.runner.record.session_state_record import SavedView, SessionStateRecord
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.running.preview import Preview, preview
from airflow_provider.runner.running.restart_requests import find_requests
from tests.samples.sketches import checkpoint, config

TODAY = config("a b(a) c(b)")


def look(found: Any, *asked: str, start: StartMode | None = None, **policies: Any) -> Preview:
    """Return the preview for somebody who asks for a restart."""
    today = config("a b(a) c=2(b)", **policies) if policies else TODAY
    standing = [RestartRequest.from_config_value(RestartFrom(components=asked), "x")] if asked else []
    requests = find_requests(LocalCheckpointStore(Path("/nowhere")), found.key, today, found, standing)
    return preview(today, found, start or StartMode(), requests)


def planned(seen: Preview) -> str:
    assert seen.plan is not None
    return " ".join(f"{d.component}:{d.action}" for d in seen.plan.decisions)


def test_a_preview_is_the_plan_of_the_attempt() -> None:
    found = checkpoint(TODAY, "a b")
    assert planned(look(found)) == "a:REUSE b:REUSE c:RUN"
    assert planned(look(found, "b")) == "a:REUSE b:RUN c:RUN"
    assert planned(look(found, "b", start=StartMode(StartCase.FRESH_REQUESTED))) == "a:RUN b:RUN c:RUN"


def test_a_preview_names_the_request_that_would_be_ignored() -> None:
    seen = look(checkpoint(TODAY, "a b"), "x")
    assert planned(seen) == "a:REUSE b:REUSE c:RUN"
    assert seen.plan is not None
    (answer,) = seen.plan.requests
    assert "unknown or disabled component 'x'" in str(answer.set_aside)


def test_an_attempt_that_would_fail_is_no_error_of_the_preview() -> None:
    seen = look(checkpoint(TODAY, "a b c"), on_config_change="fail")
    assert seen.plan is None
    assert isinstance(seen.error, ConfigChangedError)


def test_what_needs_spark_is_named_as_unknown() -> None:
    """Saved views and sources on other storage, and a session that a server may have kept."""
    view = SavedView(name="v", url="s3a://b/v", format="parquet", columns=["id"], files=1, bytes=1, digest="d")
    state = SessionStateRecord(handling="kept", reason="saved", views=[view])
    far = SourceRecord(kind="files", name="s3a://b/in", roots=["s3a://b/in"])
    found = checkpoint(TODAY, "a b", session_state_url="s3a://b")
    found = found.model_copy(
        update={
            "components": {
                **found.components,
                "a": found.components["a"].model_copy(update={"session_state": state, "sources": [far]}),
            },
            "live_session": LiveSessionRecord(session="s", origin="sc://host", copy_id="c"),
        }
    )
    seen = look(found)
    assert planned(seen) == "a:REUSE b:REUSE c:RUN"
    assert set(seen.unknown) == {
        "whether the Spark Connect server still has the session, so that there is no need to restore",
        "whether the source s3a://b/in has changed; looking there needs Spark",
        "whether what was saved in s3a://b is still there; looking there needs Spark",
    }


def test_a_preview_leaves_no_trace(tmp_path: Path) -> None:
    """Not even an id for a request that somebody typed, nor a marker beside saved views."""
    store = LocalCheckpointStore(tmp_path / "store")
    found = checkpoint(TODAY, "a:1view b", session_state_url=str(tmp_path / "views"))
    store.save(found)
    (tmp_path / "views").mkdir()
    store.storage().write(f"{found.key.path}/{REQUEST}", b"b\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    requests = find_requests(store, found.key, TODAY, found, ())
    assert [request.components for request in requests.due] == [("b",)]
    preview(TODAY, found, StartMode(), requests)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_settled_request_is_not_due() -> None:
    found = checkpoint(TODAY, "a b c")
    settled = SettledRequest.of(
        RestartRequest.from_config_value(RestartFrom(components=("b",)), "x"), datetime.now(UTC), 1
    )
    assert planned(look(found, "b")) == "a:REUSE b:RUN c:RUN"
    assert planned(look(found.model_copy(update={"requests": [settled]}), "b")) == "a:REUSE b:REUSE c:REUSE"
