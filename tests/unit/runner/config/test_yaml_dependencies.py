"""Dependencies are added to the text of a YAML file, and every other character stays."""

from __future__ import annotations

import pytest

from airflow_provider.runner.config.yaml_dependencies import add_dependencies
from airflow_provider.runner.config.yaml_text import parse_yaml


def changed(text: str, *names: str) -> str:
    """Return a text in which ``join`` has more dependencies."""
    result = add_dependencies(text, {"join": names or ("load",)})
    assert isinstance(result, str), result
    return result


LOAD = "  - {name: load, class_path: x.Y}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("depends_on: [a, b]", "depends_on: [a, b, load]"),
        ("depends_on: [ a ]  # why", "depends_on: [ a, load ]  # why"),
        ("depends_on: []", "depends_on: [load]"),
        ("depends_on: [ ]", "depends_on: [ load]"),
        ("depends_on: &deps []", "depends_on: &deps [load]"),
        ('depends_on: ["a"]', 'depends_on: ["a", "load"]'),
        ("depends_on: ['a']", "depends_on: ['a', 'load']"),
        ("depends_on: ['{{ params.first }}']", "depends_on: ['{{ params.first }}', 'load']"),
        (
            "depends_on: [\n      a,  # first\n      b,\n    ]",
            "depends_on: [\n      a,  # first\n      b, load,\n    ]",
        ),
        ("depends_on:\n      - a", "depends_on:\n      - a\n      - load"),
        (
            "depends_on:\n    - a\n    -   b  # last\n    # end",
            "depends_on:\n    - a\n    -   b  # last\n    -   load\n    # end",
        ),
        ("depends_on:\n      - 'a'\n", "depends_on:\n      - 'a'\n      - 'load'\n"),
    ],
)
def test_a_list_grows_in_its_own_style(before: str, after: str) -> None:
    """On one line or several, with quotes, comments and spaces as they are."""
    text = (
        f"# shop\nname: p\ncomponents:\n{LOAD}  - name: join\n    class_path: x.Y  # own\n    {{}}\n    enabled: true\n"
    )
    assert changed(text.replace("{}", before)) == text.replace("{}", after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "  - name: join\n    class_path: x.Y  # own\n    # settings\n    config: {a: 1}\n",
            "  - name: join\n    class_path: x.Y  # own\n    depends_on: [load]\n    # settings\n    config: {a: 1}\n",
        ),
        ("  - class_path: x.Y\n    name: join", "  - class_path: x.Y\n    depends_on: [load]\n    name: join"),
        (
            "  -\n    name: join\n    class_path: x.Y",
            "  -\n    name: join\n    class_path: x.Y\n    depends_on: [load]",
        ),
        ("  - {name: join, class_path: x.Y}\n", "  - {name: join, class_path: x.Y, depends_on: [load]}\n"),
        (
            '  - {"name": "join",\n     "class_path": "x.Y", "config": {}}\n',
            '  - {"name": "join",\n     "class_path": "x.Y", depends_on: [load], "config": {}}\n',
        ),
        (
            "  - name: join\n    class_path: *path\n    config: &c\n      a: |\n        text\n",
            "  - name: join\n    depends_on: [load]\n    class_path: *path\n    config: &c\n      a: |\n        text\n",
        ),
        (
            "  - <<: *shared\n    name: join\n    class_path: x.Y\n",
            "  - <<: *shared\n    name: join\n    class_path: x.Y\n    depends_on: [load]\n",
        ),
    ],
)
def test_a_component_without_dependencies_gets_a_line(before: str, after: str) -> None:
    """Below what it is, in its own style."""
    start = f"x-path: &path x.Y\nx-shared: &shared {{retry: {{max_attempts: 2}}}}\nname: p\ncomponents:\n{LOAD}"
    assert changed(start + before) == start + after


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_stay(end: str) -> None:
    text = f"name: p\ncomponents:\n{LOAD}  - name: join\n    class_path: x.Y\n    depends_on:\n    - a\n"
    assert changed(text.replace("\n", end)) == f"{text}    - load\n".replace("\n", end)


@pytest.mark.parametrize(
    "name", ["load orders", "a, b", "no", "1.5", "it's", 'a"b', "日本", "- x", "a: b", "a #b", "tab\t"]
)
@pytest.mark.parametrize("dependencies", ["[]", "['x']", '["x"]', "[x]"])
def test_any_name_can_be_added(name: str, dependencies: str) -> None:
    text = (
        f"name: p\ncomponents:\n  - {{name: {parse_back(name)}, class_path: x.Y}}\n"
        f"  - {{name: join, class_path: x.Y, depends_on: {dependencies}}}\n"
    )
    found = parse_yaml(changed(text, name))["components"][1]["depends_on"]
    assert found[-1] == name
    assert type(found[-1]) is str


def parse_back(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{quoted}"'


def test_several_components_change_at_once() -> None:
    text = f"name: p\ncomponents:\n  - {{name: join, class_path: x.Y}}\n{LOAD}  - name: last\n    class_path: x.Y\n"
    assert add_dependencies(text, {"last": ["load", "join"], "join": ["load"]}) == (
        f"name: p\ncomponents:\n  - {{name: join, class_path: x.Y, depends_on: [load]}}\n{LOAD}"
        "  - name: last\n    class_path: x.Y\n    depends_on: [load, join]\n"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "name: p\nx-deps: &deps [a]\ncomponents:\n  - {name: load, class_path: x.Y, depends_on: *deps}\n"
            "  - {name: join, class_path: x.Y, depends_on: *deps}\n",
            "an alias (*) uses it in another place, too, which would change as well",
        ),
        (
            "name: p\ncomponents:\n  - {name: load, class_path: x.Y}\n  - &join\n    name: join\n    class_path: x.Y\n"
            "  - <<: *join\n    name: other\n",
            "an alias (*) uses it in another place, too, which would change as well",
        ),
        (
            "name: p\nx-base: &base {depends_on: [a]}\ncomponents:\n  - {name: load, class_path: x.Y}\n"
            "  - {<<: *base, name: join, class_path: x.Y}\n",
            "its depends_on comes from a merge key (<<)",
        ),
        (
            "name: p\ncomponents:\n  - {name: &load load, class_path: x.Y}\n"
            "  - {name: join, class_path: x.Y, depends_on: [a, *load]}\n",
            "its last name is an alias (*) or a text of several lines",
        ),
        (
            "name: p\ncomponents:\n  - {name: load, class_path: x.Y}\n  - {name: 'join{{ x }}', class_path: x.Y}\n",
            "the name 'join' is not written like that in the file",
        ),
        (
            "name: p\ncomponents:\n  - {name: '{{ x }}', class_path: x.Y}\n  - {name: join, class_path: x.Y}\n",
            "the name 'load' is not written like that in the file",
        ),
        (
            "name: p\ncomponents:\n  - {name: load, class_path: x.Y}\n  - name: |-\n      join\n",
            "there is no line after which to write it",
        ),
        (
            "name: p\ncomponents:\n  - {name: load, class_path: x.Y}\n"
            "  - name: join\n    depends_on:\n      -\n        a\n",
            "its last name does not stand beside its dash",
        ),
    ],
)
def test_what_would_change_something_else_is_refused(text: str, why: str) -> None:
    [refused] = add_dependencies(text, {"join": ["load"]})
    assert (refused.component, refused.reason) == ("join", why)  # type: ignore[union-attr]
