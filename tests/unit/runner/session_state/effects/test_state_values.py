"""Values that are compared before and after a component."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider.runner.session_state.effects.state_values import (
    ABSENT,
    NamedValues,
    digest_of,
    look_at,
    named_value,
)


class Held:
    """Stands for an object of the author's own."""

    def __init__(self) -> None:
        self.mode = "slow"

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the author's code runs")

    __hash__ = object.__hash__


@pytest.fixture
def jobs() -> Iterator[Any]:
    """A module that is loaded while the test runs."""
    module: Any = types.ModuleType("jobs_of_a_test")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "an entry": (dict, lambda value: value.update(x=1)),
    "the value of an entry": (lambda: {"x": 1}, lambda value: value.update(x=2)),
    "an entry that is gone": (lambda: {"x": 1}, lambda value: value.clear()),
    "an entry deep inside": (lambda: {"x": {"y": [1]}}, lambda value: value["x"]["y"].append(2)),
    "a list": (lambda: [1], lambda value: value.append(2)),
    "an order": (lambda: [1, 2], lambda value: value.reverse()),
    "a set": (lambda: {1}, lambda value: value.add(2)),
    "a set of tuples": (lambda: {(1, "a"), (len, ())}, lambda value: value.add((2, None))),
    "a type": (lambda: [1], lambda value: value.__setitem__(0, True)),
    "a number among objects": (lambda: [1, object()], lambda value: value.__setitem__(0, 2)),
    "an attribute": (Held, lambda value: setattr(value, "mode", "fast")),
    "an object of a library": (lambda: {"x": object()}, lambda value: value.update(x=object())),
    "an object that Python tells the death of": (
        lambda: {"x": weakref.WeakSet()},
        lambda value: value.update(x=weakref.WeakSet()),
    ),
}


@pytest.mark.parametrize(("make", "change"), CHANGES.values(), ids=CHANGES)
def test_a_change_shows(make: Callable[[], Any], change: Callable[[Any], object]) -> None:
    value = make()
    before = look_at(value)
    assert look_at(value) == before
    change(value)
    assert look_at(value) != before


def test_a_look_keeps_no_large_object_alive() -> None:
    """A component that empties a cache frees its memory."""

    class Frame:
        pass

    held = {"x": weakref.WeakSet()}
    died = weakref.ref(held["x"])
    before = look_at(held)
    held.clear()
    gc.collect()
    assert died() is None
    assert look_at(held) != before


def test_a_value_that_holds_itself_has_a_look() -> None:
    value: list[Any] = []
    value.append(value)
    assert look_at(value) == look_at(value)


def test_names_are_looked_up_without_running_code(jobs: Any) -> None:
    jobs.__getattr__ = lambda name: pytest.fail("the author's code runs")
    jobs.RATE, jobs.Shop = 1, Held
    names = NamedValues(["jobs_of_a_test.RATE", "jobs_of_a_test.NONE", "jobs_of_a_test.Shop.rate", "nowhere.X"])
    assert set(names.looks()) == {"jobs_of_a_test.RATE"}
    assert named_value("jobs_of_a_test.NONE") is ABSENT


def test_all_of_a_class_can_be_looked_at(jobs: Any) -> None:
    jobs.Shop = type("Shop", (), {"rate": 1})
    names = NamedValues(["jobs_of_a_test.Shop.*"])
    assert set(names.looks()) == {"jobs_of_a_test.Shop.rate"}
    jobs.Shop.other = 1
    assert set(names.looks()) == {"jobs_of_a_test.Shop.rate", "jobs_of_a_test.Shop.other"}


def test_a_module_of_airflow_is_found_by_its_own_name() -> None:
    name = "unusual_prefix_0123456789abcdef_dag_of_a_test"
    module: Any = types.ModuleType(name)
    module.RATE = 5
    sys.modules[name] = module
    try:
        assert named_value("dag_of_a_test.RATE") == 5
    finally:
        del sys.modules[name]


def test_a_digest_reveals_no_value_and_no_secret() -> None:
    assert digest_of("jobs.RATE", 5) != digest_of("jobs.RATE", 6)
    assert digest_of("jobs.PASSWORD", "hunter2") == ""
    assert digest_of("jobs.FRAMES", {"a": object()}) != digest_of("jobs.FRAMES", {"b": object()})
    assert digest_of("jobs.FRAME", object()) == ""
