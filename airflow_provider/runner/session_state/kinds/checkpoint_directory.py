"""The directory for ``DataFrame.checkpoint()``. A path is not restored from a record, so its component is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WHY = (
    "called setCheckpointDir, and a path is not restored from a record; the Spark property spark.checkpoint.dir gives "
    "every attempt one"
)
_MISSED = "heckpoint directory has not been set"


class CheckpointDirectory(SessionStateKind[str | None, str | None]):
    """What ``sc.setCheckpointDir`` leaves: Spark makes a directory with another name each time."""

    name = "checkpoint directory"
    shared = True
    jvm_section = """
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;

public class CheckpointDirectory implements java.util.function.Function {
    public Object apply(Object session) {
        Option directory = ((SparkSession) session).sparkContext().getCheckpointDir();
        Map found = new HashMap();
        if (directory.isDefined()) {
            found.put("directory", directory.get());
        }
        return found;
    }
}
"""

    def capture(self, look: SessionLook) -> str | None:
        return look.sections[self.name].get("directory") if look.sections is not None else None

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> str | None:
        return after.of(self) if before.of(self) != after.of(self) else None

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        if before.of(self) != now.of(self):
            java: Any = spark._jvm
            getattr(spark.sparkContext._jsc.sc(), "checkpointDir_$eq")(java.scala.Option.apply(before.of(self)))

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        return name == self.name and snapshot.of(self) is not None

    def is_missed(self, name: str, error: str) -> bool:
        return name == self.name and _MISSED in error

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        return Assessment({self.name: _WHY} if changes.of(self) is not None else {})

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        return RecordedPart(lost=assessment.lost, own=True if changes.of(self) is not None else None)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return record.parts.get(self.name) is True

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        """Nothing: it is lost, or its component runs again."""

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        if self.is_recorded(recorded) and outcome.after.of(self) is None:
            yield "the checkpoint directory is missing"
        if not self.is_recorded(recorded) and outcome.left.of(self) is not None:
            yield "it set a checkpoint directory"

    def names(self, record: SessionStateRecord) -> list[str]:
        return [self.name] if self.is_recorded(record) else []

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return []  # a record brings none back


CHECKPOINT_DIRECTORY = CheckpointDirectory()
