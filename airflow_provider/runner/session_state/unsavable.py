"""What a component left that no record brings back, apart from views and tables.

It comes back if the component runs again. Where that might do harm, all depends on what a later component would see
that lacks it. Without a temp function, a variable, a catalog or a password there is an error, so the attempt may go on:
most likely nobody needs it any more. Without a setting, or with what an earlier component had left under the same name,
there may be another answer and no word of it, so nothing goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.changes.diff import SessionChanges
from airflow_provider.runner.session_state.evidence import Evidence
from airflow_provider.runner.session_state.trusted.trusted_settings import (
    COPIED,
    reject_setting,
    reject_setting_in_session,
    reject_unknown_setting,
)

_CATALOG = re.compile(r"spark\.sql\.catalog\.(\w+)(\..*)?")
"""Settings that make a catalog known: without them its names lead nowhere."""


def restored_settings(settings: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the settings that a record may have to bring back."""
    return {key: value for key, value in settings.items() if not key.startswith(COPIED) and not _CATALOG.fullmatch(key)}


def what_changes_answers(spark: Any, left: SessionChanges, evidence: Evidence) -> str | None:
    """Return what later components might lack without an error, and why it cannot be recorded; None if nothing.

    :param spark: the session
    :param left: what the component left
    :param evidence: what is known of what it did
    """
    if hiding := [name for name in left.functions if name in left.replaced or _hides(spark, name)]:
        return f"registered temp function {', '.join(map(repr, hiding))}, which cannot be saved and hides another one"
    if evidence.set_variables and not evidence.declared:
        return "set a session variable, which cannot be saved"
    if secret := [key for key in left.secret_settings if key in left.replaced and not key.startswith(COPIED)]:
        return _secret(secret[0])
    settings = restored_settings(left.settings)
    settings |= {key: value for key, value in left.settings.items() if key in left.replaced and _CATALOG.fullmatch(key)}
    return next(filter(None, (reject_setting_in_session(spark, key, value) for key, value in settings.items())), None)


def what_can_be_missed(spark: Any, left: SessionChanges, evidence: Evidence) -> dict[str, str]:
    """Return what later components cannot lack without an error, by its name, to the reason why it is not recorded.

    Arguments are those of :func:`what_changes_answers`.
    """
    found: dict[str, str] = {}
    if left.functions:
        why = f"registered temp function {', '.join(map(repr, left.functions))}, which cannot be saved"
        found |= {f"temp function {quote(name)}": why for name in left.functions}
    if evidence.set_variables:
        why = "set a session variable, which cannot be saved"
        found |= {f"variable {quote(name.strip('`'))}": why for name in evidence.declared}
    for key in left.secret_settings:
        if not key.startswith(COPIED):
            found[f"setting {key!r}"] = _secret(key)
    for key, value in left.settings.items():
        if catalog := _CATALOG.fullmatch(key):
            found.setdefault(f"catalog {quote(catalog[1])}", reject_setting(key, value) or f"changed {key!r}")
    if evidence.added:
        found[evidence.added] = f"added {evidence.added} to the session, which Spark forgets with it"
    return found


def better_set_again(spark: Any, left: SessionChanges) -> Iterator[str]:
    """Yield why running the component again is better than setting what is recorded; that may be done all the same."""
    for key, value in left.settings.items():
        if why := reject_setting(key, value) or reject_unknown_setting(spark, key):
            yield why
    yield from map(_secret, left.secret_settings)


def _secret(key: str) -> str:
    return f"changed {key!r}, which looks like a secret and is not recorded"


def _hides(spark: Any, function: str) -> bool:
    """Whether a statement finds another function of that name when there is no temp function."""
    if spark.catalog.functionExists(f"{quote(spark.catalog.currentDatabase())}.{quote(function)}"):
        return True
    pattern = re.sub(r"[^\w]", "*", function)
    return bool(spark.sql(f"SHOW SYSTEM FUNCTIONS LIKE '{pattern}'").collect())
