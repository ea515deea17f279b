"""How the Spark that runs differs from the one that is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider.masking import MASK, looks_secret

_COSMETIC = re.compile(
    r"spark\.(app\.(name|id)|ui\.|eventLog\.|history\.|log\.|log4j|local\.dir|metrics\.|openlineage\.|extraListeners"
    r"|driver\.(host|port|bindAddress|log\.|blockManager)|blockManager\.port|port\.|submit\.deployMode|api\.mode"
    r"|pyspark\.driver\.python|kerberos\.keytab|yarn\.keytab|logConf|redaction|cleaner\.|scheduler\.)"
)
"""Properties that change neither where Spark runs, nor its resources, nor its results."""

_OF_THE_APPLICATION = re.compile(
    r"spark\.(master|remote|submit\.|hadoop\.|yarn\.|kubernetes\.|executorEnv\.|driver\.|executor\.|jars|files|archives"
    r"|cores\.max|pyspark\.|kerberos\.|dynamicAllocation\.|repl\.)"
)
"""Properties that a session accepts and that then have no effect."""

_OF_THE_JVM = re.compile(
    r"spark\.(driver\.(memory$|extra|default)|jars|kerberos\.(principal|keytab)|yarn\.(principal|keytab))"
)
"""Properties that count only when the driver's JVM starts."""

_LISTS = re.compile(r"spark\.(jars|files|archives|submit\.pyFiles|sql\.extensions)")
_SIZE = re.compile(r"(?P<number>\d+)\s*(?P<unit>[kmgtp]?)b?", re.IGNORECASE)
_LOCAL = re.compile(r"local(?:\[(?P<cores>\*|\d+)(?:,\s*\d+)?\])?")


@dataclass(frozen=True)
class PropertyDifference:
    """A property with another value than the one that is wanted.

    :param asked: the wanted value
    :param found: the value, None if it has none
    """

    key: str
    asked: str
    found: str | None

    def __str__(self) -> str:
        hidden = looks_secret(self.key, self.asked, {}) or looks_secret(self.key, self.found, {})
        asked, found = (MASK, MASK) if hidden else (repr(self.asked), repr(self.found))
        return f"{self.key} is {'not set' if self.found is None else found} instead of {asked}"

    @property
    def matters(self) -> bool:
        """Whether it changes where Spark runs, its resources or its results."""
        return not _COSMETIC.match(self.key)


def apply_properties(session: Any, conf: Mapping[str, str]) -> list[PropertyDifference]:
    """Set the properties that a session can set; return those that it cannot and that differ.

    :param session: a classic session
    """
    different = []
    for key, value in conf.items():
        if not _OF_THE_APPLICATION.match(key) and _is_set(session, key, value):
            continue
        found = _value(session, key)
        if not same_value(key, value, found):
            different.append(PropertyDifference(key, value, found))
    return different


def jvm_differences(asked: Mapping[str, str], running: Mapping[str, str]) -> list[PropertyDifference]:
    """Return the wanted properties that a running JVM was not started with."""
    return [
        PropertyDifference(key, value, running.get(key))
        for key, value in asked.items()
        if _OF_THE_JVM.match(key) and not same_value(key, value, running.get(key))
    ]


def same_value(key: str, asked: str, found: str | None) -> bool:
    """Return whether two values of a property mean the same."""
    if found is None:
        return False
    if asked == found or asked.lower() == found.lower() in ("true", "false"):
        return True
    if key == "spark.master":
        return _cores(asked) is not None and _cores(asked) == _cores(found)
    if _LISTS.match(key):
        return _items(asked) <= _items(found)
    sizes = _SIZE.fullmatch(asked.strip()), _SIZE.fullmatch(found.strip())
    return None not in sizes and _bytes(sizes[0], key) == _bytes(sizes[1], key)


def _is_set(session: Any, key: str, value: str) -> bool:
    """Set a property of the session. False if it belongs to Spark's application."""
    from pyspark.errors import PySparkException

    if session.conf.isModifiable(key):
        session.conf.set(key, value)
        return True
    try:
        session.conf.set(key, value)  # Spark accepts names that it does not know
    except PySparkException:
        return False
    return True


def _value(session: Any, key: str) -> str | None:
    """Return the application's value, which may be Spark's default."""
    conf = session.sparkContext._conf
    if conf.contains(key):
        return str(conf.get(key))
    jvm = session._jvm
    entry = jvm.org.apache.spark.internal.config.ConfigEntry.findEntry(key)
    default = entry.defaultValueString() if entry is not None else None
    return None if default is None or str(default).startswith("<") else str(default)


def _cores(master: str) -> int | None:
    """Return how many cores a local master uses, None for any other master."""
    found = _LOCAL.fullmatch(master.strip())
    if found is None:
        return None
    cores = found["cores"] or "1"
    return os.cpu_count() if cores == "*" else int(cores)


def _items(text: str) -> set[str]:
    """Return the items of a list; for files only the name counts, because Spark copies them."""
    return {item.strip().rpartition("/")[2] for item in text.split(",") if item.strip()}


def _bytes(size: re.Match[str] | None, key: str) -> int | None:
    if size is None:
        return None
    unit = size["unit"].lower() or ("m" if "emory" in key else "")
    return int(size["number"]) * int(1024 ** ("kmgtp".find(unit) + 1 if unit else 0))
