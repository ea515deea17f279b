"""Separates and counts the records of text files that Spark cannot parse.

Spark puts the text of such a record into a column of its own if the schema has one. What Spark parses depends on the
columns that a query asks for, and it refuses a query for that column alone. So both questions here ask for all columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider.components.sql_syntax.row_hash import whole_row_expression
from airflow_provider.runner.config.interrupted_call import collected
from airflow_provider.runner.record.view_names import quote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

FORMATS = ("csv", "json", "xml")
_MOST_FILES = 3


@dataclass(frozen=True)
class ParsedRecords:
    """The records of a read, separated.

    :param everything: all records, as Spark returns them
    :param good: those that Spark could parse
    :param corrupt: the others, with a column for their text
    """

    everything: DataFrame
    good: DataFrame
    corrupt: DataFrame


def corrupt_column(spark: SparkSession, options: Mapping[str, Any], schema: StructType | None) -> str:
    """Return the name of the column for the text of a corrupt record, in the schema's own spelling if the schema has
    it."""
    given = [str(value) for key, value in options.items() if key.lower() == "columnnameofcorruptrecord"]
    name = given[0] if given else str(spark.conf.get("spark.sql.columnNameOfCorruptRecord", "_corrupt_record"))
    own = [known for known in (schema.names if schema is not None else ()) if known.casefold() == name.casefold()]
    return own[0] if own else name


def separate_corrupt_records(
    load: Callable[[StructType | None], DataFrame], schema: StructType | None, column: str
) -> ParsedRecords:
    """Read with a column for corrupt records. If the author's schema lacks that column, the good records do not get it.

    :param load: reads with a schema, or without one to infer it
    :param schema: the author's schema, None without one
    :param column: name of that column
    """
    from pyspark.sql.types import StringType, StructField, StructType

    known = schema if schema is not None else load(None).schema
    added = schema is None or column not in schema.names
    fields = [field for field in known.fields if not added or field.name.casefold() != column.casefold()]
    raw = load(StructType([*fields, StructField(column, StringType())]) if added else known)
    # The remainder is never negative, but Spark does not know that, and asks for every column.
    of_all_columns = f"pmod({whole_row_expression(raw, ', '.join(map(quote, raw.columns)))}, 2) >= 0"
    good = raw.where(f"{quote(column)} IS NULL AND {of_all_columns}")
    corrupt = raw.where(f"{quote(column)} IS NOT NULL AND {of_all_columns}")
    return ParsedRecords(raw.drop(column), good.drop(column), corrupt) if added else ParsedRecords(raw, good, corrupt)


def corrupt_record_files(corrupt: DataFrame) -> str:
    """Say how many corrupt records are in which files. Never say what is in them: that may be secret."""
    from pyspark.sql import functions as F

    per_file = corrupt.select(F.input_file_name().alias("file")).groupBy("file").count()
    found = collected(per_file.orderBy(F.desc("count"), "file").limit(_MOST_FILES + 1))
    shown = [f"{row['count']} in {row['file']}" for row in found[:_MOST_FILES]]
    return ", ".join(shown) + (", …" if len(found) > _MOST_FILES else "")
