"""What a kind of session state is given for its answers, and the records of its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
class SessionAccess:
    """What a kind may use of a session.

    :param saver: saves to the run's directory; None if there is none
    """

    spark: SparkSession
    probe: SessionProbe
    saver: ViewSaver | None = None

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
    """

    spark: SparkSession
    probe: SessionProbe
    lost: dict[str, str] = field(default_factory=dict)
    dropped: Collection[str] = ()
    global_views: set[str] = field(default_factory=set)
