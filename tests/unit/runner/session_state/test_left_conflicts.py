"""Two components without an order between them must not leave different things under one name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.component_left import ComponentLeft
from airflow_provider.runner.session_state.left_conflicts import LeftConflict, find_conflicts

V, G = ViewName("v"), ViewName("v", is_global=True)


def left(component: str, **kinds: dict[Any, Any]) -> ComponentLeft:
    return ComponentLeft(component, {kind.replace("_", " "): found for kind, found in kinds.items()})


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({"views": {V: "1"}}, {"views": {ViewName("w"): "2"}}, [], id="other names"),
        pytest.param({"views": {V: "1"}}, {"temp_functions": {"v": "2"}}, [], id="other kinds"),
        pytest.param({"views": {V: "1"}}, {"views": {G: "2"}}, [], id="a local and a global view"),
        pytest.param({"views": {V: "1"}}, {"views": {V: "2"}}, [("views", "v", False)], id="one view"),
        pytest.param({"views": {V: "1"}}, {"views": {V: None}}, [("views", "v", False)], id="left and dropped"),
        pytest.param({"views": {V: None}}, {"views": {V: None}}, [], id="both dropped it"),
        pytest.param({"views": {G: "1"}}, {"views": {G: "2"}}, [("views", "global_temp.v", True)], id="a global view"),
        pytest.param({"views": {G: "1"}}, {"views": {G: "1"}}, [], id="one saw what the other one did"),
        pytest.param(
            {"temp_functions": {"f": "1"}},
            {"temp_functions": {"f": "2"}},
            [("temp functions", "f", False)],
            id="function",
        ),
        pytest.param({"settings": {"a": "1"}}, {"settings": {"a": "1"}}, [], id="the same value"),
        pytest.param(
            {"settings": {"a": "1"}}, {"settings": {"a": "2"}}, [("settings", "a", False)], id="another value"
        ),
        pytest.param(
            {"settings": {"a": None}}, {"settings": {"a": "2"}}, [("settings", "a", False)], id="unset and set"
        ),
        pytest.param(
            {"current_database": {"current database": ("c", "a")}},
            {"current_database": {"current database": ("c", "b")}},
            [("current database", "current database", False)],
            id="current database",
        ),
        pytest.param(
            {"Hadoop_entries": {"x": "1"}}, {"Hadoop_entries": {"x": "2"}}, [("Hadoop entries", "x", True)], id="shared"
        ),
    ],
)
def test_two_components_conflict_where_the_last_one_would_decide(
    one: dict[str, Any], other: dict[str, Any], found: list[tuple[str, str, bool]]
) -> None:
    expected = [LeftConflict(kind, name, ("a", "b"), shared) for kind, name, shared in found]
    assert find_conflicts([left("a", **one), left("b", **other)]) == expected


def test_all_components_that_left_something_of_that_name_are_told() -> None:
    several = [left(name, settings={"x": value}) for name, value in (("a", "1"), ("b", "2"), ("c", "1"))]
    assert [found.components for found in find_conflicts([*several, left("d")])] == [("a", "b", "c")]


values = st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["1", "2", None]))


@given(st.lists(values, max_size=4))
def test_without_a_conflict_the_order_makes_no_difference(settings: list[dict[str, Any]]) -> None:
    several = [left(str(number), settings=found) for number, found in enumerate(settings)]
    conflicting = {found.name for found in find_conflicts(several)}
    merged, backwards = (
        {name: value for found in order for name, value in found.items()} for order in (settings, settings[::-1])
    )
    assert {name for name in merged if merged[name] != backwards[name]} <= conflicting
    assert all(len({found[name] for found in settings if name in found}) > 1 for name in conflicting)
