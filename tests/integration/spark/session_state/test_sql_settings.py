"""Settings of the session, secrets among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.spark.session_state.scenes import SUCCESS, after_failure, sql, sql_view, vouched
from tests.samples.harness.spark_attempts import SparkRun

if TYPE_CHECKING:
    Make = Callable[..., SparkRun]


def test_settings_that_were_changed_and_unset_are_so_again(make: Make) -> None:
    run = make("a", "b", "c")
    run.does("a", sql("SET spark.sql.session.timeZone=Asia/Tokyo", "SET spark.sql.ansi.enabled=false"))
    run.does("b", lambda session: session.conf.unset("spark.sql.ansi.enabled"))
    assert after_failure(run) == ["c"]
    assert run.record("a").settings["spark.sql.session.timeZone"] == "Asia/Tokyo"
    assert run.record("b").settings in ({"spark.sql.ansi.enabled": None}, {"spark.sql.ansi.enabled": "true"})
    conf = run.session.conf
    assert (conf.get("spark.sql.session.timeZone"), conf.get("spark.sql.ansi.enabled")) == ("Asia/Tokyo", "true")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("my_date", "2024-01-01", "cannot be changed in a Spark session"),
        ("my.own.setting", "x y=z", "cannot be changed in a Spark session"),
        ("spark.hadoop.fs.s3a.endpoint", "http://elsewhere", "chooses file systems and credentials"),
        ("fs.other.impl", "org.apache.hadoop.fs.LocalFileSystem", "chooses file systems and credentials"),
        ("spark.sql.streaming.stateStore.providerClass", "org.example.Provider", "chooses code"),
        ("spark.sql.execution.pyspark.python", "/usr/bin/python3", "chooses a program"),
        ("spark.sql.sources.default", "orc", "chooses what is read and written"),
        ("spark.sql.optimizer.excludedRules", "x" * 100_001, "too many for a setting"),
    ],
)
def test_a_setting_that_is_more_than_data_makes_its_component_run_again(
    make: Make, key: str, value: str, said: str
) -> None:
    """Invariant 8: what the record says of it is never applied, and the reason says which it is and why."""
    run = make("a", "c")
    run.does("a", lambda session: session.conf.set(key, value))
    run.fails("c")
    run.attempt()
    handling, reason = run.handling("a")
    assert handling == "replay"
    assert repr(key) in reason
    assert said in reason
    run.mend("c")
    run.took_turns()
    assert run.resume().status is SUCCESS
    assert run.took_turns() == ["a", "c"]
    assert run.session.conf.get(key) == value


@pytest.mark.parametrize(
    "key",
    [
        "spark.my.password",
        "fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "my.api.token",
        "fs.azure.account.key.someone.dfs.core.windows.net",
        "my.apikey",
        "ssl.keystore.passphrase",
        "my.db.pwd",
    ],
)
def test_a_setting_that_looks_like_a_secret_is_not_recorded(make: Make, key: str) -> None:
    """Invariant 8. The component runs again instead, so that the next attempt has the setting."""
    run = make("a", "c")
    run.does("a", lambda session: session.conf.set(key, "hunter2"))
    run.fails("c")
    run.attempt()
    assert "hunter2" not in run.record_text()
    handling, reason = run.handling("a")
    assert (handling, key in reason) == ("replay", True)
    run.mend("c")
    assert run.resume().status is SUCCESS
    assert run.session.conf.get(key) == "hunter2"
    assert "hunter2" not in run.record_text()


def test_a_secret_setting_of_a_component_that_is_never_run_again_is_missed_by_who_needs_it(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a password there is an error, so what does not need it goes on."""
    run = make("a", "c", session_state="save")
    run.does("a", lambda session: session.conf.set("my.api.token", "hunter2"))
    run.fails("c")
    run.attempt()
    assert list(run.record("a").lost) == ["setting 'my.api.token'"]
    run.took_turns()
    run.resume()
    assert run.took_turns() == ["c"]
    assert "setting 'my.api.token' of a could not be restored" in caplog.text
    assert "hunter2" not in f"{caplog.text} {run.record_text()}"
    run.mend("c")
    assert vouched(run, "a") == ["a", "c"]
    assert run.session.conf.get("my.api.token") == "hunter2"


@pytest.mark.parametrize(
    "value",
    [
        "jdbc:postgresql://h/db?user=me&password=hunter2",
        "https://me.blob.core.windows.net/c?sv=1&sig=hunter2",
        "AccountName=me;AccountKey=hunter2==",
    ],
)
def test_a_secret_inside_the_value_of_a_setting_is_not_recorded(make: Make, value: str) -> None:
    """Invariant 8."""
    run = make("a", session_state="save")
    run.does("a", lambda session: session.conf.set("my.url", value))
    run.attempt()
    assert "hunter2" not in run.record_text()
    assert list(run.record("a").lost) == ["setting 'my.url'"]


def test_a_secret_inside_an_error_is_in_no_reason_and_no_summary(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Invariant 8: why a view cannot be saved is recorded, and so is why a component failed in the summary."""
    run = make("a", "c", session_state="save")
    run.does("a", sql_view("v", "SELECT raise_error('password=hunter2') AS x"))
    run.does("c", lambda session: session.sql("SELECT raise_error('https://h/c?sig=hunter2 is down')").collect())
    with caplog.at_level("INFO"):
        first = run.attempt()
        second = run.resume()
    assert "password=***" in run.handling("a")[1]
    told = f"{run.record_text()} {first.summary()} {second.summary()} {caplog.text}"
    assert "sig=***" in told
    assert "hunter2" not in told
