"""What a kind of session state is given for its answers, and the records of its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.saved.files import SavedFiles
from airflow_provider.runner.session_state.saved.saver import ViewSaver
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Assessment:
    """What of a component's changes a record cannot bring back.

    :param lost: what later components cannot lack without an error, by its name, to the reason. An attempt that lacks
        it may go on: most likely no component needs it any more
    :param changes_answers: what later components might lack without an error, and so answer otherwise; None if nothing
    :param better_replayed: why running the component again is better than restoring the record; restoring is possible
    :param left_out: name of what is recorded without details that nothing needs, to these details
    :param found: what the kind needs again when it makes the record
    """

    lost: Mapping[str, str] = field(default_factory=dict)
    changes_answers: str | None = None
    better_replayed: tuple[str, ...] = ()
    left_out: Mapping[str, list[str]] = field(default_factory=dict)
    found: Any = None


def _never_lost(error: Exception) -> None:
    return


@dataclass(frozen=True)
class SessionAccess:
    """What a kind may use of a session.

    :param saver: saves to the run's directory; None if there is none
    :param refuse_lost_session: raises if an error means that the session is lost
    """

    spark: SparkSession
    probe: SessionProbe
    saver: ViewSaver | None = None
    refuse_lost_session: Callable[[Exception], None] = _never_lost

    @property
    def is_connect(self) -> bool:
        """Whether it is one of Spark Connect, whose client sees less."""
        return spark_kind(self.spark) == "connect"


@dataclass(frozen=True)
class RecordedPart:
    """What the record of a component says of one kind.

    :param fields: fields of :class:`SessionStateRecord`
    :param lost: see :class:`Assessment`
    :param own: JSON for ``parts`` of the record, where a kind without a field of its own keeps what it records
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    own: Any = None


def _reads_unknown(later: Sequence[LaterComponent], base_dir: Path) -> str | None:
    return None


def _never(record: SessionStateRecord) -> bool:
    return False


@dataclass(frozen=True)
class MissingState:
    """Something that a component left and that its record does not bring back.

    :param name: what it is, as in :attr:`Assessment.lost`
    :param why: why it cannot be brought back
    :param find_reader: returns the first of the later components that needs it for certain, as their code and config
        show; None if none of them does or that cannot be told
    :param is_renewed_by: whether a component with such a record left another thing of that name, or dropped it
    """

    name: str
    why: str
    find_reader: Callable[[Sequence[LaterComponent], Path], str | None] = _reads_unknown
    is_renewed_by: Callable[[SessionStateRecord], bool] = _never


@dataclass(frozen=True)
class RecordLimits:
    """How far today's config trusts a record, which people may have edited.

    :param run: directory of this run for saved views; None if there is none
    :param view_format: data source that saved views are read with
    :param spark: the session, to ask which settings it knows; None to check without one
    """

    run: str | None
    view_format: str
    spark: SparkSession | None = None


@dataclass(frozen=True)
class SavedStorage:
    """Where a record's directories are.

    :param files_of: returns access to the storage of a url
    :param dropped: databases and tables that later components dropped
    """

    files_of: Callable[[str], SavedFiles]
    dropped: Collection[str] = ()


@dataclass
class RestoreTarget:
    """The session of one attempt, into which records are restored.

    :param lost: what is lost for good, to the reason
    :param dropped: databases and tables that components after the restored one dropped
    :param global_views: the global temp views that this attempt has restored
    :param component: whose session state is restored now
    :param views_one_by_one: whether a view whose copy cannot be read is lost; otherwise no view of the component is
        restored, because the component is going to run again
    """

    spark: SparkSession
    probe: SessionProbe
    lost: dict[str, str] = field(default_factory=dict)
    dropped: Collection[str] = ()
    global_views: set[str] = field(default_factory=set)
    component: str = ""
    views_one_by_one: bool = False
