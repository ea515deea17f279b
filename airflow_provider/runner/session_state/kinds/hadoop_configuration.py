"""Hadoop's configuration of the Spark application. Without an entry there may be another answer and no error.

Most entries choose file systems, credentials or code and may not come from a record, which people can edit; a component
that changes one of these is replayed, or the attempt is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider.masking import looks_secret
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.recorded_parts import (
    changed_values,
    compared_values,
    recorded_values,
    values_for_record,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
)
from airflow_provider.runner.session_state.probes.session_look import SessionLook
from airflow_provider.runner.session_state.trusted.trusted_hadoop import reject_hadoop_entry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class HadoopChanges:
    """What a component did to Hadoop's configuration.

    :param values: entries that it changed; None for one that it removed
    :param secret: names of changed entries whose value must not be recorded
    :param replaced: those of both that were there before
    """

    values: dict[str, str | None]
    secret: list[str]
    replaced: frozenset[str]


class HadoopConfiguration(SessionStateKind[Mapping[str, str], HadoopChanges]):
    """What ``spark._jsc.hadoopConfiguration().set`` and ``unset`` change.

    A snapshot holds what the program has set, and what else differs from the first look: JSON of the value now and of
    the one then, each null if there is none. All entries are compared only after something else came or went.
    """

    name = "Hadoop entries"
    shared = True
    jvm_section = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.classic.SparkSession;

public class HadoopConfiguration implements java.util.function.Function {
    private final ObjectMapper json = new ObjectMapper();
    private Properties first; // all entries at the first look
    private Field set;
    private Method entries;

    public Object apply(Object session) {
        Configuration configuration = ((SparkSession) session).sparkContext().hadoopConfiguration();
        try {
            synchronized (configuration) {
                return differences(configuration);
            }
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private Map differences(Configuration configuration) throws Exception {
        if (set == null) {
            set = Configuration.class.getDeclaredField("overlay");
            set.setAccessible(true);
            entries = Configuration.class.getDeclaredMethod("getProps", new Class[0]);
            entries.setAccessible(true);
        }
        Properties now = (Properties) entries.invoke(configuration, new Object[0]);
        if (first == null) {
            first = (Properties) now.clone();
        }
        Properties ofProgram = (Properties) set.get(configuration);
        Map found = new HashMap();
        int added = ofProgram == null ? 0 : add(found, ofProgram.keySet(), now, true);
        if (now.size() != first.size() + added) { // something was removed, or another file was loaded
            Set names = new LinkedHashSet(first.keySet());
            names.addAll(now.keySet());
            add(found, names, now, false);
        }
        return found;
    }

    private int add(Map found, Set names, Properties now, boolean all) throws Exception {
        int added = 0;
        for (Iterator each = names.iterator(); each.hasNext();) {
            String name = (String) each.next();
            Object value = now.get(name);
            Object before = first.get(name);
            added += before == null && value != null ? 1 : 0;
            if (all || (value == null ? before != null : !value.equals(before))) {
                found.put(name, json.writeValueAsString(Arrays.asList(new Object[] {value, before})));
            }
        }
        return added;
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        return look.sections[self.name] if look.sections is not None else {}  # a client has no access to it

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> HadoopChanges:
        old, new = before.of(self), after.of(self)
        values = {key: _now(new.get(key), old.get(key)) for key in changed_values(old, new)}
        secret = {key for key, value in values.items() if looks_secret(key, value, {})}
        return HadoopChanges(
            values={key: value for key, value in values.items() if key not in secret},
            secret=sorted(secret),
            replaced=frozenset(key for key in values if _now(old.get(key), new.get(key)) is not None),
        )

    def is_untouched(self, before: SessionSnapshot, now: SessionSnapshot) -> bool:
        return True  # reset() undoes what was changed

    def reset(self, spark: SparkSession, before: SessionSnapshot, now: SessionSnapshot) -> None:
        old, new = before.of(self), now.of(self)
        for key in changed_values(old, new):
            _change(spark, key, _now(old.get(key), new.get(key)))

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = changes.of(self)
        rejected = [why for key, value in found.values.items() if (why := reject_hadoop_entry(key, value)) is not None]
        silent = [_secret(key) for key in found.secret if key in found.replaced]
        return Assessment(
            lost={f"Hadoop's {key!r}": _secret(key) for key in found.secret},
            changes_answers=next(iter([*silent, *rejected]), None),
        )

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found = changes.of(self)
        restorable = {key: value for key, value in found.values.items() if reject_hadoop_entry(key, value) is None}
        return RecordedPart(lost=assessment.lost, own=values_for_record(found.values, found.secret, restorable))

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(self.names(record))

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for key, value in recorded_values(self, record, "restored").items():
            if (why := reject_hadoop_entry(key, value)) is not None:
                yield why

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        for key, value in recorded_values(self, record, "restored").items():
            _change(target.spark, key, value)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        there, left = outcome.after.of(self), outcome.left.of(self)
        now = {key: _now(text, None) for key, text in there.items()}
        for what in compared_values(self, recorded, now, {*left.values, *left.secret}):
            yield f"Hadoop's {what}"

    def names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "compared"))

    def restored_names(self, record: SessionStateRecord) -> list[str]:
        return list(recorded_values(self, record, "restored"))


def _now(text: str | None, other: str | None) -> str | None:
    """Return an entry's value in one snapshot: one that this does not mention is as at the first look.

    :param text: what the snapshot says
    :param other: what another one says
    """
    if text is not None:
        value: Any = json.loads(text)[0]
    else:
        value = json.loads(other)[1] if other is not None else None
    return None if value is None else str(value)


def _change(spark: SparkSession, key: str, value: str | None) -> None:
    configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()
    if value is None:
        configuration.unset(key)
    else:
        configuration.set(key, value)


def _secret(key: str) -> str:
    return f"changed Hadoop's {key!r}, which looks like a secret and is not recorded"


HADOOP_CONFIGURATION = HadoopConfiguration()
