"""What is known of the sources that completed components had read, and what has changed there since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider.runner.record.checkpoint_state import CheckpointState
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.session_state.sources.compare import source_change

_CHANGES_SHOWN = 3


@dataclass(frozen=True)
class SourceChange:
    """A source that is not as a completed component had read it.

    :param source: as it was read
    :param what: what has changed since
    :param by_others: what has changed since a component of this run last wrote there; None if nothing, so that all of
        the change is the run's own
    """

    source: SourceRecord
    what: str
    by_others: str | None


@dataclass(frozen=True)
class SourceFacts:
    """What is known of the sources of completed components.

    :param changes: component to those of its sources that have changed
    :param unknown: component to those that may have changed
    :param cleared: whether a person cleared the task, so that an attempt is more than a retry
    """

    changes: Mapping[str, tuple[SourceChange, ...]] = field(default_factory=dict)
    unknown: Mapping[str, tuple[SourceRecord, ...]] = field(default_factory=dict)
    cleared: bool = False

    def by_others(self, component: str) -> tuple[SourceChange, ...]:
        """Return which sources of a component others changed."""
        return tuple(change for change in self.changes.get(component, ()) if change.by_others)

    def not_as_read(self, component: str) -> list[tuple[SourceRecord, SourceChange | None]]:
        """Return the sources of a component that others changed, each with its change, or may have changed, with None.

        :param component: name of the component
        """
        changed = [(change.source, change) for change in self.by_others(component)]
        return [*changed, *((source, None) for source in self.unknown.get(component, ()))]


def compare_sources(
    checkpoint: CheckpointState, look: Callable[[SourceRecord], SourceRecord], *, cleared: bool
) -> SourceFacts:
    """Compare the sources of the completed components with what they are now.

    :param checkpoint: the record of the earlier attempts
    :param look: returns how a source is now
    :param cleared: whether a person cleared the task
    """
    changes: dict[str, tuple[SourceChange, ...]] = {}
    unknown: dict[str, tuple[SourceRecord, ...]] = {}
    for name in checkpoint.completed_components:
        record = checkpoint.components.get(name)
        if record is None:
            continue
        found, uncertain = [], []
        for source in record.sources:
            now = look(source)
            what = source_change(source, now)
            if what is not None:
                found.append(SourceChange(source, what, _by_others(checkpoint, name, source, now)))
            elif (source.state, now.state) != ("seen", "seen"):
                uncertain.append(source)
        if found:
            changes[name] = tuple(found)
        if uncertain:
            unknown[name] = tuple(uncertain)
    return SourceFacts(changes, unknown, cleared)


def list_changes(changes: Sequence[SourceChange]) -> str:
    """Name the first three sources that changed, each with what changed there, and count the rest."""
    lines = list(dict.fromkeys(f"{change.source.name}: {change.what}" for change in changes))
    more = len(lines) - _CHANGES_SHOWN
    return ", ".join(lines[:_CHANGES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _by_others(checkpoint: CheckpointState, reader: str, source: SourceRecord, now: SourceRecord) -> str | None:
    """Return what has changed since this run last wrote into a source; None if all of the change is its own.

    A component that failed may have written there, too.
    """
    since = checkpoint.components[reader].completed_at
    records = [checkpoint.components[n] for n in checkpoint.completed_components if n in checkpoint.components]
    after = sorted((r for r in records if r.completed_at >= since), key=lambda record: record.completed_at)
    states = [source, *(left for record in after for left in record.left), *checkpoint.left]
    changes = [source_change(state, now) for state in states if state.key == source.key]
    return None if None in changes else changes[-1]
