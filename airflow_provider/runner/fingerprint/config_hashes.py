"""Fingerprints: SHA-256 over canonical JSON of everything in the config that decides what a component does.

That is its name, class path, ``config``, dependencies, ``checkpoint_version`` and whether it is enabled, plus the
content of the files that it names, with rendered templates where something renders them. No two configs share a
fingerprint by concatenation, because every value keeps its type and place in the JSON.

The content of a file counts like config if a component's config names it and its ending marks a statement, a template
or a schema (:data:`CONFIG_ENDINGS`). The names of other files do not tell data, results and settings apart, and if data
counted as config, every new row would restart the pipeline. So for any other file a component says so itself, with a
class method ``fingerprint_files(config) -> list[str]``.

The order of keys in a mapping does not count, unless a component names the field in its ``ordered_fields``.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import hashlib
import json
import pathlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.config.scalars import WrittenFloat, WrittenWord
from airflow_provider.runner.config.zipped_files import file_exists, read_file_bytes
from airflow_provider.runner.fingerprint.config_changes import FieldHashes

CONFIG_ENDINGS = (".sql", ".hql", ".ddl", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".avsc", ".proto", ".xsd")
"""Endings of files that a config names for their content: data never have these."""

_TAG = "\0"  # begins the key of a value that JSON cannot express, so that no mapping looks like one


def compute_pipeline_fingerprint(config: PipelineConfig) -> str:
    """Return the fingerprint of a whole pipeline: 64 hexadecimal digits.

    >>> fingerprint = compute_pipeline_fingerprint(config)
    >>> len(fingerprint)
    64

    :param config: the pipeline; its name, version, tags, environment and Spark settings do not count, nor does what
        only says how its components are run: retries, time limits, resources, how many side by side
    """
    base_dir = config.base_dir
    return _sha256([[c.name, component_fingerprint(c, base_dir)] for c in config.components])


@dataclass(frozen=True)
class ConfigHashes:
    """All hashes of a pipeline, for its config and the files that it names at one moment.

    :param pipeline: see :func:`compute_pipeline_fingerprint`
    :param components: component to its fingerprint, see :func:`component_fingerprint`
    :param fields: component to a short hash for each field that counts: enough to say which one changed, not its value
    """

    pipeline: str
    components: Mapping[str, str]
    fields: Mapping[str, FieldHashes]

    @classmethod
    def of(cls, config: PipelineConfig) -> ConfigHashes:
        """Compute them."""
        base_dir = config.base_dir
        values = {component.name: list(_fields(component, base_dir)) for component in config.components}
        fingerprints = {name: _sha256([name, fields]) for name, fields in values.items()}
        return cls(
            _sha256(list(fingerprints.items())),
            fingerprints,
            {name: {field: _sha256(value)[:12] for field, value in fields} for name, fields in values.items()},
        )


def component_fingerprint(component: ComponentConfig, base_dir: Path) -> str:
    """Return the fingerprint of one component: 64 hexadecimal digits.

    :param base_dir: where relative paths in the config start
    """
    return _sha256([component.name, list(_fields(component, base_dir))])


def _fields(component: ComponentConfig, base_dir: Path) -> Iterator[tuple[str, Any]]:
    yield "class_path", component.class_path
    yield "depends_on", sorted(set(component.depends_on))
    yield "enabled", component.enabled
    yield "checkpoint_version", component.checkpoint_version
    for key in sorted(component.config):
        yield f"config.{key}", canonical_json(component.config[key])
    for key in getattr(_target(component), "ordered_fields", ()):
        if isinstance(component.config.get(key), (Mapping, list, tuple)):
            yield f"order of config.{key}", _order(component.config[key])
    for path in dict.fromkeys([*_files_of(component), *_named_files(component.config, base_dir)]):
        text = component.texts.get(path)
        yield f"file {path}", _content_hash(base_dir / path) if text is None else _hash(text.encode())


def _target(component: ComponentConfig) -> Any:
    try:
        return component.target()
    except LookupError:
        return None  # such a pipeline cannot run; the config check says so


def _order(value: Any) -> list[Any]:
    """Return the keys of mappings in their order, at any depth; elsewhere that order does not count."""
    if isinstance(value, Mapping):
        return [[str(key), _order(item)] for key, item in value.items()]
    return [_order(item) for item in value] if isinstance(value, (list, tuple)) else []


def _files_of(component: ComponentConfig) -> Sequence[str]:
    declare = getattr(_target(component), "fingerprint_files", None)
    return list(declare(component.config)) if callable(declare) else ()


def _named_files(value: Any, base_dir: Path) -> Iterator[str]:
    """Yield the files that a config names, at any depth, if their endings mark them as config."""
    if isinstance(value, str):
        if value.lower().endswith(CONFIG_ENDINGS) and "\n" not in value and file_exists(base_dir / value):
            yield value
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _named_files(value[key], base_dir)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _named_files(item, base_dir)


def _content_hash(path: Path) -> str:
    try:
        return _hash(read_file_bytes(path))
    except OSError:
        return "cannot be read"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def canonical_json(value: Any) -> Any:
    """Return plain JSON in which different values stay different, such as ``{1: 2}`` and ``{"1": 2}``.

    :raises TypeError: the value is not plain data
    """
    if isinstance(value, enum.Enum):
        return canonical_json(value.value)
    if isinstance(value, WrittenWord) or (isinstance(value, WrittenFloat) and value.text != repr(float(value))):
        return {f"{_TAG}written": value.text}  # it may be used as text
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith(_TAG) for key in value):
            return {key: canonical_json(item) for key, item in value.items()}
        pairs = [[canonical_json(key), canonical_json(item)] for key, item in value.items()]
        return {f"{_TAG}mapping": sorted(pairs, key=_json)}
    if isinstance(value, (list, tuple)):
        return [canonical_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {f"{_TAG}set": sorted((canonical_json(item) for item in value), key=_json)}
    if isinstance(value, bytes):
        return {f"{_TAG}bytes": value.hex()}
    if isinstance(value, (datetime.date, datetime.time)):
        return {f"{_TAG}{type(value).__name__}": value.isoformat()}
    if isinstance(value, (datetime.timedelta, decimal.Decimal, pathlib.PurePath, uuid.UUID)):
        return {f"{_TAG}{type(value).__name__}": str(value)}
    raise TypeError(f"a {type(value).__name__} cannot be fingerprinted; use plain data")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _sha256(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()
