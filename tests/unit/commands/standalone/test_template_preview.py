"""Templates of a pipeline file are rendered as Airflow would, where there is no Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.commands.standalone.template_preview import known_names, render_pipeline_file
from airflow_provider.errors import PipelineConfigError


def render(tmp_path: Path, text: str, *given: str, file: Path | None = None) -> Any:
    path = tmp_path / "p.yaml"
    path.write_text(f"name: p\ncomponents:\n- name: a\n  config:\n    x: {text!r}\n")
    return render_pipeline_file(path, known_names("r 1", file, given))["components"][0]["config"]["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ ds }}", "2026-01-31"),
        ("{{ ds_nodash }} {{ ts }}", "20260131 2026-01-31T06:30:00+00:00"),
        ("{{ ts_nodash }} {{ ts_nodash_with_tz }}", "20260131T063000 20260131T063000+0000"),
        ("{{ logical_date | ds_nodash }}", "20260131"),
        ("{{ data_interval_start.year }}", "2026"),
        ("{{ macros.ds_add(ds, 1) }}", "2026-02-01"),
        ("{{ macros.ds_format(ds, '%Y-%m-%d', '%d.%m.%y') }}", "31.01.26"),
        ("{{ (logical_date - macros.timedelta(days=31)) | ds }}", "2025-12-31"),
        ("{{ run_id }}", "r 1"),
        ("{{ params.rows }} {{ var.value.bucket }}", "10 a=b"),
        ("{% if params.rows == '10' %}ten{% endif %}", "ten"),
        ("plain 日本 } {", "plain 日本 } {"),
    ],
)
def test_what_airflow_knows_is_known_here(tmp_path: Path, text: str, value: str) -> None:
    """Dates in all of Airflow's forms, the run, params, variables and macros."""
    given = ("logical_date=2026-01-31T06:30:00", "params.rows=10", "var.value.bucket=a=b")
    assert render(tmp_path, text, *given) == value


def test_text_that_only_looks_like_a_template_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """A regular expression for one."""
    with pytest.raises(PipelineConfigError) as caught:
        render(tmp_path, "[{#]")
    told = str(caught.value)
    assert "component 'a', field 'config.x': cannot render the template '[{#]': Missing end of comment tag" in told
    assert told.endswith("; if it is meant literally, put it between {% raw %} and {% endraw %}")


def test_dates_follow_from_ds(tmp_path: Path) -> None:
    """The start of that day in UTC."""
    assert render(tmp_path, "{{ ts }}", "ds=2026-01-31") == "2026-01-31T00:00:00+00:00"


def test_a_file_keeps_types_and_a_var_wins_over_it(tmp_path: Path) -> None:
    """What stands in a YAML file is a number there; on the command line all is text, as in Airflow's variables."""
    file = tmp_path / "vars.yaml"
    file.write_text("params: {rows: 10, city: rome}\nds: 2026-01-31\n")
    assert render(tmp_path, "{{ params.rows + 1 }} {{ params.city }}", "params.city=oslo", file=file) == "11 oslo"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ ds }}", "'ds' is undefined; known: macros, run_id; define more with --var NAME=VALUE or --vars FILE"),
        ("{{ params.rwos }}", "has no attribute 'rwos'"),
        ("{{ 'x' | nope }}", "No filter named 'nope'."),
        ("{{ macros.ds_add('x', 1) }}", "ValueError"),
        ("{{ ", "unexpected"),
        ("{{ macros.datetime.__class__.mro() }}", "unsafe"),
    ],
)
def test_a_template_that_cannot_be_rendered_names_its_place(tmp_path: Path, text: str, why: str) -> None:
    """The component, the field, the template's text and what is known."""
    with pytest.raises(PipelineConfigError) as refused:
        render(tmp_path, text)
    assert f"component 'a', field 'config.x': cannot render the template {text!r}" in str(refused.value)
    assert why in str(refused.value)


@pytest.mark.parametrize("given", ["ds", "=1", "a b=1", "../x=1", "params..rows=1"])
def test_a_var_that_is_not_name_and_value_is_refused(given: str) -> None:
    """With an example of one that is."""
    with pytest.raises(PipelineConfigError, match="is not NAME=VALUE, such as ds=2026-01-31"):
        known_names("r", None, [given])


def test_a_date_that_cannot_be_read_and_a_name_below_a_value_are_refused() -> None:
    """Each names what was given."""
    with pytest.raises(PipelineConfigError, match="'tomorrow' is not a date; write it as 2026-01-31"):
        known_names("r", None, ["ds=tomorrow"])
    with pytest.raises(PipelineConfigError, match=r"--var 'a\.b=2': 'a' already has a value"):
        known_names("r", None, ["a=1", "a.b=2"])
