"""Reads a config file into plain data. YAML is loaded safely; a key written twice is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.problems import kind_of
from airflow_provider.runner.config.zipped import read_bytes


def read_config_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a pipeline config file.

    :param path: a ``.yaml``, ``.yml``, ``.json``, ``.conf`` or ``.hocon`` file; it may lie in a zip archive
    :return: its content, not yet validated
    :raises PipelineConfigError: the file cannot be read or parsed, or holds no mapping
    """
    source = os.fspath(path)
    parse = _PARSERS.get(Path(source).suffix.lower())
    if parse is None:
        known = ", ".join(_PARSERS)
        raise _error(source, f"unknown file type {Path(source).suffix!r}; known are {known}")
    try:
        text = read_bytes(Path(source)).decode("utf-8-sig")
    except FileNotFoundError:
        raise _error(source, "the file does not exist; give an absolute path or one that exists") from None
    except OSError as error:
        raise _error(source, f"the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _error(source, f"the file is not UTF-8 text: {error}; save it as UTF-8") from error
    content = parse(source, text)
    if content is None:
        raise _error(source, "the file is empty; it needs name and components")
    if not isinstance(content, dict):
        raise _error(source, f"expected a mapping with name and components, got {kind_of(content)}")
    return content


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader for which a key that is written twice is an error, not silently the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands twice in one mapping", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _parse_yaml(source: str, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        hint = "; indent with spaces" if "'\\t'" in str(error.problem) else ""
        raise _error(source, f"not valid YAML: {place}{error.problem or error}{hint}") from None
    except yaml.YAMLError as error:
        raise _error(source, f"not valid YAML: {error}") from None


def _parse_json(source: str, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
            raise _error(source, f"the key {twice!r} stands twice in one mapping")
        return mapping

    try:
        return json.loads(text, object_pairs_hook=unique) if text.strip() else None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _error(source, f"not valid JSON: {place}: {error.msg}") from None


def _parse_hocon(source: str, text: str) -> Any:
    try:
        from pyhocon import ConfigFactory, HOCONConverter
        from pyparsing import ParseBaseException
    except ImportError:
        remedy = "pip install 'airflow-provider-pyspark-pipeline[hocon]'"
        raise _error(source, f"reading HOCON needs the package pyhocon: {remedy}") from None
    try:
        tree = ConfigFactory.parse_string(text, basedir=str(Path(source).parent))
    except ParseBaseException as error:
        found = repr(text_there) if (text_there := error.pstr[error.loc : error.loc + 1]) else "end of text"
        # For some mistakes what is "expected" is the whole grammar, over many lines.
        problem = f"{error.msg}, found {found}" if len(error.msg) <= 60 else f"unexpected {found}"
        place = f"line {error.lineno}, column {error.column}"
        raise _error(source, f"not valid HOCON: {place}: {problem}") from None
    except Exception as error:
        raise _error(source, f"not valid HOCON: {error}") from error
    return json.loads(HOCONConverter.to_json(tree)) if text.strip() else None


_PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".json": _parse_json,
    ".conf": _parse_hocon,
    ".hocon": _parse_hocon,
}


def _error(source: str, message: str) -> PipelineConfigError:
    return PipelineConfigError([ConfigProblem(message)], source)
