"""What watches a component fails nothing, and hides no error of the component's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider.errors import SourceChangedError
from airflow_provider.runner.observing.unfailing import observe, observing


def test_an_observation_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> int:
        raise ValueError("odd")

    assert observe("how many", fails, -1) == -1
    assert [record.getMessage() for record in caplog.records] == ["cannot tell how many: ValueError: odd"]


@contextmanager
def watch(*, begins: bool = True, ends: bool = True) -> Iterator[str]:
    if not begins:
        raise ValueError("does not begin")
    try:
        yield "watched"
    finally:
        if not ends:
            raise ValueError("does not end")


@pytest.mark.parametrize(
    ("begins", "ends", "got"), [(True, True, "watched"), (False, True, ""), (True, False, "watched")]
)
def test_a_watch_that_fails_leaves_the_component_alone(begins: bool, ends: bool, got: str) -> None:
    ran = []
    with observing("it", lambda: watch(begins=begins, ends=ends), "") as found:
        ran.append(found)
    assert ran == [got]


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize(("begins", "ends"), [(True, True), (False, True), (True, False)])
def test_the_error_of_the_component_counts(error: BaseException, begins: bool, ends: bool) -> None:
    with pytest.raises(type(error)) as caught, observing("it", lambda: watch(begins=begins, ends=ends), ""):
        raise error
    assert caught.value is error


def test_what_a_watch_refuses_on_purpose_is_raised() -> None:
    """Such as a component that would read what somebody else has replaced, under ``on_source_change: fail``."""

    @contextmanager
    def refuses() -> Iterator[None]:
        raise SourceChangedError("p", ["in"], "restart")
        yield

    with pytest.raises(SourceChangedError), observing("it", refuses, None):
        pytest.fail("it must not run")
