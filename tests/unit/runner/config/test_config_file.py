"""Config text is what it looks like, in every notation: or it is refused with the remedy."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.runner import (
    PipelineConfig,
    PipelineResultStatus,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_pipeline_config,
)
from airflow_provider.runner.config import yaml_text
from airflow_provider.runner.config.scalars import plain_value
from tests.samples.components import odd

ANY = "tests.samples.components.basic.scripted"
READY = "airflow_provider.components"


def load(tmp_path: Path, text: str, name: str = "p.yaml") -> PipelineConfig:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return load_pipeline_config(file)


def args_of(tmp_path: Path, value: str) -> Any:
    """Return what the values of a query are that YAML says nothing about."""
    sql = f"class_path: {READY}.RunSql, config: {{sql: SELECT 1, args: {{x: {value}}}}}"
    config = load(tmp_path, f"name: p\ncomponents:\n  - {{name: a, {sql}}}\n")
    from airflow_provider.components.sql.run_sql import SqlConfig

    return SqlConfig.model_validate(config.components[0].config).args["x"]


@pytest.mark.parametrize(
    "text",
    [
        "12:30:00",
        "1:30",
        "190:20:30.15",
        "-1:30",
        "07763",
        "00",
        "007",
        "0o17",
        "0x1F",
        "0b101",
        "2024_01",
        "1_2",
        "0_1",
        "=",
        "<<",
        "+4930123456",
        "+1.5",
        "01.02",
        "1e3",
        "1.5e3",
        "1.2.3",
        "y",
        "N",
        "_1",
        "1_000_0",
    ],
)
def test_what_only_yaml_takes_for_a_number_is_its_text(text: str, tmp_path: Path) -> None:
    assert args_of(tmp_path, text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("1_000_000", 1_000_000),
        ("1.10", 1.1),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1_000.25", 1000.25),
        ("1.5e+3", 1500.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("2026-01-31", datetime.date(2026, 1, 31)),
        ("!!int 07", 7),
        ("!!bool yes", True),
        ("!!str 7", "7"),
        ("'1.10'", "1.10"),
        ("'NO'", "NO"),
    ],
)
def test_a_number_is_pythons_own_where_no_text_is_asked_for(text: str, value: Any, tmp_path: Path) -> None:
    """Spark looks at the exact type of what it is given."""
    found = args_of(tmp_path, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["1.10", "1.0", "9.90", "1_000", "007", "12:30", "NO", "on", "yes", "Off", "0x1F", "=", ".5", "5.", "1.5e+3", "7"],
)
def test_where_text_is_meant_it_is_the_text_as_written(text: str, tmp_path: Path) -> None:
    fields = f"name: {text}\nversion: {text}\nenvironment: {text}\ntags: {{{text}: {text}}}\n"
    first = f"  - {{name: {text}, class_path: {ANY}, config: {{name: {text}}}}}\n"
    second = f"  - {{name: second, class_path: {READY}.WriteData, depends_on: [{text}], config: CONFIG}}\n"
    config_2 = f"{{input_view: v, path: {text}, partition_by: [{text}]}}"
    config = load(tmp_path, f"{fields}components:\n{first}{second}".replace("CONFIG", config_2))
    assert (config.name, config.version, config.environment) == (text, text, text)
    assert config.tags == {text: text} or text == "7"
    assert [component.name for component in config.ordered] == [text, "second"]
    assert config.components[1].depends_on == [text]

    from airflow_provider.components.writing.write_data import WriteConfig

    written = WriteConfig.model_validate(config.components[1].config)
    assert (written.path, written.partition_by) == (text, [text])


@pytest.mark.parametrize(
    ("text", "spelled"),
    [("1.10", "1.10"), ("true", "true"), ("8", "8"), ("0.60", "0.60"), ("10s", "10s"), ("1_000", "1_000")],
)
def test_properties_and_options_are_spelled_as_written(text: str, spelled: str, tmp_path: Path) -> None:
    read = f"class_path: {READY}.ReadData, config: {{output_view: v, path: x, options: {{o: {text}}}}}"
    config = load(tmp_path, f"name: p\nspark: {{spark_conf: {{s: {text}}}}}\ncomponents: [{{name: a, {read}}}]")
    assert config.spark.to_spark_conf() == {"s": spelled}

    from airflow_provider.components.reading.read_data import ReadConfig

    assert ReadConfig.model_validate(config.components[0].config).options == {"o": spelled}


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "NO", "On"])
@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ("spark: {spark_conf: {s: WORD}}", "field 'spark.spark_conf.s'"),
        (
            "components: [{name: a, class_path: READY.RunSql, config: {sql: x, args: {x: WORD}}}]",
            "field 'config.args.x'",
        ),
        (
            "components: [{name: a, class_path: READY.ReadData, config: {output_view: v, options: {o: WORD}}}]",
            "field 'config.options.o'",
        ),
        (
            "components: [{name: a, class_path: tests.samples.components.odd.typed, config: {anything: WORD}}]",
            "'config.anything'",
        ),
        (
            "components: [{name: a, class_path: tests.samples.components.odd.typed, config: {either: WORD}}]",
            "'config.either'",
        ),
        (
            "components: [{name: a, class_path: tests.samples.components.odd.typed, config: {anything: [{x: WORD}]}}]",
            "'config.anything.0.x'",
        ),
        (
            "components: [{name: a, class_path: tests.samples.components.peer.CountWithConnection, config: {x: WORD}}]",
            "'config.x'",
        ),
    ],
)
def test_a_word_that_could_be_text_or_a_boolean_is_refused_without_a_type(
    word: str, fields: str, place: str, tmp_path: Path
) -> None:
    text = fields.replace("WORD", word).replace("READY", READY)
    if "components" not in text:
        text += f"\ncomponents: [{{name: a, class_path: {ANY}, config: {{name: x}}}}]"
    with pytest.raises(PipelineConfigError) as caught:
        load(tmp_path, f"name: p\n{text}\n")
    (problem,) = caught.value.problems
    assert place in str(problem)
    assert f"{word!r} could mean text or a boolean; put it in quotes" in problem.message


def test_a_function_gets_what_its_annotations_and_defaults_ask_for(tmp_path: Path) -> None:
    values = "country: NO, overwrite: no, by_default: off, codes: [NO, 1.10, x], anything: 1.10"
    config = load(
        tmp_path,
        f"name: p\ncomponents: [{{name: a, class_path: tests.samples.components.odd.typed, config: {{{values}}}}}]",
    )
    odd.DONE.clear()
    assert SimplePipelineRunner(config, spark=object()).run().status is PipelineResultStatus.SUCCESS  # type: ignore[arg-type]
    (done,) = odd.DONE
    assert done == ("NO", False, "", ["NO", "1.10", "x"], 1.1, False)
    assert type(done[4]) is float
    odd.DONE.clear()


@pytest.mark.parametrize(
    ("text", "value"),
    [("'False'", False), ("'no'", False), ('"true"', True), ("off", False), ("false", False), ("x", "x")],
)
def test_text_is_a_boolean_for_a_parameter_that_is_nothing_else(text: str, value: Any, tmp_path: Path) -> None:
    """A template makes text of a boolean, and HOCON of ``no``; as text both would be true."""
    kind = "class_path: tests.samples.components.odd.typed"
    config = load(
        tmp_path, f"name: p\ncomponents: [{{name: a, {kind}, config: {{overwrite: {text}, country: {text}}}}}]"
    )
    odd.DONE.clear()
    SimplePipelineRunner(config, spark=object()).run()  # type: ignore[arg-type]
    assert odd.DONE[0][1] == value
    assert str(odd.DONE[0][0]) == text.strip("'\"").replace("false", "False" if text == "false" else "false")
    odd.DONE.clear()


def test_a_boolean_field_takes_yes_and_no(tmp_path: Path) -> None:
    off = f"{{name: b, class_path: {ANY}, enabled: no}}"
    config = load(tmp_path, f"name: p\ncomponents: [{{name: a, class_path: {ANY}, config: {{name: x}}}}, {off}]")
    assert [component.name for component in config.ordered] == ["a"]


@pytest.mark.parametrize("name", ["p.json", "p.conf", "p.yaml"])
def test_a_decimal_number_of_a_file_keeps_its_text_in_every_notation(name: str, tmp_path: Path) -> None:
    component = f'{{"name": "a", "class_path": "{ANY}", "config": {{"name": "x"}}}}'
    text = f'{{"name": "p", "version": 1.10, "components": [{component}]}}'
    assert load(tmp_path, text, name).version == "1.10"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"version": 1.1}, "version"),
        ({"name": 1.0}, "name"),
        ({"tags": {"a": 1.5, "b": 2}}, "tags.a"),
        ({"environment": 1.5}, "environment"),
        ({"spark": {"app_name": 1.5}}, "spark.app_name"),
        ({"harmless_modules": ["a", 1.5]}, "harmless_modules.1"),
    ],
)
def test_a_decimal_number_of_python_has_lost_its_text_and_is_refused_where_text_is_meant(
    fields: dict[str, Any], place: str
) -> None:
    config = {"name": "p", "components": [{"name": "a", "class_path": ANY, "config": {"name": "x"}}], **fields}
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config(config)
    (problem,) = caught.value.problems
    assert problem.field == place
    assert "expected text, got decimal number" in problem.message
    assert "put it in quotes" in problem.message


def test_numbers_of_python_are_welcome_where_numbers_are_meant() -> None:
    config = load_pipeline_config(
        {
            "name": 7,
            "version": 1,
            "spark": {"spark_conf": {"spark.memory.fraction": 0.6, "spark.x": True, "spark.y": 8}},
            "components": [
                {
                    "name": "a",
                    "class_path": f"{READY}.ReadData",
                    "config": {"output_view": "v", "path": "x", "options": {"samplingRatio": 0.5, "header": True}},
                    "retry": {"initial_delay_seconds": 0.5},
                }
            ],
        }
    )
    assert config.spark.to_spark_conf() == {"spark.memory.fraction": "0.6", "spark.x": "true", "spark.y": "8"}


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "2026-01-01 25:00:00"])
def test_an_impossible_date_is_reported_with_its_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineConfigError, match=r"line 2, column 10: '.*' looks like a date but is not one"):
        load(tmp_path, f"name: p\nversion: {text}\n")


def test_another_text_is_another_config(tmp_path: Path) -> None:
    """An option's text counts, so ``1.10`` and ``1.1`` are two."""
    texts = ["1.10", "1.1", "NO", "off", "no"]
    config = "name: p\ncomponents: [{name: a, class_path: tests.samples.components.odd.typed, config: {country: TEXT}}]"
    found = {compute_pipeline_fingerprint(load(tmp_path, config.replace("TEXT", text))) for text in texts}
    assert len(found) == len(texts)


def test_a_config_of_a_file_can_be_dumped_copied_and_shown_and_stays_what_it_is(tmp_path: Path) -> None:
    """The submit operator writes it for the driver, and Airflow shows it."""
    values = {"a": "1.10", "b": "NO", "c": "1_000", "d": "x"}
    inner = ", ".join(f"{key}: {text}" for key, text in values.items())
    text = f"name: p\ncomponents: [{{name: a, class_path: n.b, config: {{{inner}}}}}]"
    content = yaml_text.parse_yaml(text)
    dumped = yaml.safe_dump(PipelineConfig.model_validate(content).model_dump(exclude_unset=True))
    again = yaml_text.parse_yaml(dumped)["components"][0]["config"]
    assert {key: str(value) for key, value in again.items()} == values
    assert "a: 1.1\n" in str(RenderedPipeline(None, content, content))

    config = content["components"][0]["config"]
    assert str(copy.deepcopy(config)["a"]) == "1.10"
    unpickled = pickle.loads(pickle.dumps(plain_value(config)))
    assert (unpickled["a"], type(unpickled["a"])) == (1.1, float)
    assert type(pickle.loads(pickle.dumps(config["a"]))) is float
    assert json.loads(json.dumps(config))["a"] == 1.1


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_what_python_writes_as_yaml_reads_as_the_same(value: Any) -> None:
    assert plain_value(yaml_text.parse_yaml(yaml.safe_dump({"x": value}))["x"]) == value


CIRCLES = {
    "a list in itself": "name: p\ncomponents: &x\n  - *x\n",
    "a component in its config": "name: p\ncomponents:\n  - &c\n    name: a\n    config: {self: *c}\n",
    "two in each other": "name: &a\n  b: &b\n    c: [*a, *b]\n",
    "by a merge key": "name: p\nx-a: &a\n  <<: *a\n  b: 1\n",
    "by a merge key in a list": "name: p\nx-a: &a\n  <<: [*a]\n",
    "as a key": "name: p\n? &a [*a]\n: 1\n",
}


@pytest.mark.parametrize("text", CIRCLES.values(), ids=CIRCLES.keys())
def test_an_alias_that_contains_itself_is_reported_as_such(text: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineConfigError, match=r"line \d+, column \d+: an alias occurs inside the value") as caught:
        load(tmp_path, text)
    assert "p.yaml" in str(caught.value)


def test_a_config_of_python_that_contains_itself_is_reported_as_such() -> None:
    config: dict[str, Any] = {"name": "p"}
    component = {"name": "a", "class_path": ANY, "config": {"name": "x", "deep": [{}]}}
    config["components"] = [component]
    component["config"]["deep"][0]["up"] = component  # type: ignore[index]
    with pytest.raises(PipelineConfigError, match=r"field 'components.0': contains itself") as caught:
        load_pipeline_config(config)
    assert len(caught.value.problems) == 1


def test_one_value_at_two_places_is_no_circle() -> None:
    shared = {"name": "x", "list": [1]}
    components = [{"name": name, "class_path": ANY, "config": shared} for name in "ab"]
    assert len(load_pipeline_config({"name": "p", "components": components}).ordered) == 2


def test_aliases_that_multiply_beyond_measure_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(PipelineConfigError, match="its aliases expand to more than 1,000,000 values"):
        load(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\nb: &x 2\n", "line 2, column 4: the anchor 'x' is defined twice; rename one"),
        ("a: *x\n", "line 1, column 4: found undefined alias 'x'"),
        ("[" * 3000 + "]" * 3000, "it is nested too deeply"),
        ("1.10: a\n1.10: b\n", "line 2, column 1: the key '1.10' occurs twice in one mapping"),
        ("a: {{ ds }}\n", "line 1, column 5: YAML reads a template without quotes as a mapping; put {{ … }} in quotes"),
        (
            "a:\n  - {{ ds }}\n",
            "line 2, column 6: YAML reads a template without quotes as a mapping; put {{ … }} in quotes",
        ),
        ("? [a]\n: 1\n", "line 1, column 3: a list cannot be the key of a mapping"),
        ("a: 1\nb: \x07\n", "line 2: character #x0007 is not allowed"),
        ("on: a\non: b\n", "line 2, column 1: the key 'on' occurs twice in one mapping"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins; a file describes one pipeline"),
    ],
)
def test_wrong_yaml_is_reported_with_its_place(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value) == f"pipeline config {tmp_path}/p.yaml: not valid YAML: {problem}"


@pytest.mark.parametrize("name", ["p.yaml", "p.yml", "p.json", "p.conf", "p.hocon"])
@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8-sig", None),
        ("utf-16", "the file is UTF-16 text according to its byte order mark; save it as UTF-8"),
        ("utf-32", "the file is UTF-32 text according to its byte order mark; save it as UTF-8"),
        ("latin-1", "the file is not UTF-8 text"),
    ],
)
def test_a_mark_is_skipped_and_what_is_not_utf_8_is_named(
    name: str, encoding: str, told: str | None, tmp_path: Path
) -> None:
    text = json.dumps(
        {"name": "prüfung", "components": [{"name": "a", "class_path": ANY, "config": {"name": "x"}}]},
        ensure_ascii=False,
    )
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    if told is None:
        assert load_pipeline_config(file).name == "prüfung"
        return
    with pytest.raises(PipelineConfigError, match=told) as caught:
        load_pipeline_config(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(end: str, tmp_path: Path) -> None:
    lines = ["name: p", "components:", "  - name: a", f"    class_path: {ANY}", "    config: {name: x}"]
    (tmp_path / "p.yaml").write_bytes(end.join(lines).encode())
    assert load_pipeline_config(tmp_path / "p.yaml").name == "p"


SHARED = f"""
x-defaults: &defaults
  class_path: {ANY}
  retry: {{max_attempts: 2}}
name: p
x-more: [1, 2]
spark:
  x-note: for the night
  master: local[1]
components:
  - <<: *defaults
    name: a
    x-owner: team
    config: {{name: x, x-header: kept}}
"""


def test_keys_that_begin_with_x_hold_shared_parts_except_inside_a_config(tmp_path: Path) -> None:
    config = load(tmp_path, SHARED)
    assert config.components[0].config == {"name": "x", "x-header": "kept"}
    assert config.components[0].retry_policy is not None
    assert load_pipeline_config(yaml.safe_load(SHARED)).model_dump() == config.model_dump()
    with pytest.raises(
        PipelineConfigError, match="field 'defaults': is not a known field; put shared parts under a name"
    ):
        load(tmp_path, SHARED.replace("x-defaults", "defaults"))
