"""Schemas as authors write them: DDL, a list of fields, a mapping of name to type, Spark's JSON, or a file of these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from airflow_provider.components.checking.check_conditions import first_line
from airflow_provider.components.sql_syntax.sql_text import read_sql_file
from airflow_provider.errors import DataReadError
from airflow_provider.runner.config.problems import kind_in_words

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

FILE_ENDINGS = (".ddl", ".sql", ".txt", ".json", ".yaml", ".yml")
_KEYS = ("name", "type", "nullable", "comment", "metadata")
_EXAMPLE = "write {id: INT, name: STRING}, a list of fields, or a DDL text such as 'id INT, name STRING'"


class SchemaField(NamedTuple):
    """One field, as the author wrote it.

    :param kind: its type: text as in DDL, or a nested schema
    :param nullable: whether it may be null; Spark treats every column of a file as nullable
    :param metadata: further facts about it, such as its ``comment``
    """

    name: str
    kind: Any
    nullable: bool = True
    metadata: Mapping[str, Any] | None = None


def check_schema(schema: Any) -> None:
    """Check everything about a schema that needs no Spark.

    :raises ValueError: it is not a schema; the message names the field
    """
    if isinstance(schema, str):
        if not schema.strip():
            raise ValueError(f"is empty; {_EXAMPLE}")
        if schema.lstrip().startswith(("{", "[")):
            check_schema(_json(schema))
        return
    if not isinstance(schema, (Mapping, list, tuple)):
        raise ValueError(f"expected a schema, got {kind_in_words(schema)}; {_EXAMPLE}")
    if not schema:
        raise ValueError(f"is empty; {_EXAMPLE}")
    for part in _fields(schema):
        if isinstance(part, SchemaField) and not isinstance(part.kind, str) and not _is_type(part.kind):
            check_schema(part.kind)


def spark_schema(schema: Any) -> StructType:
    """Return a schema as Spark's own type.

    :raises DataReadError: Spark does not know a type or cannot read a field; the message names it
    """
    from pyspark.sql.types import StructField, StructType

    if isinstance(schema, str):
        if schema.lstrip().startswith(("{", "[")):
            return spark_schema(_json(schema))
        return _of_ddl(schema, "schema")
    fields = []
    for part in _fields(schema):
        if isinstance(part, str):
            fields += _of_ddl(part, f"schema, field {part!r}").fields
            continue
        if isinstance(part.kind, str):
            kind: DataType = _type_of_ddl(part.kind, f"schema, field {part.name!r}")
        elif _is_type(part.kind):
            kind = _of_json(part)
        else:
            kind = spark_schema(part.kind)
        fields.append(StructField(part.name, kind, part.nullable, dict(part.metadata or {})))
    return StructType(fields)


def read_schema_file(path: Path) -> Any:
    """Read a file with a schema, in any form that a config accepts.

    :param path: ``.ddl``, ``.sql`` or ``.txt`` with DDL; ``.json``, ``.yaml``
    :raises DataReadError: the file has no valid schema
    """
    text = read_sql_file(path)
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            tree = yaml.compose(text, yaml.SafeLoader)
            if isinstance(tree, yaml.MappingNode):
                _check_names([key.value for key, _ in tree.value])
            schema = yaml.safe_load(text)
        else:
            schema = _json(text) if path.suffix.lower() == ".json" else text
        check_schema(schema)
    except (ValueError, yaml.YAMLError) as error:
        raise DataReadError(f"schema file '{path}': {error}") from None
    return schema


def _fields(schema: Any) -> Iterator[SchemaField | str]:
    if (
        isinstance(schema, Mapping)
        and schema.get("type") == "struct"
        and isinstance(schema.get("fields"), (list, tuple))
    ):
        schema = schema["fields"]
    if isinstance(schema, Mapping):
        for name, kind in schema.items():
            if not isinstance(name, str):
                raise ValueError(f"the field {name!r} is {kind_in_words(name)}, expected a name; put it in quotes")
            yield SchemaField(name, _checked_type(name, kind))
        return
    for position, item in enumerate(schema, start=1):
        if isinstance(item, str) and item.strip():
            yield item
            continue
        if not isinstance(item, Mapping):
            raise ValueError(f"field {position} is {kind_in_words(item)}; write 'id INT' or {{name: id, type: INT}}")
        name = item.get("name")
        if not isinstance(name, str) or not name or "type" not in item:
            raise ValueError(f"field {position} needs a name and a type; write {{name: id, type: INT}}")
        if unknown := [str(key) for key in item if key not in _KEYS]:
            raise ValueError(f"field {name!r}: {', '.join(unknown)} is not a known key; choose from {', '.join(_KEYS)}")
        metadata = dict(item.get("metadata") or {})
        if item.get("comment") is not None:
            metadata["comment"] = str(item["comment"])
        nullable = item.get("nullable", True)
        if not isinstance(nullable, bool):
            raise ValueError(f"field {name!r}: nullable is {kind_in_words(nullable)}, expected true or false")
        yield SchemaField(name, _checked_type(name, item["type"]), nullable, metadata)


def _checked_type(name: str, kind: Any) -> Any:
    if isinstance(kind, (Mapping, list, tuple)) or (isinstance(kind, str) and kind.strip()):
        return kind
    raise ValueError(f"field {name!r} has {kind_in_words(kind)} for a type; write one such as INT or STRING")


def _is_type(kind: Any) -> bool:
    """Whether this is a type as Spark writes it in JSON, such as an array."""
    return isinstance(kind, Mapping) and kind.get("type") in ("array", "map", "udt")


def _check_names(names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"the field {name!r} occurs twice")


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _check_names([name for name, _ in pairs])
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None


def _of_json(field: SchemaField) -> DataType:
    from pyspark.sql.types import StructType

    whole = {"name": field.name, "type": field.kind, "nullable": True, "metadata": {}}
    try:
        return StructType.fromJson({"type": "struct", "fields": [whole]}).fields[0].dataType
    except Exception as error:
        raise DataReadError(f"schema, field {field.name!r}: {first_line(str(error))}") from error


def _of_ddl(text: str, place: str) -> StructType:
    from pyspark.errors import PySparkException
    from pyspark.sql.types import DataType, StructType

    try:
        kind = DataType.fromDDL(text)
    except PySparkException as error:
        raise DataReadError(f"{place}: {first_line(str(error))}; {_EXAMPLE}") from error
    if not isinstance(kind, StructType) or not kind.fields:
        raise DataReadError(f"{place}: {text!r} defines no column; {_EXAMPLE}")
    return kind


def _type_of_ddl(text: str, place: str) -> DataType:
    from pyspark.errors import PySparkException
    from pyspark.sql.types import DataType

    try:
        return DataType.fromDDL(text)
    except PySparkException as error:
        known = "such as INT, STRING, DECIMAL(10, 2), ARRAY<STRING> or STRUCT<x: INT>"
        raise DataReadError(f"{place}: Spark knows no type {text!r}; write one {known}") from error
