"""Files, archives, jars and Python files that a component gave the application or the session."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_parts import recorded_names
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

_REMEDIES = {
    "file": "the Spark property spark.files gives it to every attempt",
    "archive": "the Spark property spark.archives gives it to every attempt",
    "jar": "the Spark property spark.jars gives it to every attempt",
    "Python file": "the Spark property spark.submit.pyFiles, or py_files of the operator, gives it to every attempt",
}


class AddedFiles(SessionStateKind[Mapping[str, str], list[str]]):
    """What ``addFile``, ``addPyFile``, ``addArchive``, ``addArtifact`` and ``ADD FILE`` leave.

    A part of a snapshot has them by kind and name, each with its address and the time at which it was added.
    """

    name = "added files"
    shared = True
    jvm_section = """
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;

public class AddedFiles implements java.util.function.Function {
    public Object apply(Object given) {
        SparkSession session = (SparkSession) given;
        SparkContext context = session.sparkContext();
        Map found = new HashMap();
        java.util.Iterator owners = Arrays.asList(new Object[] {"default", session.sessionUUID()}).iterator();
        while (owners.hasNext()) {
            Object owner = owners.next();
            add(found, "file", context.addedFiles().get(owner));
            add(found, "archive", context.addedArchives().get(owner));
            add(found, "jar", context.addedJars().get(owner));
        }
        return found;
    }

    private static void add(Map found, String kind, Option added) {
        if (added.isEmpty()) {
            return;
        }
        for (Iterator entries = ((scala.collection.Map) added.get()).iterator(); entries.hasNext();) {
            Tuple2 entry = (Tuple2) entries.next();
            found.put(kind + " " + entry._1(), String.valueOf(entry._2()));
        }
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        if look.sections is None:
            return {}
        packages: Sequence[str] = look.spark.sparkContext._python_includes or ()
        found = {}
        for text, added in look.sections[self.name].items():
            kind, _, address = text.partition(" ")
            name = unquote(os.path.basename(address.partition("#")[0].rstrip("/")))
            if kind == "file" and (name in packages or name.endswith(".py")):
                kind = "Python file"
            found[f"{kind} {quote(name)}"] = f"{address} {added}"
        return found

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> list[str]:
        old, new = before.of(self), after.of(self)
        return sorted(name for name, address in new.items() if old.get(name) != address)

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return before.of(self).keys() <= now.of(self).keys()  # Spark removes none, and adds each only once

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        return name in snapshot.of(self)

    def is_missed(self, name: str, error: str) -> bool:
        kind, _, quoted = name.partition(" `")
        if kind not in _REMEDIES:
            return False
        file = quoted.removesuffix("`").replace("``", "`")
        if kind == "Python file" and _misses_module(file, error):
            return True
        return file in error if file else "FileNotFoundError" in error

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        added = changes.statements.added if session.is_connect else changes.of(self)
        return Assessment({name: _why(name) for name in added})

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        return RecordedPart(lost=assessment.lost, own=changes.of(self) or None)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(recorded_names(self, record))

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        """Nothing: they are lost, or their component runs again."""

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        known, there = recorded_names(self, recorded), outcome.after.of(self)
        for name in known:
            if name not in there:
                yield f"{name} is missing"
        for name in outcome.left.of(self):
            if name not in known:
                yield f"{name} is new"

    def names(self, record: SessionStateRecord) -> list[str]:
        return recorded_names(self, record)

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return []  # a record brings none back


def _why(name: str) -> str:
    kind = name.partition(" `")[0]
    return f"added it to the session or its application, which Spark forgets with it; {_REMEDIES[kind]}"


def _misses_module(file: str, error: str) -> bool:
    """Whether an error says that a module is missing which may have come from a Python file."""
    if "ModuleNotFoundError" not in error:
        return False
    stem, _, ending = file.rpartition(".")
    return ending != "py" or f"No module named '{stem}" in error


ADDED_FILES = AddedFiles()
