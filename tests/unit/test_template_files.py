"""The text of a SQL file is what its templates come to: where it runs, in the fingerprint, and in a driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider.commands.standalone.template_preview import known_names, with_rendered_files
from airflow_provider.components import RunSql
from airflow_provider.components.sql_syntax.sql_text import refuse_template
from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.operators.pipeline.source import named_components
from airflow_provider.runner import DataFlow, PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.component import build_component
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.template_files import TemplatedComponent, TemplateFiles


class Report(DataFlow):
    """A class of an author's that names a template for its text."""

    def __init__(self, letter: str) -> None:
        self.letter = letter

    @classmethod
    def template_files(cls, config: Any) -> dict[str, str]:
        return {"letter": config["letter"]}

    def run(self) -> None:
        self.told = self.texts[self.letter]


def files(folders: list[Path], **options: Any) -> TemplateFiles:
    environment = SandboxedEnvironment(undefined=StrictUndefined, **options)
    return TemplateFiles(environment, {"ds": "2026-01-31", "rows": 3}, folders, str)


def text(folder: Path, content: str, **options: Any) -> str:
    (folder / "q.sql").write_text(content)
    found = files([folder], **options).render([TemplatedComponent("a", RunSql, {"sql_file": "q.sql"})], None)
    return found.texts["a"]["q.sql"]


def problem(folder: Path, content: str) -> str:
    with pytest.raises(PipelineConfigError) as caught:
        text(folder, content)
    (found,) = caught.value.problems
    return str(found)


@pytest.mark.parametrize(
    ("content", "comes_to"),
    [
        ("SELECT '{{ ds }}'", "SELECT '2026-01-31'"),
        ("{# none of it #}SELECT 1", "SELECT 1"),
        ("{% if rows > 2 %}SELECT 1{% else %}SELECT 2{% endif %}", "SELECT 1"),
        ("{% raw %}SELECT '{{ ds }}'{% endraw %}", "SELECT '{{ ds }}'"),
        ("SELECT 'no template } {'\n", "SELECT 'no template } {'\n"),
        ("{% include 'part.sql' %}", "FROM x"),
        ("\ufeffSELECT {{ rows }}", "SELECT 3"),
        ("SELECT 1.10", "SELECT 1.10"),
    ],
)
def test_a_file_is_rendered_and_one_without_a_template_is_left_alone(
    content: str, comes_to: str, tmp_path: Path
) -> None:
    (tmp_path / "part.sql").write_text("FROM x")
    assert text(tmp_path, content) == comes_to


def test_the_delimiters_of_the_environment_count(tmp_path: Path) -> None:
    """A DAG may have others, through ``jinja_environment_kwargs``."""
    own = {"variable_start_string": "[[", "variable_end_string": "]]"}
    assert text(tmp_path, "SELECT '[[ ds ]]', '{{ ds }}'", **own) == "SELECT '2026-01-31', '{{ ds }}'"


@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        ("SELECT 1,\n'{{ nothing }}'", "q.sql, line 2", "'nothing' is undefined"),
        (
            "SELECT 1,\n\n'[{#]'",
            "q.sql, line 3",
            "Missing end of comment tag; if it is meant literally, put it between {% raw %} and {% endraw %}",
        ),
        ("SELECT '{%d'", "q.sql, line 1", "put it between {% raw %} and {% endraw %}"),
        ("{{ 1 / 0 }}", "q.sql, line 1", "division by zero"),
        ("a\n{% include 'nope.sql' %}", "q.sql, line 2", "there is no file 'nope.sql'; searched in {folder}"),
        ("{% include 'part.sql' %}", "part.sql, line 2", "'deep' is undefined"),
    ],
)
def test_a_template_error_names_component_field_file_and_line(
    content: str, place: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "part.sql").write_text("\n{{ deep }}")
    told = problem(tmp_path, content)
    assert told.startswith(f"component 'a', field 'config.sql_file': the template file {tmp_path}/{place}, cannot be")
    assert why.replace("{folder}", str(tmp_path)) in told


def test_the_first_folder_that_has_the_file_counts_and_a_missing_one_names_them_all(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (two / "q.sql").write_text("SELECT 2")
    component = [TemplatedComponent("a", RunSql, {"sql_file": "q.sql"})]
    assert files([one, two]).render(component, None).texts == {"a": {"q.sql": "SELECT 2"}}
    (one / "q.sql").write_text("SELECT 1")
    assert files([one, two]).render(component, None).texts == {"a": {"q.sql": "SELECT 1"}}
    with pytest.raises(PipelineConfigError, match=f"there is no file 'r.sql'; searched in {one}, {two}"):
        files([one, two]).render([TemplatedComponent("a", RunSql, {"sql_file": "r.sql"})], None)


def test_a_file_that_is_not_text_is_named_with_component_and_field(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_bytes("SELECT 'é'".encode("latin-1"))
    with pytest.raises(PipelineConfigError, match=r"component 'a', field 'config.sql_file': .*q.sql' is not UTF-8"):
        files([tmp_path]).render([TemplatedComponent("a", RunSql, {"sql_file": "q.sql"})], None)


def test_an_error_that_may_pass_is_raised_as_it_is(tmp_path: Path) -> None:
    """Airflow's API server was not there: the task is retried."""
    (tmp_path / "q.sql").write_text("{{ gone() }}")

    def gone() -> None:
        raise ConnectionError("refused")

    rendering = TemplateFiles(
        SandboxedEnvironment(), {"gone": gone}, [tmp_path], str, lambda error: isinstance(error, OSError)
    )
    with pytest.raises(ConnectionError):
        rendering.render([TemplatedComponent("a", RunSql, {"sql_file": "q.sql"})], None)


def loaded(folder: Path, sql: str, *given: str) -> PipelineConfig:
    """Return a pipeline as the command line has it."""
    (folder / "q.sql").write_text(sql)
    component = {"name": "a", "class_path": "airflow_provider.components.RunSql", "config": {"sql_file": "q.sql"}}
    config = load_pipeline_config({"name": "p", "components": [component]}, origin=str(folder / "p.yaml"))
    return with_rendered_files(config, known_names("r", None, given))


@pytest.mark.parametrize(
    ("sql", "given", "same"),
    [
        ("SELECT '{{ ds }}'{# a new comment #}", ("ds=2026-01-31",), True),
        ("SELECT '{{ macros.ds_add('2026-01-30', 1) }}'", (), True),
        ("SELECT '2026-01-31'", (), True),
        ("SELECT '{{ ds }}'", ("ds=2026-02-01",), False),
        ("SELECT '{{ ds }}' AS x", ("ds=2026-01-31",), False),
    ],
)
def test_the_fingerprint_follows_the_rendered_text(
    sql: str, given: tuple[str, ...], same: bool, tmp_path: Path
) -> None:
    first = ConfigHashes.of(loaded(tmp_path, "SELECT '{{ ds }}'", "ds=2026-01-31"))
    second = ConfigHashes.of(loaded(tmp_path, sql, *given))
    assert (first == second) is same
    differs = {field for field, value in first.fields["a"].items() if second.fields["a"][field] != value}
    assert differs == (set() if same else {"file q.sql"})


def test_without_airflow_the_working_directory_stands_for_the_dags_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, or one that it includes, is looked for there if it is not beside the pipeline's file."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "part.sql").write_text("FROM x")
    monkeypatch.chdir(tmp_path)
    config = loaded(tmp_path / "pipelines", "SELECT 1 {% include 'sql/part.sql' %}")
    assert config.texts == {"a": {"q.sql": "SELECT 1 FROM x"}}


def test_a_file_without_a_template_has_the_fingerprint_that_it_always_had(tmp_path: Path) -> None:
    """So that what was recorded before is recognised."""
    config = loaded(tmp_path, "SELECT 1\n")
    bare = load_pipeline_config(config.as_written(), origin=config.source)
    assert bare.texts == {}
    assert ConfigHashes.of(config) == ConfigHashes.of(bare)


def test_copies_of_the_pipeline_carry_the_text_and_never_read_the_file_again(tmp_path: Path) -> None:
    config = loaded(tmp_path, "SELECT '{{ ds }}'", "ds=2026-01-31").model_copy(update={"name": "other"})
    (tmp_path / "q.sql").unlink()

    class Spark:
        def sql(self, statement: str, args: Any = None) -> Any:
            self.told = statement
            return type("Frame", (), {"columns": []})

    spark = Spark()
    (component,) = config.components
    build_component(component.target(), component.config, spark, config.base_dir, component.texts)()
    assert spark.told == "SELECT '2026-01-31'"


def test_a_class_of_the_authors_may_have_templates_too(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear {{ ds }}")
    found = files([tmp_path]).render([TemplatedComponent("a", Report, {"letter": "letter.txt"})], None)
    report = build_component(Report, {"letter": "letter.txt"}, None, tmp_path, found.texts["a"])
    report()
    assert report.__self__.told == "Dear 2026-01-31"  # type: ignore[attr-defined]


def test_airflow_shows_the_text_of_a_file_and_no_secret_in_it() -> None:
    content = {"name": "p", "components": [{"name": "a", "config": {"sql_file": "q.sql"}}, {"name": "b"}]}
    shown = str(
        RenderedPipeline(content, content, content, texts={"a": {"q.sql": "SELECT 'password=hunter2'\nFROM x"}})
    )
    assert "  rendered files:\n    q.sql: |-\n      SELECT 'password=***" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"name": "a", "class_path": "airflow_provider.components.RunSql"}, {"sql_file": "q.sql"}),
        ({"name": "a", "class_path": "airflow_provider.components.sql.run_sql.RunSql"}, {"sql_file": "q.sql"}),
        ({"name": "a", "class_path": RunSql}, {"sql_file": "q.sql"}),
        ({"name": "a", "class_path": type("Own", (RunSql,), {})}, {"sql_file": "q.sql"}),
        ({"name": "a", "class_path": "airflow_provider.components.ReadData"}, {}),
        ({"name": "a", "class_path": "package.not_imported.Query"}, {}),
        ({"name": "a", "class_path": 7}, {}),
        ({}, {}),
    ],
)
def test_which_components_name_templates_is_known_without_importing_the_authors_modules(
    item: dict[str, Any], found: dict[str, str]
) -> None:
    (named,) = named_components({"components": [item | {"config": {"sql_file": "q.sql"}}]})
    assert named.files() == found


@pytest.mark.parametrize("enabled", [False, "false", "no", 0])
def test_a_disabled_components_file_is_not_looked_for(enabled: Any) -> None:
    item = {"name": "a", "class_path": RunSql, "config": {"sql_file": "q.sql"}, "enabled": enabled}
    assert named_components({"components": [item]}) == []


TEMPLATES = ["SELECT '{{ ds }}'", "SELECT 1\n{%- if x %} {% endif %}", "{{ params.day }}", "{% include 'x' %}"]
NONE = ["SELECT '{{\"a\": 1}}'", "SELECT regexp_replace(x, '[{#]', '')", "SELECT '{%d%}'", "SELECT '{{}}'", "SELECT 1"]


@pytest.mark.parametrize(
    ("sql", "check"),
    [(sql, pytest.raises) for sql in TEMPLATES] + [(sql, None) for sql in NONE],
)
def test_a_template_that_nothing_renders_is_refused_but_similar_text_is_not(
    sql: str, check: Callable[..., Any] | None
) -> None:
    """Otherwise ``{{ ds }}`` would be data, as in a notebook that runs the file without Airflow."""
    if check is None:
        refuse_template(sql, Path("q.sql"))
        return
    with check(PipelineConfigError, match=r"q.sql, line \d: .* is a template, and nothing renders templates here"):
        refuse_template(sql, Path("q.sql"))
