"""ReadData on a real Spark: what it takes for a schema, what it finds, and which records it keeps account of."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider.components import ReadData
from airflow_provider.errors import DataCheckError, DataReadError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MALFORMED = {
    "csv": "id,n\n1,a\nx,b\n3,c,extra\n",
    "json": '{"id": 1, "n": "a"}\n{"id": "x", "n": "b"}\nnothing\n',
    "xml": "<all>\n<r><id>1</id><n>a</n></r>\n<r><id>x</id><n>b</n></r>\n<r><id>y</id><n>c</n></r>\n</all>\n",
}
OPTIONS = {"csv": {"header": True}, "json": {}, "xml": {"rowTag": "r"}}


def read(session: SparkSession, base_dir: Path, **config: Any) -> None:
    component = ReadData.from_config({"output_view": "v", **config})
    component.base_dir = base_dir
    component.set_spark_session(session)
    component.run()


def rows(session: SparkSession, view: str = "v") -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in session.table(view).collect())


# schema


@pytest.mark.parametrize(
    "schema",
    [
        "id INT, name STRING",
        "-- two columns\nid INT,\n  name STRING -- the second\n",
        {"id": "INT", "name": "string"},
        ["id INT", "`name` STRING"],
        [
            {"name": "id", "type": "INT", "nullable": False},
            {"name": "name", "type": "STRING", "comment": "of a person"},
        ],
        ["id INT", {"name": "name", "type": "string"}],
        {"type": "struct", "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]},
        '{"type": "struct", "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}',
    ],
    ids=str,
)
def test_a_schema_may_be_written_in_any_usual_form(session: SparkSession, tmp_path: Path, schema: Any) -> None:
    (tmp_path / "in.csv").write_text("1,ann\n")
    read(session, tmp_path, path=str(tmp_path / "in.csv"), format="csv", schema=schema)
    assert session.table("v").dtypes == [("id", "int"), ("name", "string")]
    assert rows(session) == [(1, "ann")]


def test_a_schema_may_be_nested(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"at": {"x": 1}, "tags": ["a"], "m": {"k": 2}}\n')
    schema = {
        "at": {"x": "INT"},
        "tags": {"type": "array", "elementType": "string", "containsNull": True},
        "m": "MAP<STRING, INT>",
    }
    read(session, tmp_path, path=str(tmp_path / "in.json"), format="json", schema=schema)
    assert session.table("v").dtypes == [("at", "struct<x:int>"), ("tags", "array<string>"), ("m", "map<string,int>")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.ddl", "\ufeffid INT, name STRING\n"),
        ("s.json", json.dumps({"id": "INT", "name": "STRING"})),
        (
            "s.json",
            json.dumps(
                {
                    "type": "struct",
                    "fields": [
                        {"name": "id", "type": "integer", "nullable": True, "metadata": {}},
                        {"name": "name", "type": "string", "nullable": True, "metadata": {}},
                    ],
                }
            ),
        ),
        ("s.yaml", "id: INT\nname: STRING\n"),
        ("s.yml", "- id INT\n- {name: name, type: STRING}\n"),
    ],
)
def test_a_schema_may_stand_in_a_file_beside_the_pipeline(
    session: SparkSession, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "in.csv").write_text("1,ann\n")
    read(session, tmp_path, path=str(tmp_path / "in.csv"), format="csv", schema_file=name)
    assert session.table("v").dtypes == [("id", "int"), ("name", "string")]
    assert ReadData.fingerprint_files({"schema_file": name}) == [name]


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ("id INTT, name STRING", "INTT"),
        ({"id": "INT", "name": "STRIN"}, "field 'name'.*STRIN"),
        (["id INT", "name"], "field 'name'"),
        ([{"name": "id", "type": "whole"}], "field 'id'.*WHOLE"),
        ({"at": {"x": "nothing"}}, "field 'x'.*NOTHING"),
        ({"tags": {"type": "array", "elementType": "strin", "containsNull": True}}, "field 'tags'"),
        ("INT", "defines no column"),
    ],
    ids=str,
)
def test_a_wrong_schema_names_its_field(session: SparkSession, tmp_path: Path, schema: Any, named: str) -> None:
    with pytest.raises(DataReadError, match=rf"schema.*(?i:{named})"):
        read(session, tmp_path, path=str(tmp_path), format="csv", schema=schema)


# nothing to read


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Directories without data files."""
    for name in ("empty", "succeeded", "hidden", "outer/inner"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "succeeded" / "_SUCCESS").write_text("")
    (tmp_path / "hidden" / ".part.csv").write_text("1,a\n")
    return tmp_path


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
@pytest.mark.parametrize("name", ["empty", "succeeded", "hidden", "outer"])
def test_a_directory_without_data_is_an_error_or_an_empty_view(
    session: SparkSession, places: Path, format: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(places / name)
    with pytest.raises(DataReadError, match=rf"there are no data files in '{path}'.*set 'schema' to get an empty view"):
        read(session, places, path=path, format=format)
    with caplog.at_level(logging.WARNING):
        read(session, places, path=path, format=format, schema="id INT")
    assert session.table("v").dtypes == [("id", "int")]
    assert rows(session) == []
    assert "there are no data files, so the view is empty" in caplog.text


@pytest.mark.parametrize("schema", [None, "id INT"])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no*.csv", "no file matches the pattern"),
        ("day={1,2}", "no file matches the pattern"),
        ("no", "there is no file or directory"),
    ],
)
def test_a_path_that_is_not_there_is_never_an_empty_view(
    session: SparkSession, places: Path, name: str, told: str, schema: str | None
) -> None:
    """It may be a slip of the pen; with a schema, too."""
    with pytest.raises(DataReadError, match=f"{told}.*{name[:2]}"):
        read(session, places, path=[str(places / "empty"), str(places / name)], format="csv", schema=schema)


def test_rows_that_are_lost_or_read_twice_are_warned_of(
    session: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in.csv").write_text("1,a\n")
    with caplog.at_level(logging.WARNING):
        read(
            session,
            tmp_path,
            path=[str(tmp_path), str(tmp_path / "in.csv")],
            format="csv",
            schema="id INT, n STRING",
            options={"mode": "dropMalformed", "ignoreMissingFiles": True},
        )
        (tmp_path / "none.csv").write_text("")
        read(session, tmp_path, path=str(tmp_path / "none.csv"), format="csv")
    for told in ("its rows are read twice", "mode DROPMALFORMED", "ignoreMissingFiles is on", "the files are empty"):
        assert told in caplog.text


# select


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (["*", "_metadata.file_name AS file"], [(1, "a", "in.csv")]),
        ({"file": "_metadata.file_name", "n": "upper(n)", "odd `name`": "id + 1 -- one more"}, [("in.csv", "A", 2)]),
        (["n", "regexp_extract(input_file_name(), '[^/]*$', 0) AS file"], [("a", "in.csv")]),
        (["count(*) AS c"], [(1,)]),
    ],
    ids=str,
)
def test_select_sees_what_a_view_hides(session: SparkSession, tmp_path: Path, select: Any, expected: Any) -> None:
    (tmp_path / "in.csv").write_text("1,a\n2,b\n")
    read(
        session,
        tmp_path,
        path=str(tmp_path / "in.csv"),
        format="csv",
        schema="id INT, n STRING",
        where="id = 1",
        select=select,
    )
    assert rows(session) == expected
    if isinstance(select, dict):
        assert session.table("v").columns == list(select)


def test_a_wrong_expression_of_select_is_named(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,a\n")
    with pytest.raises(DataReadError, match=r"select 'idd \+ 1': .*UNRESOLVED_COLUMN"):
        read(session, tmp_path, path=str(tmp_path), format="csv", schema="id INT", select=["id", "idd + 1"])


# corrupt records


@pytest.fixture(params=["csv", "json", "xml"])
def malformed(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A config that reads three records, two of which do not fit the schema."""
    file = tmp_path / f"in.{request.param}"
    file.write_text(MALFORMED[request.param])
    return {"path": str(file), "format": request.param, "options": OPTIONS[request.param], "schema": "id INT, n STRING"}


def test_corrupt_records_are_in_a_view_of_their_own_and_none_is_lost(
    session: SparkSession, tmp_path: Path, malformed: dict[str, Any]
) -> None:
    """Whatever columns a reader asks for: Spark parses no more than that, and refuses some of these queries."""
    read(session, tmp_path, **malformed, corrupt_records_view="bad")
    assert session.table("v").columns == ["id", "n"]
    assert rows(session) == [(1, "a")]
    assert session.table("v").count() == 1
    assert session.table("v").select("n").collect() == [("a",)]
    assert session.table("v").where("n = 'b'").count() == 0
    assert session.table("bad").columns == ["id", "n", "_corrupt_record"]
    assert session.table("bad").count() == len(session.table("bad").select("_corrupt_record").collect()) == 2
    texts = [row["_corrupt_record"] for row in session.table("bad").collect()]
    assert any("x" in text and "b" in text for text in texts)


def test_more_corrupt_records_than_allowed_fail_with_their_number_and_file_but_no_data(
    session: SparkSession, tmp_path: Path, malformed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(
        DataCheckError, match=r"2 corrupt records, expected at most 1: 2 in file:.*in\.\w+; set corrupt_rec"
    ) as caught:
        read(session, tmp_path, **malformed, max_corrupt_records=1)
    assert "extra" not in str(caught.value)
    assert "nothing" not in str(caught.value)
    with caplog.at_level(logging.WARNING):
        read(session, tmp_path, **malformed, max_corrupt_records=2)
    assert "2 corrupt records, at most 2 are allowed" in caplog.text
    assert session.table("v").columns == ["id", "n"]
    assert len(session.table("v").collect()) == 3


def test_a_schema_may_have_the_column_of_corrupt_records_itself(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(MALFORMED["csv"])
    read(
        session,
        tmp_path,
        path=str(tmp_path / "in.csv"),
        format="csv",
        options={"header": True, "columnNameOfCorruptRecord": "bad line"},
        schema="id INT, n STRING, `bad line` STRING",
        corrupt_records_view="bad",
    )
    assert rows(session) == [(1, "a", None)]
    assert {row["bad line"] for row in session.table("bad").collect()} == {"x,b", "3,c,extra"}


@pytest.mark.parametrize(
    ("text", "options", "schema", "bad"),
    [
        ("1,a\nx,b\n", {}, "id INT, n STRING, _CORRUPT_record STRING", 1),
        ("1,a\nx,b\n", {"COLUMNNAMEOFCORRUPTRECORD": "bad"}, "id INT, n STRING", 1),
        ('1,"a\nb"\n2,c\n', {}, "id INT, n STRING", 1),
        ('1,"a\nb"\n2,c\n', {"multiLine": True}, "id INT, n STRING", 0),
        ("1,a\n2\n", {}, "id INT, n STRING", 1),
        ("1,a\n2,b\n", {}, {"id": "INT", "n": "STRING"}, 0),
    ],
)
def test_whatever_spark_cannot_parse_is_counted(
    session: SparkSession, tmp_path: Path, text: str, options: dict[str, Any], schema: Any, bad: int
) -> None:
    (tmp_path / "part=1").mkdir()
    (tmp_path / "part=1" / "in.csv").write_text(text)
    config = {"path": str(tmp_path), "format": "csv", "options": options, "schema": schema}
    read(session, tmp_path, **config, corrupt_records_view="bad", max_corrupt_records=bad)
    assert session.table("bad").count() == bad
    assert session.table("v").select("part").distinct().collect() == [(1,)]
    if bad:
        with pytest.raises(DataCheckError, match=f"{bad} corrupt records, expected at most {bad - 1}"):
            read(session, tmp_path, **config, max_corrupt_records=bad - 1)


@pytest.mark.parametrize(
    ("header", "options", "told"),
    [
        ("n,id", {}, True),
        ("id,name", {}, True),
        ("id", {}, True),
        ("ID,n", {}, False),
        ("n,id", {"enforceSchema": True}, False),
        ("n,id", {"header": False}, False),
    ],
)
def test_a_header_that_does_not_fit_the_schema_is_warned_of(
    session: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture, header: str, options: Any, told: bool
) -> None:
    """Spark takes columns by position: wrong data without a word."""
    (tmp_path / "day=1").mkdir()
    (tmp_path / "day=1" / "in.csv").write_text(f"{header}\na,b\n")
    options = {"header": True, "mode": "PERMISSIVE", **options}
    with caplog.at_level(logging.WARNING):
        read(session, tmp_path, path=str(tmp_path), format="csv", schema="id STRING, n STRING", options=options)
    assert ("Spark takes columns by position, as id, n; set the option" in caplog.text) is told


def test_a_header_that_does_not_fit_the_schema_can_be_refused(session: SparkSession, tmp_path: Path) -> None:
    """Also with a column of corrupt records beside it."""
    (tmp_path / "in.csv").write_text("n,id\na,b\n")
    config = {"path": str(tmp_path / "in.csv"), "format": "csv", "schema": "id STRING, n STRING"}
    read(session, tmp_path, **config, options={"header": True, "enforceSchema": False}, corrupt_records_view="bad")
    with pytest.raises(Exception, match=r"(?i)header|FAILED_READ_FILE"):
        session.table("v").collect()


@pytest.mark.parametrize("format", ["csv", "json"])
def test_corrupt_records_are_found_without_a_schema(session: SparkSession, tmp_path: Path, format: str) -> None:
    (tmp_path / f"in.{format}").write_text(
        {"csv": "id,n\n1,a\n3,c,extra\n", "json": '{"id": 1, "m": {"k": 1}}\nnothing\n'}[format]
    )
    read(
        session,
        tmp_path,
        path=str(tmp_path / f"in.{format}"),
        format=format,
        options={"header": True},
        select=["id", "_metadata.file_name AS file"],
        corrupt_records_view="bad",
        max_corrupt_records=1,
    )
    assert session.table("v").count() == session.table("bad").count() == 1
    assert session.table("v").columns == ["id", "file"]
