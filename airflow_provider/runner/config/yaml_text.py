"""Reads YAML so that text stays what it looks like.

What YAML 1.1 makes of plain text is an old trap: ``12:30:00`` is 45000 to it, ``07763`` is 4083, ``2024_01`` is 202401
and ``=`` is an error. Here a plain value is a number only if it is written like one in every language, and numbers keep
their text, see :mod:`airflow_provider.runner.config.scalars`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from airflow_provider.runner.config.scalars import FoldedText, WrittenFloat, WrittenInt, WrittenWord

MOST_VALUES = 1_000_000
"""More values than this, aliases counted each time, are no pipeline but a trap or a mistake."""

_TAG = "tag:yaml.org,2002:"
_GROUPED = r"[1-9][0-9]{0,2}(?:_[0-9]{3})+"
_RESOLVERS = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("word", "yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF", "yYnNoO"),
    ("int", rf"-?(?:0|[1-9][0-9]*|{_GROUPED})", "-0123456789"),
    (
        "float",
        rf"-?(?:0|[1-9][0-9]*|{_GROUPED})\.(?:[0-9]+)?(?:[eE][-+][0-9]+)?|-?\.[0-9]+(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
)
_REPLACED = frozenset(f"{_TAG}{kind}" for kind in ("bool", "int", "float", "value"))


def parse_yaml(text: str) -> Any:
    """Parse one YAML document.

    :raises yaml.YAMLError: it is not valid YAML, a key occurs twice, or an alias contains itself
    """
    loader = _TextKeepingLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_aliases(node)
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    finally:
        loader.dispose()


def compose_yaml(text: str) -> yaml.Node | None:
    """Return the nodes of one YAML document, which know where in the text they are; None if it is empty.

    An alias is the node of its anchor.

    :raises yaml.YAMLError: as :func:`parse_yaml` does
    """
    loader = _TextKeepingLoader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _check_aliases(node)
        return node
    finally:
        loader.dispose()


class _TextKeepingLoader(yaml.SafeLoader):
    """A safe loader that keeps text, and for which a repeated key is an error instead of silently the last one."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor = getattr(event, "anchor", None)
        if anchor in self.anchors and not isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem=f"the anchor {anchor!r} is defined twice; rename one", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == f"{_TAG}merge":
                continue
            key = _as_key(self.construct_object(key_node, deep=True))
            if not isinstance(key, Hashable):
                template = isinstance(key_node, yaml.MappingNode)
                problem = "YAML reads a template without quotes as a mapping; put {{ … }} in quotes" if template else ""
                raise yaml.MarkedYAMLError(
                    problem=problem or "a list cannot be the key of a mapping", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} occurs twice in one mapping", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return {_as_key(key): value for key, value in super().construct_mapping(node, deep).items()}

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        if node.tag == f"{_TAG}int":
            return WrittenInt(text) if re.fullmatch(rf"-?{_GROUPED}", text) else self.construct_yaml_int(node)
        try:
            return WrittenFloat(text)
        except ValueError:  # .inf, or a tag that the author wrote
            return self.construct_yaml_float(node)

    def construct_moment(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            problem = f"{node.value!r} looks like a date but is not one ({error}); put it in quotes if it is text"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def construct_text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        buffer, start, end = node.start_mark.buffer, node.start_mark, node.end_mark
        if node.style == "|" or buffer is None or end.line - start.line < 1:
            return text
        raw = buffer[start.pointer : end.pointer].removeprefix(node.style if node.style in ("'", '"') else "")
        lines = [line.strip() for line in raw.splitlines()]
        ends = [line for line in lines[:-1] if line and f"{line} " in text]
        return FoldedText.of(text, ends) if ends else text


def _as_key(key: Any) -> Any:
    return str(key) if isinstance(key, (WrittenFloat, WrittenInt, WrittenWord)) else key


for _kind, _pattern, _first in _RESOLVERS:
    _TextKeepingLoader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"^(?:{_pattern})$"), list(_first))
_TextKeepingLoader.add_constructor(f"{_TAG}int", _TextKeepingLoader.construct_number)
_TextKeepingLoader.add_constructor(f"{_TAG}float", _TextKeepingLoader.construct_number)
_TextKeepingLoader.add_constructor(f"{_TAG}word", lambda loader, node: WrittenWord(str(node.value)))
_TextKeepingLoader.add_constructor(f"{_TAG}timestamp", _TextKeepingLoader.construct_moment)
_TextKeepingLoader.add_constructor(f"{_TAG}merge", lambda loader, node: str(node.value))  # "<<" as a value
_TextKeepingLoader.add_constructor(f"{_TAG}str", _TextKeepingLoader.construct_text)


def _check_aliases(root: yaml.Node) -> None:
    """Refuse aliases that contain themselves, or that multiply without bound."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in above:
            raise yaml.MarkedYAMLError(
                problem="an alias occurs inside the value that it refers to, so the value contains itself; remove "
                "the alias",
                problem_mark=node.start_mark,
            )
        if id(node) not in sizes:
            above.add(id(node))
            parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
            sizes[id(node)] = 1 + (0 if isinstance(node, yaml.ScalarNode) else sum(map(size, parts)))
            above.discard(id(node))
        return sizes[id(node)]

    if size(root) > MOST_VALUES:
        raise yaml.YAMLError(f"its aliases expand to more than {MOST_VALUES:,} values; use fewer")
