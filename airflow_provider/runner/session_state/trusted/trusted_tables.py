"""Which databases and tables a record may create again.

Their description is data, and nothing that Spark runs, loads or looks up elsewhere: no data source but those of files,
no option but those that say how a file is written, no column whose type is a class or whose default is an expression.
Details that change nothing for a reader of the table are left out (``describable.py``); with any other one the table is
not restored.

**The location** is the dangerous part: a managed table is deleted together with its directory, so a record that could
choose the directory could delete anything. So a description counts by itself only if it is of a managed table or a
database at the very place that Spark would choose today: then the record chooses nothing. Every other one must stand,
word by word, in what the run wrote into its own directory when the component completed
(``saved/catalog_manifest.py``). Who can write there can change the saved views as well, so the record adds no power.
Without a ``session_state_url`` a component that chose a location is replayed.

What remains: an edited checkpoint can give a table at its own place other columns or another file format. Its readers
fail or read nonsense then, as they do without a view that is taken out of the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from airflow_provider.masking import looks_secret, mask
from airflow_provider.runner.record.session_state_record import CatalogObject, TableDescription
from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_locations import FILE_FORMATS

_NAME = re.compile(r"[A-Za-z0-9_]{1,1000}")
"""What Spark allows as the name of a database or table of its own catalog."""

_OPTION_NAMES = """
    allowbackslashescapinganycharacter allowcomments allownonnumericnumbers allownumericleadingzeros
    allowsinglequotes allowunquotedcontrolchars allowunquotedfieldnames arrayelementname attributeprefix charset
    chartoescapequoteescaping codec columnnameofcorruptrecord columnpruning comment compression dateformat
    datetimerebasemode declaration delimiter dropfieldifallnull emptyvalue enabledatetimeparsingfallback encoding
    enforceschema escape escapequotes excludeattribute extension header ignorecorruptfiles ignoreextension
    ignoreinvalidpartitionpaths ignoreleadingwhitespace ignoremissingfiles ignorenamespace ignorenullfields
    ignoresurroundingspaces ignoretrailingwhitespace indent inferschema infertimestamp inputbuffersize int96rebasemode
    linesep locale maxcharspercolumn maxcolumns maxrecordsperfile mergeschema mode modifiedafter modifiedbefore
    multiline nanvalue negativeinf nullvalue orc.bloom.filter.columns orc.compress orc.stripe.size parquet.block.size
    parquet.bloom.filter.enabled parquet.compression parquet.enable.dictionary parquet.page.size partitionoverwritemode
    pathglobfilter positionalfieldmatching positiveinf preferdate prefersdecimal pretty primitivesasstring quote
    quoteall recursivefilelookup recordname recordnamespace roottag rowtag samplingratio sep serialization.format
    singlevariantcolumn sortkeys timeformat timestampformat timestampntzformat timezone treatemptyvaluesasnulls
    unescapedquotehandling uselegacyxmlparser validatename valuetag wholetext wildcardcolname
"""
OPTIONS = frozenset(_OPTION_NAMES.split())
"""Options that say how a file is written. Others choose paths, classes or keys, and Hadoop is given all of them."""

CODEC_OPTIONS = ("codec", "compression", "orc.compress", "parquet.compression")
CODEC = re.compile(r"[A-Za-z0-9_]{0,20}")  # with a dot in it, it would be a class

METADATA = frozenset({"comment", "__CHAR_VARCHAR_TYPE_STRING", "__COLLATIONS", "ml_attr"})
"""What may be written on a column."""

DEFAULTS = ("CURRENT_DEFAULT", "EXISTS_DEFAULT")
_CONSTANT = re.compile(
    r"null|true|false|[+-]?\d{1,100}(\.\d{1,100})?(e[+-]?\d{1,4})?(bd|[lsydf])?"
    r"|((date|timestamp|timestamp_ntz)\s?)?'[^'\\$]{0,1000}'",
    re.IGNORECASE,
)
"""Defaults are expressions, and Spark computes them: only one that is a constant is data."""

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_(),:\- ]{0,1000}")
_TYPES = {"struct": ("fields",), "array": ("elementType",), "map": ("keyType", "valueType")}

_LONGEST = 1_000_000


def reject_catalog_object(item: CatalogObject) -> str | None:
    """Return why a database or table must not be made known from a record, None if its description is data."""
    what = f"{'database' if item.table is None else 'table'} {shown(item.name)}"
    for problem in _problems(item):
        return f"{what} {problem}, so it is not restored from a record"
    return None


def _problems(item: CatalogObject) -> Iterator[str]:
    names = [item.database] if item.table is None else [item.database, item.table.name]
    if not all(map(_NAME.fullmatch, names)):
        yield "has a name that Spark does not allow"
    if item.comment is not None and mask(item.comment) != item.comment:
        yield "has a comment that looks like a secret"
    for key in item.properties:
        if key.lower().startswith(("spark.", "view.")):
            yield f"has the property {shown(key)!r}, which Spark reads"
    yield from _secrets(item.properties)
    if item.table is not None:
        yield from _table_problems(item.table)


def is_data(key: str, value: object) -> bool:
    """Whether something that is written on a column is data, and no expression that Spark computes."""
    return key in METADATA or (key in DEFAULTS and isinstance(value, str) and bool(_CONSTANT.fullmatch(value)))


def _table_problems(table: TableDescription) -> Iterator[str]:
    if table.provider.lower() not in FILE_FORMATS:
        yield f"is of {shown(table.provider)!r}, which is not a file format"
    for key, value in table.options.items():
        if key.lower() not in OPTIONS:
            yield f"has the option {shown(key)!r}, which may choose more than how its files are written"
        elif key.lower() in CODEC_OPTIONS and not CODEC.fullmatch(value):
            yield f"has an option {key!r} that may be a class"
    yield from _secrets(table.options)
    if len(table.columns) > _LONGEST:
        yield "has more columns than can be recorded"
        return
    try:
        root = json.loads(table.columns)
    except (ValueError, RecursionError):
        yield "has columns that are not JSON"
        return
    if not isinstance(root, dict) or root.get("type") != "struct":
        yield "has columns that are not a struct"
    yield from _type_problems(root)


def _type_problems(root: object) -> Iterator[str]:
    inside, levels = [(root, 1)], 0
    while inside:
        found, level = inside.pop()
        levels = max(levels, level)
        if isinstance(found, str):
            if not _TYPE.fullmatch(found):
                yield f"has a column of type {shown(found)!r}"
            continue
        kind = found.get("type") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(kind, str) or kind not in _TYPES or level > 100:
            yield "has a column whose type is invalid or a class"
            return
        for part in _TYPES[kind]:
            parts = found.get(part)
            if kind != "struct":
                inside.append((parts, level + 1))
                continue
            for field in parts if isinstance(parts, list) else [None]:
                metadata = field.get("metadata", {}) if isinstance(field, dict) else None
                if not isinstance(field, dict) or not isinstance(metadata, dict):
                    yield "has an invalid column"
                    return
                if unknown := sorted(key for key, value in metadata.items() if not is_data(key, value)):
                    yield f"has a column {shown(str(field.get('name')))!r} with {shown(unknown[0])!r}"
                inside.append((field.get("type"), level + 1))


def _secrets(pairs: Mapping[str, str]) -> Iterator[str]:
    for key, value in pairs.items():
        if looks_secret(key, value, {}):
            yield f"has {shown(key)!r}, which looks like a secret"
