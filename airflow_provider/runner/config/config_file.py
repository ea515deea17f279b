"""Reads a config file into plain data. It loads YAML safely, refuses a repeated key, and keeps text as text."""

from __future__ import annotations

import codecs
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config import hocon, yaml_text
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import kind_in_words
from airflow_provider.runner.config.scalars import WrittenFloat, is_shared_part
from airflow_provider.runner.config.zipped_files import read_file_bytes

_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_config_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a pipeline config file.

    :param path: a ``.yaml``, ``.yml``, ``.json``, ``.conf`` or ``.hocon`` file; it may lie in a zip archive
    :return: its content, not yet validated
    :raises PipelineConfigError: the file cannot be read or parsed, or holds no mapping
    """
    return read_config_text(path, _text_of)


def read_config_text(path: str | os.PathLike[str], text_of: Callable[[str], str]) -> dict[str, Any]:
    """Read the text of a pipeline config file, see :func:`read_config_file`.

    :param path: the file, whose name tells its type
    :param text_of: returns the text of the file
    """
    source = os.fspath(path)
    parse = _PARSERS.get(Path(source).suffix.lower())
    if parse is None:
        known = ", ".join(_PARSERS)
        raise _error(source, f"unknown file type {Path(source).suffix!r}; choose from {known}")
    content = parse(source, text_of(source))
    if content is None:
        raise _error(source, "the file is empty; it needs name and components")
    if not isinstance(content, dict):
        raise _error(source, f"expected a mapping with name and components, got {kind_in_words(content)}")
    return {key: value for key, value in content.items() if not is_shared_part(key)}


def _text_of(source: str) -> str:
    try:
        raw = read_file_bytes(Path(source))
    except FileNotFoundError:
        raise _error(source, "the file does not exist; give an absolute path or one that exists") from None
    except OSError as error:
        raise _error(source, f"the file cannot be read: {error.strerror}") from error
    for mark, encoding in _OTHER_MARKS:
        if raw.startswith(mark):
            raise _error(source, f"the file is {encoding} text according to its byte order mark; save it as UTF-8")
    try:
        return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise _error(source, f"the file is not UTF-8 text: {error}; save it as UTF-8") from error


def _parse_yaml(source: str, text: str) -> Any:
    try:
        return yaml_text.parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        if error.problem == "but found another document":
            raise _error(
                source, f"not valid YAML: {place}a second document begins; a file describes one pipeline"
            ) from None
        hint = "; indent with spaces" if "'\\t'" in str(error.problem) else ""
        raise _error(source, f"not valid YAML: {place}{error.problem or error}{hint}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(source, f"not valid YAML: line {line}: character #x{error.character:04x} is not allowed") from None
    except yaml.YAMLError as error:
        raise _error(source, f"not valid YAML: {error}") from None


def _parse_json(source: str, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
            raise _error(source, f"the key {twice!r} occurs twice in one mapping")
        return mapping

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=WrittenFloat) if text.strip() else None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _error(source, f"not valid JSON: {place}: {error.msg}") from None
    except RecursionError:
        raise _error(source, "not valid JSON: it is nested too deeply") from None


def _parse_hocon(source: str, text: str) -> Any:
    try:
        return hocon.parse_hocon(
            text, Path(source), lambda path: _text_of(os.fspath(path)), PipelineConfig.model_fields
        )
    except ImportError:
        remedy = "pip install 'airflow-provider-pyspark-pipeline[hocon]'"
        raise _error(source, f"reading HOCON needs the package pyhocon: {remedy}") from None
    except hocon.HoconError as error:
        raise _error(source, f"not valid HOCON: {error}") from error


_PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".json": _parse_json,
    ".conf": _parse_hocon,
    ".hocon": _parse_hocon,
}


def _error(source: str, message: str) -> PipelineConfigError:
    return PipelineConfigError([ConfigProblem(message)], source)
