"""Which entries of Hadoop's configuration a record may bring back.

They choose file systems, credentials and code, so only those of a list come from a record, and with values that can be
nothing but values. Of the author's own names, which are in no area of Hadoop's, a number, a date or a switch does.
"""

from __future__ import annotations

import re

from airflow_provider.runner.session_state.trusted.shown_text import shown
from airflow_provider.runner.session_state.trusted.trusted_settings import is_plain_value

_AREA = re.compile(
    r"(?i)(adl|avro|azure|cos|datanucleus|dfs|file|fs|ftp|google|ha|hadoop|hbase|hive|io|ipc|java|javax|kafka|kerberos|map"
    r"|mapred|mapreduce|net|orc|oss|parquet|rpc|s3|s3a|s3n|security|seq|spark|ssl|tfile|viewfs|yarn|zlib|zookeeper)\b.*"
)
_NUMBERS = re.compile(
    r"(dfs\.(blocksize|replication)|fs\.local\.block\.size|io\.file\.buffer\.size"
    r"|mapreduce\.fileoutputcommitter\.(algorithm\.version|marksuccessfuljobs)"
    r"|mapreduce\.input\.fileinputformat\.(input\.dir\.recursive|split\.(min|max)size(\.per\.(node|rack))?|list-status\.num-threads)"
    r"|mapreduce\.output\.fileoutputformat\.compress|mapred\.(min|max)\.split\.size"
    r"|parquet\.(block\.size|page\.size|dictionary\.page\.size|enable\.dictionary|enable\.summary-metadata)"
    r"|fs\.s3a\.(block\.size|connection\.maximum|fast\.upload|multipart\.size|paging\.maximum|readahead\.range"
    r"|threads\.(core|max)))"
)
_WORDS = re.compile(
    r"(fs\.s3a\.(experimental\.input|input)\.fadvise|mapreduce\.output\.fileoutputformat\.compress\.type"
    r"|parquet\.(compression|summary\.metadata\.level|writer\.version))"
)
_TEXTS = re.compile(r"textinputformat\.record\.delimiter")

_NUMBER = re.compile(r"true|false|-?\d{1,18}[kKmMgGtT]?")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}")
_LONGEST = 100


def reject_hadoop_entry(key: str, value: str | None) -> str | None:
    """Return why an entry must not come from a record, None if it may.

    :param value: None for one that was removed
    """
    if value is None:
        known = any(rule.fullmatch(key) for rule in (_NUMBERS, _WORDS, _TEXTS)) or not _AREA.fullmatch(key)
    elif _NUMBERS.fullmatch(key):
        known = _NUMBER.fullmatch(value) is not None
    elif _WORDS.fullmatch(key):
        known = _WORD.fullmatch(value) is not None
    elif _TEXTS.fullmatch(key):
        known = len(value) <= _LONGEST
    else:
        known = not _AREA.fullmatch(key) and is_plain_value(value)
    if known:
        return None
    return f"Hadoop's {shown(key)!r} may choose a file system, credentials or code, so it is not restored from a record"
