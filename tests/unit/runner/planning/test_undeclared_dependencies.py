"""Which dependencies a pipeline lacks, from what is known of its views."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.config.graph import ancestors
from airflow_provider.runner.planning.dependency_notes import dependency_notes, dependency_warnings
from airflow_provider.runner.planning.undeclared_dependencies import (
    LeftBySeveral,
    UndeclaredDependencies,
    UndeclaredRead,
    ViewUseFacts,
    find_undeclared_dependencies,
)


def found(*components: str) -> UndeclaredDependencies:
    """Find what lacks in components written as ``name <dependencies >left ?read``, in the order of execution."""
    facts, needs = [], {}
    for component in components:
        name, *words = component.split()
        marked = {mark: [word[1:] for word in words if word[0] == mark] for mark in "<>?"}
        needs[name] = marked["<"]
        facts.append(ViewUseFacts(name, frozenset(marked[">"]), frozenset(marked["?"])))
    return find_undeclared_dependencies(facts, ancestors(needs, list(needs)))


@pytest.mark.parametrize(
    ("components", "lacking"),
    [
        (["load >v", "join ?v"], [("join", "v", "load", True)]),
        (["load >v", "join <load ?v"], []),
        (["load >v", "clean <load", "join <clean ?v"], []),
        (["join ?v", "load >v"], [("join", "v", "load", False)]),
        (["join ?v", "load <join >v"], []),
        (["join ?v"], []),
        (["join >v ?v"], []),
        (["load >v", "join >v ?v"], [("join", "v", "load", True)]),
        (["a >v", "b >v", "join <a ?v"], []),
        (["a >v", "b >v", "join ?v", "c >v"], [("join", "v", "b", True)]),
        (["join ?v", "a >v", "b >v"], [("join", "v", "a", False)]),
        (["a >v >w", "join ?v ?w"], [("join", "v", "a", True), ("join", "w", "a", True)]),
    ],
)
def test_who_reads_a_view_depends_on_someone_who_leaves_it(
    components: list[str], lacking: list[tuple[str, str, str, bool]]
) -> None:
    """Directly or not. Who depends on the reader cannot be meant, and of several the last before it is what it saw."""
    assert found(*components).reads == tuple(UndeclaredRead(*one) for one in lacking)


@pytest.mark.parametrize(
    ("components", "lacking"),
    [
        (["a >v", "b >v"], [("v", ("a", "b"))]),
        (["a >v", "b <a >v"], []),
        (["a >v", "x <a", "b <x >v"], []),
        (["a >v", "b <a >v", "c >v"], [("v", ("a", "b", "c"))]),
        (["a >v", "b <a >v", "c <a >v"], [("v", ("b", "c"))]),
        (["a >v", "b >w"], []),
    ],
)
def test_who_leaves_the_same_view_has_an_order(components: list[str], lacking: list[tuple[str, Any]]) -> None:
    assert found(*components).lefts == tuple(LeftBySeveral(*one) for one in lacking)


def pipeline(**fields: Any) -> PipelineConfig:
    components = [{"name": name, "class_path": "shop.steps.Step"} for name in ("load", "join")]
    last = {"name": "last", "class_path": "shop.steps.Step", "depends_on": ["join"]}
    return PipelineConfig.model_validate({"name": "p", "components": [*components, last], **fields})


LACKING = found("load >v >w", "join ?v >w ?x", "last <join >x")
LATER = UndeclaredDependencies((UndeclaredRead("load", "x", "join", runs_before=False),))


@pytest.mark.parametrize("width", [2, "auto"])
def test_side_by_side_it_is_a_warning(width: Any) -> None:
    config = pipeline(max_parallel_components=width)
    assert list(dependency_warnings(config, LACKING)) == [
        "component 'join' reads view 'v', which component 'load' leaves, and does not depend on it. Side by side"
        " it will not see that view: add 'load' to depends_on of 'join'",
        "components 'load' and 'join' leave the same view 'w', and there is no order between them. Side by side that "
        "is an error: add 'load' to depends_on of 'join', or use different names",
    ]
    assert len(list(dependency_warnings(config, LATER))) == 1
    assert not list(dependency_notes(config, LACKING))


def test_one_after_the_other_it_is_a_note() -> None:
    """Only of what works today because of the place in the file."""
    assert list(dependency_notes(pipeline(), LACKING)) == [
        "component 'join' reads view 'v', which component 'load' leaves, and does not depend on it, so only their "
        "place in the file decides whether it sees that view: add 'load' to depends_on of 'join'",
        "components 'load' and 'join' leave the same view 'w', and there is no order between them, so only their "
        "place in the file decides which of them counts: add 'load' to depends_on of 'join', or use different names",
    ]
    assert not list(dependency_notes(pipeline(), LATER))
    assert not list(dependency_warnings(pipeline(), LACKING))


def test_without_any_depends_on_the_place_in_the_file_is_the_order() -> None:
    config = pipeline().model_copy(update={"components": pipeline().components[:2]})
    assert not list(dependency_notes(config, LACKING))
