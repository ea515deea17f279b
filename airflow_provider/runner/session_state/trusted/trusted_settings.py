"""Which settings a record may bring back.

A checkpoint is data, and some settings are more than that: they name code to load, places to read and write, or what is
shown of a secret. Those are never taken from a record; the component that changes one runs again instead.

Beyond this list Spark is asked (``spark.conf.isModifiable``), so what Spark does not know is not restored either, such
as ``SET my_date = …``. That is on purpose: Hadoop is given every setting of a session, and would take ``fs.x.impl``
from there; and the value of any setting is put into the author's SQL where that says ``${my_date}``. It costs a replay.
Only where that might do harm, a setting of no area of Spark's is restored whose value is a number, a date or a switch:
whatever statement such a value is put into, it stays a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider.runner.session_state.trusted.shown_text import shown

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NEVER = (
    (
        r"(spark\.hadoop\.|hadoop\.|fs\.|dfs\.|io\.|mapred|yarn\.|google\.|javax\.|datanucleus\.)",
        "chooses file systems and credentials",
    ),
    (
        r"spark\.(jars|driver|executor|submit|yarn|kubernetes|plugins|extraListeners|files|archives|pyspark|master|remote)",
        "belongs to the application",
    ),
    (
        r"spark\.sql\.(catalog\b|catalogImplementation|default(Catalog|Path)|path\.|hive\.|warehouse|metastore)"
        r"|.*metastore",
        "chooses where names lead",
    ),
    (
        r"(?i).*(class|committer|provider|factory|plugin|serializer|listener|extension|initiali[sz]er|commitprotocol"
        r"|statestore.*codec|\bimpl\b|\bjars?\b|\budt\b|artifact|\.codegen\.)",
        "chooses code",
    ),
    (r"spark\.sql\.execution\.pyspark\.python|.*[pP]ython\.(exec|bin)", "chooses a program"),
    (r"(?i).*(\b|_)(credential|keytab|principal|proxy)|.*redaction", "is about secrets"),
    (
        r"spark\.sql\.(sources\.default$|sources\.useV1SourceList|runSQLOnFiles)|(?i:.*(location|directory|\bdir|ur[il])$)",
        "chooses what is read and written",
    ),
)
"""What a name begins with, and why a setting of that name is never restored."""

_RULES = tuple((re.compile(pattern), why) for pattern, why in _NEVER)

_AREA = re.compile(r"(?i)spark\b")
_VALUE = re.compile(
    r"true|false|strict|nonstrict|-?\d{1,30}(\.\d{1,30})?"
    r"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?"
)

COPIED = "spark.hadoop."
"""Settings of this area are for Hadoop when the application starts. In a session they have no effect."""

LONGEST = 100_000
"""Characters of a value that is recorded."""


def is_plain_value(value: str) -> bool:
    """Whether a text is a number, a date or a switch: whatever it is put into, it stays a value."""
    return _VALUE.fullmatch(value) is not None


def reject_setting(key: str, value: str | None) -> str | None:
    """Return why a setting must not come from a record, None if nothing speaks against it but perhaps Spark."""
    for rule, why in _RULES:
        if rule.match(key):
            return f"setting {shown(key)!r} {why}, so it is not restored from a record"
    if value is not None and len(value) > LONGEST:
        return f"setting {shown(key)!r} has {len(value):,} characters, too many for a setting"
    return None


def reject_setting_in_session(spark: SparkSession, key: str, value: str | None) -> str | None:
    """Return why a setting must not come from a record into this session, None if it may."""
    if (why := reject_setting(key, value)) is not None:
        return why
    stays_a_value = not _AREA.match(key) and (value is None or is_plain_value(value))
    return None if stays_a_value else reject_unknown_setting(spark, key)


def reject_unknown_setting(spark: SparkSession, key: str) -> str | None:
    """Return why a setting is better set by running its component again, None if Spark knows it as one of a session."""
    if spark.conf.isModifiable(key):
        return None
    return f"setting {shown(key)!r} cannot be changed in a Spark session, so it is not restored from a record"
