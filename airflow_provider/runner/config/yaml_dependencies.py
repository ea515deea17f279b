"""Adds names to ``depends_on`` in the text of a YAML file, and leaves every other character as it is.

The text is changed at the places that the parser gives for the values, instead of being written anew from the data:
so comments, order, quotes, indentation and line ends stay.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from airflow_provider.runner.config.yaml_text import compose_yaml, parse_yaml

FIELD = "depends_on"
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*(?: [\w.-]+)*", re.ASCII)


@dataclass(frozen=True)
class RefusedEdit:
    """Why the text is not changed.

    :param component: the component whose dependencies cannot be written
    :param reason: why
    """

    component: str
    reason: str


def add_dependencies(text: str, missing: Mapping[str, Sequence[str]]) -> str | list[RefusedEdit]:
    """Return the text of a pipeline file with more dependencies.

    :param text: a valid pipeline, with its line ends as they are
    :param missing: component to the names to add to its ``depends_on``
    :return: the new text, or why it cannot be had; then nothing is changed
    """
    written = _WrittenPipeline(compose_yaml(text), text)
    insertions: list[tuple[int, str]] = []
    refused: list[RefusedEdit] = []
    for component, names in missing.items():
        try:
            insertions.append(written.insertion(component, names))
        except _NotWritableError as error:
            refused.append(RefusedEdit(component, str(error)))
    if refused:
        return refused
    changed = text
    for at, more in sorted(insertions, reverse=True):
        changed = f"{changed[:at]}{more}{changed[at:]}"
    if not _is_as_meant(text, changed, missing):
        return [RefusedEdit(component, "the file is written in a way that is not understood") for component in missing]
    return changed


class _NotWritableError(Exception):
    """A component's dependencies cannot be written."""


class _WrittenPipeline:
    """The components of a file, with the places of their values.

    :param root: the whole file
    :param text: its text
    """

    def __init__(self, root: yaml.Node | None, text: str) -> None:
        self._text = text
        self._uses = Counter(id(node) for node in _uses(root))
        self._root = root
        self._list = _own(root).get("components", (None, None))[1]
        items = self._list.value if isinstance(self._list, yaml.SequenceNode) else []
        self._items: list[tuple[str, yaml.Node]] = [(_name(item), item) for item in items]

    def insertion(self, component: str, names: Sequence[str]) -> tuple[int, str]:
        """Return where to insert what.

        :raises _NotWritableError: it would change something else, or is not known
        """
        for name in (component, *names):
            if sum(written == name for written, _ in self._items) != 1:
                raise _NotWritableError(f"the name {name!r} is not written like that in the file")
        item = next(node for written, node in self._items if written == component)
        own = _own(item)
        dependencies = own.get(FIELD, (None, None))[1]
        if any(self._uses[id(node)] > 1 for node in (self._root, self._list, item, dependencies) if node is not None):
            raise _NotWritableError("an alias (*) uses it in another place, too, which would change as well")
        if dependencies is None:
            return self._new_field(item, own, names)
        return self._longer_list(dependencies, names)

    def _new_field(self, item: yaml.Node, own: Mapping[str, Any], names: Sequence[str]) -> tuple[int, str]:
        if any(FIELD in _own(part) for part in _merged(item)):
            raise _NotWritableError("its depends_on comes from a merge key (<<)")
        for key, value in (own[field] for field in ("class_path", "name") if field in own):
            in_place = value.start_mark.index > key.end_mark.index  # that of an alias is where its anchor is
            if in_place and isinstance(value, yaml.ScalarNode) and value.style not in ("|", ">"):
                field = f"{FIELD}: [{', '.join(_scalar(name, None) for name in names)}]"
                if isinstance(item, yaml.MappingNode) and item.flow_style:
                    return value.end_mark.index, f", {field}"
                at = _end_of_line(self._text, value.end_mark.index)
                return at, f"{_line_end(self._text)}{' ' * key.start_mark.column}{field}"
        raise _NotWritableError("there is no line after which to write it")

    def _longer_list(self, dependencies: yaml.Node, names: Sequence[str]) -> tuple[int, str]:
        if not isinstance(dependencies, yaml.SequenceNode):
            raise _NotWritableError("its depends_on is not a list")
        start, end = dependencies.start_mark.index, dependencies.end_mark.index
        if not dependencies.value:
            return end - 1, ", ".join(_scalar(name, None) for name in names)
        last = dependencies.value[-1]
        if not start <= last.start_mark.index < end or last.style in ("|", ">"):
            raise _NotWritableError("its last name is an alias (*) or a text of several lines")
        scalars = [_scalar(name, last.style) for name in names]
        if dependencies.flow_style:
            return last.end_mark.index, "".join(f", {scalar}" for scalar in scalars)
        line = self._text[last.start_mark.index - last.start_mark.column : last.start_mark.index]
        if not re.fullmatch(r" *- +", line):
            raise _NotWritableError("its last name does not stand beside its dash")
        at = _end_of_line(self._text, last.end_mark.index)
        return at, "".join(f"{_line_end(self._text)}{line}{scalar}" for scalar in scalars)


def _own(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return the keys that are written in a mapping itself, with their values."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {key.value: (key, value) for key, value in pairs if isinstance(key, yaml.ScalarNode)}


def _merged(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the mappings that a merge key brings into another one."""
    if "<<" in _own(node):
        value = _own(node)["<<"][1]
        for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            yield part
            yield from _merged(part)


def _name(item: yaml.Node) -> str:
    value = _own(item).get("name", (None, None))[1]
    return str(value.value) if isinstance(value, yaml.ScalarNode) else ""


def _uses(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield each node once for each place in which it is used, those inside it only once."""
    waiting = [root] if root is not None else []
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        yield node
        if id(node) not in seen and not isinstance(node, yaml.ScalarNode):
            seen.add(id(node))
            waiting += [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


def _scalar(name: str, style: str | None) -> str:
    """Return a name as YAML, in the quotes that the author uses, or in quotes where it needs some."""
    if style == "'" and name.isprintable():
        return f"""'{name.replace("'", "''")}'"""
    if style is None and _PLAIN.fullmatch(name) and type(parse_yaml(f"[{name}]")[0]) is str:
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _line_end(text: str) -> str:
    """Return how the lines of a text end."""
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\n"


def _end_of_line(text: str, at: int) -> int:
    found = re.compile(r"[\r\n]").search(text, at)
    return found.start() if found else len(text)


def _is_as_meant(text: str, changed: str, missing: Mapping[str, Sequence[str]]) -> bool:
    """Whether a parser finds what was there, and the new dependencies."""
    try:
        before, after = parse_yaml(text), parse_yaml(changed)
    except yaml.YAMLError:
        return False
    components = [
        {**one, FIELD: [*one.get(FIELD, []), *missing[one["name"]]]} if one["name"] in missing else one
        for one in before["components"]
    ]
    return bool(after == {**before, "components": components})
