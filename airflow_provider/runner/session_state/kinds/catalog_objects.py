"""Databases and tables of a catalog that is in memory only: the data stays, but Spark forgets the names.

A record holds their description, and the catalog's API creates them again. A table whose component chose its location
needs a second description in the run's own directory, see :mod:`..saved.catalog_manifest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_provider.errors import describe
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.record.view_names import quote
from airflow_provider.runner.session_state.kinds.kind_context import (
    Assessment,
    RecordedPart,
    RecordLimits,
    RestoreTarget,
    SavedStorage,
    SessionAccess,
)
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    ReplayOutcome,
    SessionChanges,
    SessionSnapshot,
    SessionStateKind,
    counted,
)
from airflow_provider.runner.session_state.probes.session_look import CatalogDescription, SessionLook
from airflow_provider.runner.session_state.saved.catalog_manifest import MANIFEST, read_manifest
from airflow_provider.runner.session_state.saved.saver import NOWHERE
from airflow_provider.runner.session_state.trusted.trusted_locations import reject_location
from airflow_provider.runner.session_state.trusted.trusted_tables import reject_catalog_object
from airflow_provider.runner.storage.spark_urls import local_path


@dataclass(frozen=True)
class ObjectChanges:
    """What a component did to the catalog.

    :param created: quoted names of the databases and tables that it created or altered
    :param dropped: quoted names of those that it dropped
    """

    created: list[str]
    dropped: list[str]


class CatalogObjects(SessionStateKind[Mapping[str, str], ObjectChanges]):
    """What ``CREATE DATABASE``, ``CREATE TABLE`` and ``saveAsTable`` leave in Spark's catalog in memory."""

    name = "tables and databases"
    is_missed_loudly = True
    shared = True
    jvm_section = """
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalog;
import org.apache.spark.sql.classic.SparkSession;
import scala.collection.Iterator;

public class CatalogObjects implements java.util.function.Function {
    private final SharedChanges shared = new SharedChanges();

    public Object apply(Object given) {
        SparkSession session = (SparkSession) given;
        if (!"in-memory".equals(session.conf().get("spark.sql.catalogImplementation"))) {
            return Collections.emptyMap(); // another catalog outlives the session
        }
        long began = SharedChanges.now();
        ExternalCatalog catalog = session.sessionState().catalog().externalCatalog();
        Map found = new LinkedHashMap();
        for (Iterator databases = catalog.listDatabases().iterator(); databases.hasNext();) {
            String database = (String) databases.next();
            if (!database.equals("default")) { // it is always there
                found.put(SessionContents.quoted(database), SessionContents.identity(catalog.getDatabase(database)));
            }
            Iterator tables = catalog.getTablesByName(database, catalog.listTables(database)).iterator();
            while (tables.hasNext()) {
                CatalogTable table = (CatalogTable) tables.next();
                String name = SessionContents.quoted(table.identifier().table());
                found.put(SessionContents.quoted(database) + "." + name, SessionContents.identity(table));
            }
        }
        return shared.own(SessionOwners.ownerOf(session), found, "", began);
    }
}
"""

    def capture(self, look: SessionLook) -> Mapping[str, str]:
        # The catalog of a Spark Connect server outlives the session.
        return look.sections[self.name] if look.sections is not None else {}

    def changes(self, before: SessionSnapshot, after: SessionSnapshot) -> ObjectChanges:
        old, new = before.of(self), after.of(self)
        return ObjectChanges(
            created=[name for name, identity in new.items() if old.get(name) != identity],
            dropped=[name for name in old if name not in new],
        )

    def is_there(self, snapshot: SessionSnapshot, name: str) -> bool:
        return name in snapshot.of(self)

    def assess(self, changes: SessionChanges, session: SessionAccess) -> Assessment:
        found = _describe(changes.of(self).created, session)
        return Assessment(found.lost, left_out=found.left_out, found=found)

    def record(
        self, changes: SessionChanges, assessment: Assessment, session: SessionAccess, *, kept: bool
    ) -> RecordedPart:
        found, manifest = CatalogDescription(), None
        if kept:
            found, manifest = _with_manifest(assessment.found, session)
        fields = {"objects": found.objects, "vouched": manifest, "dropped_objects": changes.of(self).dropped}
        return RecordedPart(fields, found.lost)

    def is_recorded(self, record: SessionStateRecord) -> bool:
        return bool(record.objects or record.dropped_objects)

    def rejections(self, record: SessionStateRecord, limits: RecordLimits) -> Iterator[str]:
        for item in record.objects:
            if (why := reject_catalog_object(item)) is not None:
                yield why
        if record.vouched is None:
            return
        why = reject_location(limits.run, record.vouched)
        if why is None and not record.vouched.endswith(f"/{MANIFEST}"):
            why = "it is a saved view"
        if why is not None:
            yield f"the second description of its tables: {why}"

    def damage(self, record: SessionStateRecord, storage: SavedStorage) -> str | None:
        if record.vouched and not storage.files_of(record.vouched).exists(record.vouched):
            return f"the second description of its tables is gone from {record.vouched}"
        for item in record.objects:
            # Other storage is asked when the table is restored: only then is it certain that the record is right.
            path = local_path(item.location)
            if item.table is not None and item.name not in storage.dropped and path is not None and not _exists(path):
                return f"its table {item.name} is missing from {item.location}"
        return None

    def restore(self, record: SessionStateRecord, target: RestoreTarget) -> None:
        listed = read_manifest(target.spark, record.vouched) if record.vouched else []
        for item in record.objects:
            if (why := target.lost.get(quote(item.database))) is not None:
                target.lost[item.name] = why  # a table is lost with its database
            elif item.name not in target.dropped:
                target.probe.restore_object(item, vouched=item in listed)

    def differences(self, recorded: SessionStateRecord, outcome: ReplayOutcome) -> Iterator[str]:
        yield from ()  # what exists already stays, so a replay may create nothing

    def names(self, record: SessionStateRecord) -> list[str]:
        return [item.name for item in record.objects]

    def brief_words(self, record: SessionStateRecord) -> str:
        return counted(len(record.objects), "tables")


def _describe(names: list[str], session: SessionAccess) -> CatalogDescription:
    """Describe databases and tables. What cannot be described is lost."""
    try:
        found = session.probe.describe_objects(names) if names else CatalogDescription()
    except Exception as error:  # noqa: BLE001 - the component has succeeded, so the catalog must not fail it
        return CatalogDescription(lost=dict.fromkeys(names, f"its tables cannot be described: {describe(error)}"))
    if found.chosen and session.saver is None:
        what = f"the component chose the location of {found.chosen[0].name}"
        return found.without_chosen(f"{what}, and {NOWHERE}, where a second description would confirm it")
    return found


def _with_manifest(found: CatalogDescription, session: SessionAccess) -> tuple[CatalogDescription, str | None]:
    """Write the second description of what lies where the component chose, if any is needed."""
    if not found.chosen or session.saver is None:
        return found, None
    try:
        return found, session.saver.write_manifest(found.chosen)
    except Exception as error:  # noqa: BLE001 - Spark and storage clients raise anything
        session.refuse_lost_session(error)  # then neither the tables nor the storage are at fault
        what = f"the component chose the location of {found.chosen[0].name}"
        return found.without_chosen(f"{what}, and the second description cannot be saved: {describe(error)}"), None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, or a directory that may not be read
        return False


CATALOG_OBJECTS = CatalogObjects()
