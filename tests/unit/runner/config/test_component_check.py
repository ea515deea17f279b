"""A component that can never run is a problem of the config, in the words of its author."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import PipelineResultStatus, SimplePipelineRunner, load_pipeline_config
from airflow_provider.runner.config.config_loader import config_warnings
from tests.samples.components import odd

ODD = "tests.samples.components.odd"


def config_of(class_path: Any, config: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": "p", "components": [{"name": "a", "class_path": class_path, "config": config or {}}]}


@pytest.mark.parametrize("by_path", [True, False], ids=["by path", "given itself"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("generator", "function 'generator' contains 'yield'"),
        ("async_generator", "function 'async_generator' contains 'yield'"),
        ("partial_of_generator", "contains 'yield'"),
        ("callable_generator", "contains 'yield'"),
        ("RunGenerator", "the method run() of class 'RunGenerator' contains 'yield'"),
        ("OpenGenerator", "the method open() of class 'OpenGenerator' contains 'yield'"),
        ("AsyncFromConfig", "the method from_config() of class 'AsyncFromConfig' is async"),
        ("AsyncSession", "the method set_spark_session() of class 'AsyncSession' is async"),
        ("Single", "'Single' is a class that a decorator turns into a function"),
        ("manager", "function 'manager' is a context manager, which the runner does not enter"),
        (
            "Model",
            "class 'Model' is a pydantic model, so the runner cannot set its session; add a method set_spark_session",
        ),
        ("FrozenModelWithField", "is a pydantic model, so the runner cannot set its session"),
        ("Frozen", "is a frozen dataclass, so the runner cannot set its session; add a method set_spark_session"),
        ("Slotted", "has __slots__ without 'spark', so the runner cannot set its session; add 'spark' to them"),
        ("Named", "is a named tuple, so the runner cannot set its session"),
        ("RunTakesSpark", "its run() takes spark, but the runner calls run() without arguments; move it to __init__"),
        ("RunTakesMore", "its run() takes day, limit, but the runner calls run() without arguments; move them to"),
        ("RunTakesNothing", "define it as run(self)"),
    ],
)
def test_a_component_that_can_never_run_is_a_problem_of_its_class_path(kind: str, told: str, *, by_path: bool) -> None:
    target = f"{ODD}.{kind}" if by_path else getattr(odd, kind)
    if not by_path and kind in ("partial_of_generator", "callable_generator"):
        told = "is not a component: pass a class or a function"
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(config_of(target))
    problem, *others = caught.value.problems
    assert problem.field == "class_path"
    assert told in problem.message
    assert others == []


@pytest.mark.parametrize(
    "kind",
    [
        "work",
        "returns_generator",
        "drained_generator",
        "logged_generator",
        "RunAsync",
        "RunMayTake",
        "RunIsStatic",
        "RunOfClass",
        "RunInjected",
        "OwnSession",
        "ModelWithField",
        "SlottedWithSpark",
        "FrozenWithMethod",
    ],
)
def test_what_may_run_is_no_problem(kind: str) -> None:
    load_pipeline_config(config_of(f"{ODD}.{kind}"))


@pytest.mark.parametrize("target", [f"{ODD}.load", odd.load], ids=["by path", "given itself"])
def test_a_decorated_function_is_checked_and_run_as_the_one_inside(target: Any) -> None:
    odd.DONE.clear()
    config = load_pipeline_config(config_of(target, {"path": "x"}))
    assert SimplePipelineRunner(config, spark=object()).run().status is PipelineResultStatus.SUCCESS  # type: ignore[arg-type]
    assert odd.DONE == ["x"]
    odd.DONE.clear()
    with pytest.raises(
        PipelineConfigError,
        match=r"field 'config.pth': is not a parameter of load; did you mean "
        r"'path'\?",
    ):
        load_pipeline_config(config_of(target, {"pth": "x"}))


def test_a_decorator_may_hand_over_arguments_so_a_missing_one_is_a_warning() -> None:
    odd.DONE.clear()
    config = load_pipeline_config(config_of(f"{ODD}.with_injected", {"path": "x"}))
    (warning,) = config_warnings(config)
    assert str(warning) == (
        "component 'a', field 'config.logger': is missing, unless the decorator of with_injected supplies it"
    )
    assert SimplePipelineRunner(config, spark=object()).run().status is PipelineResultStatus.SUCCESS  # type: ignore[arg-type]
    assert odd.DONE == [("logger", "x")]


def test_a_decorated_generator_is_a_warning_for_the_decorator_may_loop_over_it() -> None:
    (warning,) = config_warnings(load_pipeline_config(config_of(f"{ODD}.logged_generator")))
    assert "contains 'yield' and has a decorator" in warning.message


def test_a_function_inside_a_function_says_what_a_decorator_needs() -> None:
    with pytest.raises(
        PipelineConfigError, match=r"if a decorator of yours makes the function, apply functools\.wraps"
    ):
        load_pipeline_config(config_of(odd.hidden))


def test_a_check_of_the_authors_own_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its problems and warnings bear the place; one that fails is told, not raised."""
    (tmp_path / "own_check.py").write_text(
        "class Load:\n"
        "    def __init__(self, path): ...\n"
        "    def run(self): ...\n"
        "    @classmethod\n"
        "    def config_problems(cls, config, base_dir):\n"
        "        if config['path'] == 'wrong':\n"
        "            yield 'path', f'is wrong below {base_dir}'\n"
        "        return 1 / len(config['path'])\n"
        "    @classmethod\n"
        "    def config_warnings(cls, config):\n"
        "        yield 'path', 'is odd'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineConfigError, match=f"component 'a', field 'config.path': is wrong below {tmp_path}"):
        load_pipeline_config(config_of("own_check.Load", {"path": "wrong"}))
    with pytest.raises(PipelineConfigError, match="field 'config': its own check failed: ZeroDivisionError"):
        load_pipeline_config(config_of("own_check.Load", {"path": ""}))
    (warning,) = config_warnings(load_pipeline_config(config_of("own_check.Load", {"path": "x"})))
    assert str(warning) == "component 'a', field 'config.path': is odd"


@pytest.mark.parametrize(
    ("kind", "config", "wanted"),
    [
        ("with_lists", {"tables": "['a', 'b']"}, "a list"),
        ("with_lists", {"names": '["a"]'}, "a list"),
        ("with_lists", {"tables": "[1, 2]"}, "a list"),
        ("with_lists", {"tables": "[]"}, "a list"),
        ("with_lists", {"default": "['a']"}, "a list"),
        ("with_lists", {"options": "{'a': 1}"}, "a mapping"),
        ("WithLists", {"tables": "['a']"}, "a list"),
    ],
)
def test_text_of_a_list_is_a_problem_where_a_list_is_annotated(kind: str, config: dict[str, Any], wanted: str) -> None:
    """A loop over it would be one over letters."""
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(config_of(f"{ODD}.{kind}", config))
    (problem,) = caught.value.problems
    assert problem.field == f"config.{next(iter(config))}"
    assert f"expected {wanted}, got text that looks like {wanted}" in problem.message
    assert "render_template_as_native_obj=True" in problem.message


@pytest.mark.parametrize(
    "config",
    [
        {"text": "['a']"},
        {"either": "['a']"},
        {"anything": "['a']"},
        {"tables": ["a"]},
        {"tables": None},
        {"options": {"a": 1}},
        {"tables": "{{ params.tables }}"},
        {"names": "abc"},
    ],
)
def test_text_is_no_problem_where_text_may_be_meant(config: dict[str, Any]) -> None:
    load_pipeline_config(config_of(f"{ODD}.with_lists", config))
