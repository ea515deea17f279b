"""Who needs what completed components left in Python's process, as far as the code of the later ones tells."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.kinds.process_state_kind import Need
from airflow_provider.runner.session_state.record_log import as_sentence

logger = logging.getLogger(__name__)

Readings = Mapping[str, CodeReading | None]
"""Component to its code, None if it cannot be read."""


@dataclass(frozen=True)
class NeededState:
    """Something that a component left in the process, and a later component that may need it.

    :param what: in words
    :param reader: the later component
    :param is_certain: whether its code names it; otherwise its code does not tell
    :param is_silent: whether the later component may answer otherwise without it, instead of failing
    """

    what: str
    reader: str
    is_certain: bool
    is_silent: bool

    @property
    def forbids(self) -> bool:
        """Whether no attempt may go on without it: whoever lacks it is known to fail, or may answer otherwise."""
        return self.is_certain or self.is_silent

    def __str__(self) -> str:
        return f"{self.what}, which {self.reader!r} {'uses' if self.is_certain else 'may use'}"


def may_run_twice(config: PipelineConfig, component: str, record: SessionStateRecord) -> bool:
    """Whether a component may run again to bring back what it left."""
    policy = config.session_state_of(component)
    return policy == "replay" or (policy == "auto" and record.harmless)


def why_not_twice(config: PipelineConfig, component: str, record: SessionStateRecord) -> str:
    """Return why a component must not run again."""
    return "session_state is 'save'" if config.session_state_of(component) == "save" else record.reason


def needed_state(
    record: SessionStateRecord,
    readers: Sequence[ComponentConfig],
    readings: Readings,
    made_again: Mapping[str, Collection[str]],
) -> list[NeededState]:
    """Return what of the process state that a component left may be needed, the certain needs first.

    :param record: of the component
    :param readers: later components that will run
    :param readings: the code of all components
    :param made_again: of each of them, what other components leave anew between the two, in words
    """
    if record.handling == "none":
        return []
    found = []
    for kind in kinds.PROCESS_STATE:
        for left in kind.left(record):
            what = kind.words(left)
            for reader in readers:
                if kind.replaces and what in made_again.get(reader.name, ()):
                    continue
                need = kind.need_of(readings.get(reader.name), reader, left)
                if need is not Need.NO:
                    found.append(NeededState(what, reader.name, need is Need.YES, kind.is_silent(left)))
    return sorted(found, key=lambda needed: not needed.is_certain)


def state_still_there(record: SessionStateRecord) -> frozenset[str]:
    """Return what a component left in the process and this process has, in words."""
    return frozenset(
        kind.words(left) for kind in kinds.PROCESS_STATE for left in kind.left(record) if kind.still_has(left)
    )


def words_of_left(record: SessionStateRecord) -> set[str]:
    """Return what a record says that its component left in the process, in words."""
    return {kind.words(left) for kind in kinds.PROCESS_STATE for left in kind.left(record)}


def warn_if_lost(
    config: PipelineConfig, component: ComponentConfig, record: SessionStateRecord, readings: Readings
) -> None:
    """Say of a component that has just completed what a later attempt would need of it and could not have."""
    if may_run_twice(config, component.name, record):
        return
    needed = needed_state(record, config.after(component.name), readings, {})
    if needed:
        logger.warning(
            "%s: left in the Python process %s. It must not run again (%s), so an attempt that needs this is refused, "
            "or fails there. %s",
            component.name,
            listed(needed),
            why_not_twice(config, component.name, record),
            as_sentence(REMEDY),
        )


REMEDY = (
    "if running it twice does no harm, set session_state: replay; otherwise move what it leaves in the process into a "
    "component of its own"
)


def listed(needed: Sequence[NeededState]) -> str:
    """Return the first three, and the number of the rest."""
    more = len(needed) - 3
    return "; ".join(map(str, needed[:3])) + (f"; and {more} more" if more > 0 else "")
