"""What a statement does, read from its text alone. In doubt the answer is "not known".

A classic session needs none of this: Spark has noted what it executed, also for a script and for ``EXECUTE IMMEDIATE``.
Spark Connect does not report it, and there the text of a statement is all that is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider.runner.spark.sql_lexer import mask_sql

_QUERY = re.compile(r"[\s(]*(select|with|from|values|table|show|describe|desc|explain|list)\b", re.I)
_ACTS = re.compile(
    r"\b(insert|merge|update|delete|create|replace\s+(table|where)|drop|alter|call|truncate|load|execute|begin"
    r"|reflect|java_method|try_reflect)\b",
    re.I,
)
_TEMP_VIEW = r"create\s+(or\s+replace\s+)?(global\s+)?temp(orary)?\s+view\b"
_SQL_FUNCTION = r"create\s+(or\s+replace\s+)?temp(orary)?\s+function\b(?=.*\breturn\b)"
_VARIABLE = r"declare\b|set\s+var(iable)?\b|drop\s+temp(orary)?\s+var(iable)?\b"
_ADDED = r"add\s+(files?|archives?)\b"
_SESSION = re.compile(
    rf"\s*(?P<head>{_TEMP_VIEW}|{_SQL_FUNCTION}|{_VARIABLE}|{_ADDED}|drop\s+temp(orary)?\s+function\b|reset\b|use\b"
    r"|set\s+(time\s+zone|catalog)\b|cache\s+(lazy\s+)?table\b|uncache\s+table\b|clear\s+cache\b|refresh\b)",
    re.I | re.DOTALL,
)
_OF_SPARK = re.compile(
    r"[\s(]*(add|alter|analyze|begin|cache|clear|comment|create|declare|delete|desc|describe|drop|execute|explain|from"
    r"|insert|list|load|merge|msck|refresh|repair|reset|select|set|show|table|truncate|uncache|update|use|values|with)\b",
    re.I,
)
_SETTING = re.compile(r"\s*set\s*(;?\s*\Z|-v\b|[\w.`:-]+\s*(=|;?\s*\Z))", re.I)
_READS = re.compile(r"\b(select|from|table|with)\b", re.I)
_VARIES = re.compile(
    r"\b((rand|randn|random|uuid|uniform|randstr|shuffle|now|curdate|monotonically_increasing_id|spark_partition_id"
    r"|input_file_name)\s*\(|unix_timestamp\s*\(\s*\)|(current_timestamp|current_date|current_time|localtimestamp)\b)",
    re.I,
)


@dataclass(frozen=True)
class StatementKind:
    """What a statement does, as far as its text tells.

    :param of_spark: whether it is one of Spark's own, so that what Spark notes of it tells what it did. Those that an
        extension has brought may do more
    :param asks: whether it only asks
    :param in_session: whether all that it changes is in the session
    :param reads: whether a variable that it sets may come from data
    :param sets_variable: whether it declares, sets or drops a session variable
    :param adds: whether it gives the session a file
    :param varies: whether it calls something that gives another value each time
    """

    of_spark: bool = False
    asks: bool = False
    in_session: bool = False
    reads: bool = False
    sets_variable: bool = False
    adds: bool = False
    varies: bool = False


def classify_statement(text: str) -> StatementKind:
    """Return what a statement does.

    :param text: as it is given to Spark, with its templates rendered
    """
    bare = _bare(text)
    of_spark = _OF_SPARK.match(bare) is not None
    if _QUERY.match(bare):
        return StatementKind(of_spark, asks=_ACTS.search(bare) is None)
    if _SETTING.match(bare):
        return StatementKind(of_spark, in_session=True)
    found = _SESSION.match(bare)
    if found is None or _ACTS.search(bare, found.end("head")):
        return StatementKind(of_spark)
    head = found["head"]
    variable = re.match(_VARIABLE, head, re.I) is not None
    return StatementKind(
        of_spark,
        in_session=True,
        reads=variable and _READS.search(bare, found.end("head")) is not None,
        sets_variable=variable,
        adds=re.match(_ADDED, head, re.I) is not None,
        varies=variable and is_nondeterministic(text),
    )


def is_nondeterministic(text: str) -> bool:
    """Whether SQL calls something that gives another value each time.

    :param text: a statement or an expression
    """
    return _VARIES.search(_bare(text)) is not None


def _bare(text: str) -> str:
    """Return a statement without comments, and with nothing in its texts and quoted names."""
    return mask_sql(text, texts="''", names="q")
