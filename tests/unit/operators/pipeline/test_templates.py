"""Templates that cannot be rendered, or render to what no component takes, are config errors that name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.operators.pipeline.source import with_policies
from airflow_provider.operators.pipeline.templates import holds_template, refuse_map_index, render

KNOWN = {"ds": "2026-01-01", "params": {"day": None, "n": "many"}}


def wants_number(spark: Any, n: int = 1, ratio: float | None = None) -> None: ...


def pipeline(config: dict[str, Any], class_path: Any = "airflow_provider.components.RunSql") -> dict[str, Any]:
    return {"name": "p", "components": [{"name": "load", "class_path": class_path, "config": config}]}


def rendered(content: Any, *, native: bool = False) -> Any:
    environment = (NativeEnvironment if native else SandboxedEnvironment)(undefined=StrictUndefined)

    def renderer(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renderer(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renderer(item) for item in value]
        return environment.from_string(value).render(**KNOWN) if isinstance(value, str) else value

    return render(content, "p.yaml", renderer, KNOWN)


def problems(content: Any, *, native: bool = False) -> list[str]:
    def load() -> None:
        with_policies(RenderedPipeline(content, content, rendered(content, native=native), "p.yaml"), {})

    with pytest.raises(PipelineConfigError) as caught:
        load()
    return [str(problem) for problem in caught.value.problems]


def test_an_undefined_name_is_reported_with_component_field_and_template() -> None:
    """And with the name that may have been meant; every template that fails is told at once."""
    content = pipeline({"sql": "SELECT '{{ dss }}'", "args": {"n": "{{ params.n | batch }}"}})
    first, second = problems(content)

    assert first.startswith("component 'load', field 'config.sql': cannot render its template \"SELECT '{{ dss }}'\": ")
    assert first.endswith("'dss' is undefined; did you mean 'ds'?")
    assert second.startswith(
        "component 'load', field 'config.args.n': cannot render its template '{{ params.n | batch }}': "
    )


@pytest.mark.parametrize("template", ["{{ nothing", "{% if %}", "{{ ds.no() }}", "{{ 1 / 0 }}"])
def test_whatever_a_template_raises_is_a_config_error(template: str) -> None:
    """A syntax error, a missing attribute, an error of Python."""
    (problem,) = problems(pipeline({"sql": template}))

    assert problem.startswith("component 'load', field 'config.sql': cannot render its template ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT regexp_replace(x, '[{#]', '')", "Missing end of comment tag"),
        ("SELECT '{%d'", "Encountered unknown tag 'd'"),
        ("SELECT '{{'", "unexpected"),
        ("SELECT 1,\n  '{#'", "Missing end of comment tag"),
    ],
)
def test_text_that_only_looks_like_a_template_is_reported_with_the_remedy(text: str, why: str) -> None:
    """Also where nothing else in the pipeline holds a template, and with the line if there are several."""
    (problem,) = problems(pipeline({"sql": text}))

    assert problem.startswith("component 'load', field 'config.sql': cannot render its template ")
    assert (" (line 2): " in problem) is ("\n" in text)
    assert why in problem
    assert problem.endswith("; if it is meant literally, put it between {% raw %} and {% endraw %}")


@pytest.mark.parametrize("text", ["{{ ds }}", "{% if x %}{% endif %}", "{# left out #}", "[{#]"])
def test_whatever_jinja_changes_or_refuses_counts_as_a_template(text: str) -> None:
    """So a value is not called wrong before it is rendered, and a long text shows the line that matters."""
    assert holds_template([{"key": text}])
    (problem,) = problems(pipeline({"sql": "SELECT 1,\n" * 50 + "'{#'"}))
    assert problem.startswith("component 'load', field 'config.sql': cannot render its template \"'{#'\" (line 51): ")


def test_an_error_that_another_try_may_mend_is_not_a_config_error() -> None:
    """Airflow's API server or the network was not there: the task is retried."""

    def renderer(value: Any) -> Any:
        raise ConnectionError("refused")

    with pytest.raises(ConnectionError):
        render(pipeline({"sql": "{{ var.value.x }}"}), None, renderer)


def test_a_template_that_renders_to_none_is_a_config_error() -> None:
    """Jinja writes it as the word None, which would be read as SQL, a path or a date."""
    (problem,) = problems(pipeline({"sql": " {{ params.day }}"}))

    assert (
        problem
        == "component 'load', field 'config.sql': its template ' {{ params.day }}' renders to None; give it a value"
    )


def test_with_native_rendering_a_none_that_does_not_fit_names_the_template() -> None:
    """There it is None itself, which the component's own check refuses."""
    (problem,) = problems(pipeline({"sql": "SELECT 1", "output_view": "{{ params }}"}), native=True)

    assert "field 'config.output_view'" in problem
    assert problem.endswith("the value comes from the template '{{ params }}'")


def test_text_where_a_function_wants_a_number_is_a_config_error() -> None:
    """By its annotation; with native rendering the number is one."""
    content = pipeline({"n": "{{ params.n }}", "ratio": "{{ 1 + 1 }}"}, wants_number)
    found = problems(content)

    assert len(found) == 2
    assert any("field 'config.n': expected int, but its template '{{ params.n }}' renders to text" in p for p in found)
    assert all("render_template_as_native_obj=True" in problem for problem in found)
    (problem,) = problems(pipeline({"n": "{{ none }}"}, wants_number), native=True)
    assert "expected int, but its template '{{ none }}' renders to None" in problem
    content = pipeline({"n": "{{ 1 + 1 }}", "ratio": "{{ none }}"}, wants_number)
    source = RenderedPipeline(content, content, rendered(content, native=True))
    assert with_policies(source, {}).components[0].config == {"n": 2, "ratio": None}


def rendering(**known: str) -> Callable[[Any], Any]:
    environment = SandboxedEnvironment(undefined=StrictUndefined)
    return lambda value: environment.from_string(value).render(**known) if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["ds", "ts_nodash", "logical_date", "data_interval_start"])
def test_a_name_that_needs_a_logical_date_says_that_the_run_has_none(name: str) -> None:
    """Airflow leaves these names out if the logical date is null; ``ds`` is then near nothing that is known."""
    with pytest.raises(PipelineConfigError, match=r"logical date \(it is null\).*use run_id or dag_run.run_after"):
        render(f"{{{{ {name} }}}}", None, rendering(run_id="r"), {"run_id": "r"})


def test_a_map_index_template_that_cannot_be_rendered_is_refused() -> None:
    """Airflow renders it when the work is done, and fails the task for it then, at each try."""
    text = rendering(run_id="r", ds="2026-01-01")
    refuse_map_index(None, text, ())
    refuse_map_index("{{ ds }}", text, ())
    with pytest.raises(
        PipelineConfigError, match=r"map_index_template '\{\{ regoin \}\}' cannot be rendered.*'region'"
    ):
        refuse_map_index("{{ regoin }}", text, ["region"])
