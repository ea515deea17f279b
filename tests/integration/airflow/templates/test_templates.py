"""Templates in SQL files, in native DAGs, by ``template_searchpath`` and in zip archives: real Airflow, real Spark."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("airflow")

HERE = Path(__file__).parent
FILE = "templating.py"


@pytest.fixture(scope="module")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DAG files, a folder beside them that only ``template_searchpath`` names, and a zip archive."""
    base = tmp_path_factory.mktemp("templates")
    shutil.copytree(HERE / "dags", base / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "searched", base / "searched")
    with zipfile.ZipFile(base / "dags" / "zipped.zip", "w") as archive:
        archive.write(HERE / "zipped" / "zipped.py", "zipped.py")
        archive.write(HERE / "zipped" / "zipped.yaml", "pipelines/zipped.yaml")
        archive.write(HERE / "zipped" / "zipped.sql", "sql/zipped.sql")
        archive.write(HERE / "zipped" / "from.sql", "sql/from.sql")
        archive.write(HERE / "dags" / "templating_steps.py", "zipped_steps.py")
    return base / "dags"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where each execution of a component leaves a line."""
    return tmp_path / "journal"


def lines(journal: Path) -> list[Any]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_a_sql_file_is_rendered_as_airflow_renders_it_and_the_retry_recognises_it(airflow: Any, journal: Path) -> None:
    """Comments, imports, includes from ``template_searchpath``, macros, filters and options of the DAG's own."""
    ended = airflow.run(FILE, "sql_files", journal=str(journal))

    assert ended.state == "success", ended.output
    row = ["hunter2", "X", 4, 0, ended.run_id]
    assert lines(journal) == [[row], [row]]
    assert ended.actions("t") == {"query": "REPLAY", "told": "RUN"}


def test_a_wrong_sql_file_is_a_config_error_with_component_field_file_and_line(airflow: Any, journal: Path) -> None:
    """Before Spark starts, and without using up retries."""
    ended = airflow.run(FILE, "wrong_files", journal=str(journal))

    told = {task: [one.error["message"] for one in tries] for (task, _), tries in ended.tries.items()}
    assert {task: len(found) for task, found in told.items()} == dict.fromkeys(told, 1)
    here = str(airflow.dags_folder)
    field = "pipeline config: component 'query', field 'config.sql_file'"
    assert told["undefined"] == [
        f"{field}: the template file {here}/sql/undefined.sql, line 2, cannot be rendered: "
        "UndefinedError: 'dss' is undefined; did you mean 'ds'?"
    ]
    raw = "if it is meant literally, put it between {% raw %} and {% endraw %}"
    assert told["comment"] == [
        f"{field}: the template file {here}/sql/comment.sql, line 2, cannot be rendered: "
        f"Missing end of comment tag; {raw}"
    ]
    assert told["missing"][0].startswith(f"{field}: there is no file 'sql/nowhere.sql'; searched in {here}, ")
    (comment_tag,) = told["comment_tag"]
    assert comment_tag.startswith("pipeline config: component 'query', field 'config.sql': cannot render its template ")
    assert comment_tag.endswith(f": Missing end of comment tag; {raw}")
    assert told["as_text"][0].startswith("pipeline config: field 'pipeline': is text where the path of a file")
    assert "render_template_as_native_obj=True" in told["as_text"][0]


def test_a_pipeline_and_its_sql_are_found_in_template_searchpath(airflow: Any, journal: Path) -> None:
    ended = airflow.run(FILE, "search_path", journal=str(journal))

    assert ended.state == "success", ended.output
    assert lines(journal) == [[["t"]]]


def test_in_a_native_dag_text_without_a_template_stays_text(airflow: Any, journal: Path) -> None:
    """And a template becomes a value where one can be meant; where only text is taken it stays text."""
    ended = airflow.run(FILE, "native", journal=str(journal))

    assert ended.state == "success", ended.output
    kinds, ((version, flag, word, code, _, rows, text, number),) = lines(journal)[::-1]
    assert (version, flag, word, code, rows) == ("1.10", "True", "None", "1e5", 3)
    assert (text, number) == ("1.10", 3)
    assert kinds == {
        "text": "'1.10'",
        "number": "3",
        "list": "[3, 'x']",
        "mixed": "'a3'",
        "nested": "{'deep': ['07', 3, {'none': 'None'}]}",
        "tuple": "'(1, 2)'",
        "none": "None",
    }
    assert "pipeline='2" in ended.output or "pipeline '2" in ended.output
    assert "version 1.10" in ended.output
    assert "my.version=1.10" in ended.output
    assert "my.templated=1.10" in ended.output


def test_a_pipeline_may_come_whole_from_another_task_and_is_taken_as_it_is(airflow: Any, journal: Path) -> None:
    """By a template of a native DAG, and as the task's output."""
    ended = airflow.run(FILE, "whole_native", journal=str(journal))

    assert ended.state == "success", ended.output
    kinds = {"text": "'1.10'", "word": "'None'", "marks": "'{{ left }}'"}
    assert lines(journal) == [kinds, kinds]


def test_a_file_that_template_searchpath_has_is_no_import_error(airflow: Any, journal: Path) -> None:
    """``validate_when_parsed`` looks where the task will look, and waits for names that are templates."""
    ended = airflow.run(FILE, "checked_when_parsed", journal=str(journal))

    states = {task: state for (task, _), state in ended.states.items()}
    assert states == {"file": "success", "inside": "failed", "searched": "success"}
    assert "there is no file 'sql/2026" in ended.tries["inside", -1][0].error["message"]


def test_a_zipped_dag_has_its_pipeline_its_sql_and_its_modules_in_the_archive(airflow: Any, journal: Path) -> None:
    ended = airflow.run("zipped.zip", "zipped", journal=str(journal))

    assert ended.state == "success", ended.output
    assert lines(journal) == [[["t"]], [["t"]]]
    assert ended.actions("t") == {"query": "REPLAY", "told": "RUN"}
    first = ended.tries["t", -1][0]
    assert f"{airflow.dags_folder}/zipped.zip/zipped_steps.py:" in first.error["message"]


def test_a_component_that_moves_away_to_a_directory_that_is_gone_moves_nothing_else(
    airflow: Any, journal: Path, tmp_path: Path
) -> None:
    """Checkpoint, saved views and SQL stay where they were; the retry finds what the first attempt recorded."""
    (tmp_path / "late.sql").write_text("SELECT count(*) FROM kept")
    ended = airflow.run(FILE, "places", journal=str(journal), here=str(tmp_path))

    assert ended.state == "success", ended.output
    assert lines(journal) == [[[2]], [[2]]]
    assert ended.actions("t")["away"] == "REPLAY"  # the next component may need its directory
    assert list((airflow.home / "relative" / "checkpoints").rglob("*.json"))
