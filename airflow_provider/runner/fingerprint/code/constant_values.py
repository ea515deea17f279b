"""When the value of a constant counts beside its expression.

The expression always counts: it is there whether the module is loaded or not, and it stays the same while a cache
fills, a counter grows or a client is created on first use. For most constants it says everything. It does not for
``RATES = json.loads(path.read_text())``: there the value counts, too, as it was when this process first looked, which
is before a component runs. The value does not count if it may differ between processes without a change of code, as
with the clock, random numbers, the environment or the host; the reading reports that instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import ModuleType
from weakref import WeakKeyDictionary

from airflow_provider.runner.fingerprint.code.code_modules import CodeModule
from airflow_provider.runner.fingerprint.code.value_hash import NotPlainError, value_hash

_FOLLOWS_FROM_CODE_AND_FILES = (
    "base64.",
    "builtins.",
    "codecs.",
    "collections.",
    "configparser.",
    "csv.",
    "dataclasses.",
    "datetime.",
    "decimal.",
    "enum.",
    "fractions.",
    "functools.",
    "gzip.",
    "importlib.resources.",
    "io.",
    "itertools.",
    "json.",
    "math.",
    "operator.",
    "os.path.",
    "pathlib.",
    "pkgutil.get_data",
    "re.",
    "string.",
    "textwrap.",
    "tomllib.",
    "types.",
    "typing.",
    "yaml.",
)
_DIFFERS = frozenset({"now", "today", "utcnow", "cwd", "home", "expanduser", "getmtime", "stat", "id", "hash", "input"})

_first_seen: WeakKeyDictionary[ModuleType, dict[str, str | None]] = WeakKeyDictionary()


def follows_from_files(foreign: Iterable[str], attributes: Iterable[str]) -> bool:
    """Return whether a value can change only with the code, or with a file that it is read from.

    :param foreign: what the expression uses that is not the author's own
    :param attributes: the attributes of unknown values that it uses
    """
    names = list(foreign)
    return all(
        name.startswith(_FOLLOWS_FROM_CODE_AND_FILES) and name.rpartition(".")[2] not in _DIFFERS for name in names
    ) and _DIFFERS.isdisjoint(attributes)


def loaded_value_hash(module: CodeModule, name: str) -> str | None:
    """Return the hash of a constant's value when this process first looked; None if it has none, or not plain data."""
    if module.loaded is None or name not in module.namespace:
        return None
    seen = _first_seen.setdefault(module.loaded, {})
    if name not in seen or module.cell:  # a later cell may have bound the name again
        try:
            seen[name] = value_hash(module.namespace[name], os.path.dirname(module.file) if module.file else "")
        except NotPlainError:
            seen[name] = None
    return seen[name]
