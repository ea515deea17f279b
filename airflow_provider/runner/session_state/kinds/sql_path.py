"""Spark's SQL path: in which schemas a name without one is looked for. Spark has it from 4.2 on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
    counted,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SchemaPath = tuple[tuple[str, ...], ...]
"""The schemas in order, each with its parts; the current schema, whichever that is, has none."""

_LONGEST = 1_000
_UNSEEN = "set the SQL path, which Spark Connect does not tell"


class SqlPath(SessionStateKind[SchemaPath, SchemaPath | None]):
    """What ``SET PATH`` changes."""

    name = "SQL path"
    # Spark 4.1 has no such method, so it is looked up by name.
    jvm_section = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;
import scala.Product;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;

public class SqlPath implements java.util.function.Function {
    private final ObjectMapper json = new ObjectMapper();

    public Object apply(Object session) {
        Object catalogs = ((SparkSession) session).sessionState().catalogManager();
        Map found = new HashMap();
        try {
            Method stored = catalogs.getClass().getMethod("storedSessionPathEntries", new Class[0]);
            Option path = (Option) stored.invoke(catalogs, new Object[0]);
            if (path.isDefined()) {
                List entries = new ArrayList();
                for (Iterator each = ((Seq) path.get()).iterator(); each.hasNext();) {
                    entries.add(parts((Product) each.next()));
                }
                found.put("path", json.writeValueAsString(entries));
            }
        } catch (NoSuchMethodException older) {
            return found;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        return found;
    }

    private static List parts(Product entry) {
        List parts = new ArrayList();
        if (entry.productArity() > 0) { // otherwise it is the current schema
            for (Iterator each = ((Seq) entry.productElement(0)).iterator(); each.hasNext();) {
                parts.add(each.next());
            }
        }
        return parts;
    }
}
"""

    def capture(self, look: SessionLook) -> SchemaPath:
        text = look.sections[self.name].get("path") if look.sections is not None else None
        return tuple(tuple(parts) for parts in json.loads(text)) if text is not None else ()

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> SchemaPath | None:
        return after.of(self) if before.of(self) != after.of(self) else None

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        if before.of(self) != now.of(self):
            _set_path(spark, before.of(self))

    def carry(self, left: Mapping[str, SchemaPath], origin: SparkSession, target: SparkSession) -> Mapping[str, str]:
        for path in left.values():
            _set_path(target, path)
        return {}

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        return Assessment(changes_answers=_UNSEEN if changes.statements.sets_path and session.is_connect else None)

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        path = changes.of(self)
        return RecordedPart(own=[list(parts) for parts in path] if path is not None else None)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return self.name in record.parts

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        if self.is_recorded(record) and self._recorded(record) is None:
            yield "its SQL path is not a list of names"

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        path = self._recorded(record)
        if path is not None:
            _set_path(target.spark, path)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        path, there = self._recorded(recorded), outcome.after.of(self)
        if path is not None and there != path:
            yield f"the SQL path is {_words(there)}, it was {_words(path)}"
        if path is None and outcome.left.of(self) is not None:
            yield f"the SQL path is {_words(there)}, too"

    def names(self, record: SessionStateRecord) -> list[str]:
        path = self._recorded(record)
        return [_words(path)] if path is not None else []

    def brief_words(self, record: SessionStateRecord) -> str:
        return counted(len(self.names(record)), "SQL paths")

    def _recorded(self, record: SessionStateRecord) -> SchemaPath | None:
        """Return the path of a record, None if there is none that is right."""
        found = record.parts.get(self.name)
        if not isinstance(found, list):
            return None
        path = [tuple(parts) if isinstance(parts, list) else None for parts in found]
        if not all(parts is not None and all(_is_name(part) for part in parts) for parts in path):
            return None
        return tuple(tuple(str(part) for part in parts or ()) for parts in path)


def _is_name(part: Any) -> bool:
    return isinstance(part, str) and 0 < len(part) <= _LONGEST


def _words(path: SchemaPath) -> str:
    return ", ".join(".".join(map(quote, parts)) or "current_schema" for parts in path) or "Spark's default"


def _set_path(spark: SparkSession, path: SchemaPath) -> None:
    """Set the path, made of names that are quoted; the empty one is Spark's default."""
    if path:
        spark.sql(f"SET PATH = {_words(path)}")
    else:
        session: Any = spark._jsparkSession
        session.sessionState().catalogManager().clearSessionPath()


SQL_PATH = SqlPath()
