"""HOCON as people write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import PipelineConfig, load_pipeline_config
from airflow_provider.runner.config.config_file import read_config_file

ANY = "tests.samples.components.basic.scripted"
READ = "airflow_provider.components.ReadData"
COMPONENTS = f"components = [{{ name = a, class_path = {ANY}, config {{ name = x, value = ${{value}} }} }}]\n"


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    file = tmp_path / "p.conf"
    file.write_text(text, encoding="utf-8")
    return read_config_file(file)


def load(tmp_path: Path, text: str) -> PipelineConfig:
    read(tmp_path, text)
    return load_pipeline_config(tmp_path / "p.conf")


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(PipelineConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value).removeprefix(f"pipeline config {tmp_path}/p.conf: ")


@pytest.mark.parametrize("field", sorted({*PipelineConfig.model_fields, "mode"}))
def test_a_field_of_the_pipeline_is_kept_although_something_refers_to_it(field: str, tmp_path: Path) -> None:
    """A name to which nothing of the pipeline belongs is a constant; ``mode`` is pyspark-pipeline-framework's."""
    content = read(tmp_path, f"constant = x\n{field} = y\nother = [${{constant}}, ${{{field}}}]\n")
    assert field in content
    assert "constant" not in content


@pytest.mark.parametrize(
    "constants",
    [
        "value = 7\n",
        "value = ${base.deep}\nbase { deep = 7 }\n",
        "other = 7\nvalue = ${?other}\n",
        "x-value = 7\nvalue = ${x-value}\n",
        "value = ${PIPELINE_TEST_VALUE}\n",
        "value = 6\nvalue = ${?PIPELINE_TEST_VALUE}\n",
    ],
)
def test_constants_stand_at_the_top_and_are_no_fields(
    constants: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_TEST_VALUE", "7")
    config = load(tmp_path, f"{constants}name = p\n{COMPONENTS}")
    assert str(config.components[0].config["value"]) == "7"


def test_a_field_that_nothing_refers_to_is_a_mistake_with_a_hint(tmp_path: Path) -> None:
    assert problem(tmp_path, f"value = 1\nname = p\nvesion = 2\n{COMPONENTS}") == (
        "field 'vesion': is not a known field; did you mean 'version'?"
    )
    told = problem(tmp_path, f"value = 1\nname = p\nunused = 2\n{COMPONENTS}")
    assert told.startswith("field 'unused': is not a known field; put shared parts under a name")


def test_a_field_that_others_refer_to_stays_a_field(tmp_path: Path) -> None:
    config = load(tmp_path, f"value = 1\nname = p\nspark.app_name = ${{name}}\n{COMPONENTS}")
    assert (config.name, config.spark.app_name) == ("p", "p")


@pytest.mark.parametrize(
    "include",
    [
        'include "common.conf"',
        'include required("common.conf")',
        'include file("common.conf")',
        'include required(file("deep/er.conf"))',
    ],
)
def test_an_included_file_may_hold_more_than_this_pipeline_needs(include: str, tmp_path: Path) -> None:
    (tmp_path / "common.conf").write_text("value = 7\nfor_others = 1\ndeeper { x = 1 }\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "er.conf").write_text('include "next.conf"\n')
    (tmp_path / "deep" / "next.conf").write_text("value = 7\nmore = 1\n")
    config = load(tmp_path, f"{include}\nname = p\n{COMPONENTS}")
    assert config.components[0].config["value"] == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('include "no.conf"\nname = p', "line 1 of DIR/p.conf: the included file 'DIR/no.conf' does not exist"),
        ('\ninclude required(file("no.conf"))', "line 2 of DIR/p.conf: the included file 'DIR/no.conf' does not exist"),
        ('include "p.conf"', "line 1 of DIR/p.conf: 'p.conf' includes itself"),
        ("value = ${nothing}", "Cannot resolve variable ${nothing} (line: 1, col: 9)"),
        ("value = ${value}", "Cannot resolve ${value}: (line: 1, col: 9). Check for cycles."),
        (
            "name = s3://b/*.csv",
            "line 1, column 15: Expected end of text, found '*'; put text that contains * in quotes",
        ),
        ("name = p\na = {b: 1\n", "line 3, column 1: Expected '}', found end of text"),
        (
            "spark.spark_conf {\n  spark.a = 1\n  spark.a.b = 2\n}",
            "line 3: 'spark.a' and 'spark.a.b' both have a value, and HOCON keeps only one of them; put both names "
            "in quotes",
        ),
        (
            "spark.spark_conf.spark.a = 1\nspark.spark_conf { spark.a.b = 2 }",
            "line 2: 'spark.a' and 'spark.a.b' both have a value, and HOCON keeps only one of them; put both names "
            "in quotes",
        ),
        (
            "base { a = 1 }\nspark.spark_conf = ${base}\nspark.spark_conf.spark.x = 2",
            "line 3: 'spark.spark_conf' refers to another part and is extended later; write spark.spark_conf = ${…} "
            "{ … } in one",
        ),
        (
            "components = []\ncomponents += { name = b }",
            "line 2: '+=' with a single item drops the earlier ones; write += [ … ]",
        ),
    ],
)
def test_a_problem_names_its_place(text: str, told: str, tmp_path: Path) -> None:
    assert problem(tmp_path, text) == f"not valid HOCON: {told.replace('DIR', str(tmp_path))}"


def test_an_included_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "common.conf").write_bytes("value = ü".encode("latin-1"))
    with pytest.raises(PipelineConfigError, match=r"common\.conf: the file is not UTF-8 text"):
        load(tmp_path, 'include "common.conf"')


@pytest.mark.parametrize(
    "text",
    [
        "spark.spark_conf { spark.sql.shuffle.partitions = 8 }",
        "spark { spark_conf { spark.sql { shuffle.partitions = 8 } } }",
        "spark.spark_conf.spark.sql.shuffle.partitions = 8",
        'spark.spark_conf { "spark.sql.shuffle.partitions" = 8 }',
    ],
)
def test_a_property_may_stand_with_quotes_or_without(text: str, tmp_path: Path) -> None:
    config = load(
        tmp_path, f'value = 1\nname = p\n{text}\nspark.spark_conf {{ "spark.b" = x, spark.c = y }}\n{COMPONENTS}'
    )
    assert config.spark.spark_conf == {"spark.sql.shuffle.partitions": "8", "spark.b": "x", "spark.c": "y"}


def test_quotes_keep_a_property_that_is_the_beginning_of_another(tmp_path: Path) -> None:
    conf = '"spark.sql.catalog.x" = A, "spark.sql.catalog.x.type" = hadoop'
    config = load(tmp_path, f"value = 1\nname = p\nspark.spark_conf {{ {conf} }}\n{COMPONENTS}")
    assert config.spark.spark_conf == {"spark.sql.catalog.x": "A", "spark.sql.catalog.x.type": "hadoop"}


def test_what_builds_on_a_constant_is_no_clash(tmp_path: Path) -> None:
    text = "base { a = 1 }\nspark { spark_conf = ${base}\nspark_conf.spark.x = 2\n }"
    assert load(tmp_path, f"value = 1\nname = p\n{text}{COMPONENTS}").spark.spark_conf == {"a": "1", "spark.x": "2"}


def test_two_components_may_refer_and_add_to_fields_of_one_name(tmp_path: Path) -> None:
    one = f"{{ name = a, class_path = {ANY}, config.name = x, retry.max_attempts = ${{n}} }}"
    other = f"{{ name = b, class_path = {ANY}, config.name = y, retry.max_attempts = 3 }}"
    assert len(load(tmp_path, f"n = 2\nname = p\ncomponents = [{one}, {other}]").components) == 2
    one = f"{{ name = a, class_path = {ANY}, config.value = ${{m}}, config.name = x }}"
    other = f"{{ name = b, class_path = {ANY}, config.value.deep = 1, config.name = y }}"
    assert len(load(tmp_path, f"m {{ x = 1 }}\nname = p\ncomponents = [{one}, {other}]").components) == 2


def test_a_mark_in_an_included_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "common.conf").write_text("value = ü\n", encoding="utf-8-sig")
    config = load(tmp_path, f'include "common.conf"\nname = p\n{COMPONENTS}')
    assert config.components[0].config["value"] == "ü"


def test_options_of_ready_made_components_may_have_dots(tmp_path: Path) -> None:
    options = 'options { path.glob.filter = "*.csv", header = true, sep = ";" }'
    config = load(
        tmp_path,
        "name = p\ncomponents = "
        f"[{{ name = a, class_path = {READ}, config {{ path = x, output_view = v, {options} }} }}]",
    )
    assert config.components[0].config["options"] == {"path.glob.filter": "*.csv", "header": True, "sep": ";"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("512m", "512m"),
        ("10s", "10s"),
        ("10 seconds", "10 seconds"),
        ("1h", "1h"),
        ("2g", "2g"),
        ("5d", "5d"),
        ("007", "007"),
        ("+49", "+49"),
        ("1e3", "1e3"),
        ("01.02", "01.02"),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ("a b  # comment", "a b"),
        ("a b  // comment", "a b"),
        ('"x // y"', "x // y"),
        ('"""a\n  "b" """', 'a\n  "b" '),
        ("v${one}", "v1.10"),
        ("${one}", 1.1),
        ("[1, 2\n3]", [1, 2, 3]),
        ("[1] [2]", [1, 2]),
        ("{ a.b = 1 }", {"a": {"b": 1}}),
        ('{ "a.b" = 1 }', {"a.b": 1}),
        ('"ü é"', "ü é"),
        (r'"a\tb \"c\" \\"', 'a\tb "c" \\'),
        ("12:30:00", "12:30:00"),
    ],
)
def test_a_value_is_what_it_looks_like(written: str, value: Any, tmp_path: Path) -> None:
    """pyhocon makes durations of sizes and times: 30720000 of a memory of 512m."""
    value_there = f"config {{ name = x\n value = {written}\n }}"
    text = f"one = 1.10\nname = p\ncomponents = [{{ name = a, class_path = {ANY}, {value_there} }}]"
    assert read(tmp_path, text)["components"][0]["config"]["value"] == value


@pytest.mark.parametrize("text", ["", "  \n# nothing\n", "[1, 2]", "value = 1"])
def test_a_file_without_a_pipeline_is_a_problem(text: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineConfigError):
        load(tmp_path, text)


def test_reading_leaves_the_library_as_it_was(tmp_path: Path) -> None:
    from pyhocon import ConfigFactory

    read(tmp_path, "name = 10s")
    problem(tmp_path, "name = {")
    assert not isinstance(ConfigFactory.parse_string("a = 10s")["a"], str)
    assert ConfigFactory.parse_string("a = 007")["a"] == 7


@pytest.mark.parametrize(
    "value",
    [
        "SELECT 5 s FROM t",
        "10 seconds",
        "5 months",
        "5 m",
        "2 weeks ago",
        "3d",
        "1h 30 m",
        "512m",
    ],
)
def test_text_that_pyhocon_takes_for_a_time_stays_as_it_is_written(value: str, tmp_path: Path) -> None:
    """By itself pyhocon makes ``SELECT relativedelta(seconds=+5)FROM t`` of the first one."""
    from pyhocon import ConfigFactory

    assert str(ConfigFactory.parse_string(f"value = {value}")["value"]) != value or value == "512m"
    config = load(tmp_path, f"value = {value}\nname = p\n{COMPONENTS}")
    assert config.components[0].config["value"] == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags = [a]\ntags += b", "line 2: '+=' with a single item drops the earlier ones; write += [ … ]"),
        ("tags = [a]\nb = [b]\ntags += ${b}", "line 3: '+=' with a single item drops the earlier ones; write += [ … ]"),
        ('x { include "no.conf" }', "line 1 of DIR/p.conf: the included file 'DIR/no.conf' does not exist"),
        ('x = 1, include "no.conf"', "line 1 of DIR/p.conf: the included file 'DIR/no.conf' does not exist"),
        (
            'include "parts/*.conf"',
            "line 1 of DIR/p.conf: 'parts/*.conf' cannot be included; include each file by its path",
        ),
        (
            'include url("http://localhost:1/p.conf")',
            "line 1 of DIR/p.conf: 'http://localhost:1/p.conf' cannot be included; include each file by its path",
        ),
        ('x = select include "a"', "line 1 of DIR/p.conf: 'include' inside a value; put that text in quotes"),
    ],
)
def test_what_pyhocon_loses_without_an_error_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    """An appended item, an include that is missing or inside a mapping, a pattern of files."""
    told = expected.replace("DIR", str(tmp_path))
    assert problem(tmp_path, f"{text}\nname = p") == f"not valid HOCON: {told}"


@pytest.mark.parametrize(
    "text", ['x = "include \\"a\\""', 'x = """\ninclude "a"\n"""', '# { include "a"\nx = 1', "x = [1]\nx +=\n [2]"]
)
def test_what_only_looks_like_an_include_is_none(text: str, tmp_path: Path) -> None:
    """In a string or a comment."""
    assert load(tmp_path, f"value = 1\n{text}\nx-used = ${{x}}\nname = p\n{COMPONENTS}").name == "p"
