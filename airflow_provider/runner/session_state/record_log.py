"""Says when a component completes what of it a later attempt will not have, and what helps."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.kinds.kind_context import Assessment

logger = logging.getLogger(__name__)

_IF_NEEDED = (
    "If a later component needs it, create it there; or, if running this component twice does no harm, set its "
    "session_state to 'replay'"
)


def log_lazy_code(name: str, views: Sequence[ViewName], why: str) -> None:
    """Warn that Python code of a lazy view ran once more than in plain Spark."""
    logger.warning(
        "%s: saving %s ran its Python code on executors, and each reader runs it again. If that code does something "
        "outside Spark, it happens each time (%s). To let it happen once, cache the view, or write it to a table in %s "
        "and read that",
        name,
        ", ".join(f"view {str(view)!r}" for view in views),
        why,
        name,
    )


def log_record(
    name: str,
    record: SessionStateRecord,
    assessed: Mapping[str, Assessment],
    broken: Mapping[ViewName, Exception],
    unknown: Mapping[str, str],
) -> None:
    """Say once what of a component a later attempt will not have, and what helps."""
    if record.handling == "unrepeatable":
        _log_unrepeatable(name, record)
    elif unknown:
        kinds_of: dict[str, list[str]] = {}
        for kind, why in unknown.items():
            kinds_of.setdefault(why, []).append(kind)
        for why, of in kinds_of.items():
            then = "; it runs again if an attempt needs that" if record.handling == "replay" else ""
            logger.warning("%s: cannot tell what it changed of %s (%s)%s", name, ", ".join(of), why, then)
    elif broken:
        _log_broken(name, broken)
    if record.handling == "kept" or (record.handling == "unrepeatable" and record.unsavable is None):
        _log_lost(name, record.lost, assessed)


def _log_broken(name: str, broken: Mapping[ViewName, Exception]) -> None:
    first = next(iter(broken.values()))
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    logger.warning("%s: a later attempt will not have view %r%s: %s", name, str(next(iter(broken))), more, first)


def _log_unrepeatable(name: str, record: SessionStateRecord) -> None:
    logger.warning(
        "%s: its session state cannot be brought back later (%s); an attempt that needs it will fail. %s",
        name,
        record.reason,
        as_sentence(record.remedy or ""),
    )


def as_sentence(text: str) -> str:
    """Return a remedy, which goes on after a semicolon, as a sentence of its own."""
    return text[:1].upper() + text[1:]


def _log_lost(name: str, lost: Mapping[str, str], assessed: Mapping[str, Assessment]) -> None:
    for what, why in lost.items():
        logger.warning("%s: a later attempt will not have %s: %s. %s", name, what, why, _IF_NEEDED)
    for found in assessed.values():
        for what, unneeded in found.left_out.items():
            logger.info("%s: a later attempt will have %s without %s", name, what, ", ".join(unneeded))
