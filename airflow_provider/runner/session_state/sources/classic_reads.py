"""What is read in a classic Spark session, asked of its JVM."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SourceNotListedError
from airflow_provider.masking import mask
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes.jvm_answers import unpack
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.saved.session_calls import global_database
from airflow_provider.runner.session_state.sources.globs import is_glob, name_pattern, pattern_of
from airflow_provider.runner.session_state.sources.hidden_files import hidden_by
from airflow_provider.runner.session_state.sources.listing import MOST_FILES, MOST_SECONDS, SourceFile
from airflow_provider.runner.session_state.sources.look import MOST_ROOTS, as_not_listed, places_name, with_listing
from airflow_provider.runner.session_state.sources.paths import normalized

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class ClassicSources:
    """Asks the JVM of a classic session."""

    def __init__(self, spark: SparkSession, jvm: SessionJvm) -> None:
        self._spark = spark
        self._jvm = jvm
        self._global_database = global_database(spark)
        jvm.tell_sources(MOST_FILES, MOST_SECONDS)

    def begin(self) -> None:
        self._jvm.begin_sources()

    def end(self) -> None:
        self._jvm.end()

    def found(self, views: Sequence[ViewName]) -> tuple[list[SourceRecord], list[str]]:
        answer = self._jvm.found_sources([(view.name, view.is_global) for view in views])
        if answer is None:
            asked = [[view.name, view.is_global, view.quoted(self._global_database)] for view in views]
            answer = unpack(self._jvm.sources.found(json.dumps(asked), MOST_FILES, int(MOST_SECONDS * 1000)))
        return [self._record(described) for described in answer["sources"]], answer["writes"]

    def _record(self, described: Mapping[str, Any]) -> SourceRecord:
        """Turn what Java tells of a source into a record."""
        if described["kind"] == "other":
            name = _jdbc_name(described["url"], described["table"]) if "url" in described else str(described["name"])
            return SourceRecord(kind="other", name=mask(name), state="unknown", why=described["why"])
        roots, globs = sorted({normalized(root) for root in described["roots"]}), []
        written, only = described.get("written"), described.get("only")
        if described["kind"] == "files" and written and is_glob(written):
            roots, globs = [], [self._absolute(written)]
        elif described["kind"] == "files" and (pattern := pattern_of(roots)) and self._matches_just(pattern, roots):
            roots, globs = [], [pattern]
        name = described["name"] or places_name(globs or roots)
        if "version" in described:
            return SourceRecord(kind=described["kind"], name=mask(name), version=described["version"])
        ignored = described.get("ignored")
        record = SourceRecord(
            kind=described["kind"], name=mask(name), roots=roots, globs=globs, only=only, ignored=ignored
        )
        try:
            hidden_by(ignored)
        except SourceNotListedError as error:
            return as_not_listed(record, str(error))
        if len(roots) > MOST_ROOTS:
            return as_not_listed(record.model_copy(update={"roots": []}), f"more than {MOST_ROOTS} paths")
        if "files" not in described:
            return as_not_listed(record, described["refused"], described.get("moreThan"))
        files = [SourceFile(normalized(path), size, modified) for path, size, modified in described["files"]]
        if only:
            wanted = re.compile(name_pattern(only))
            files = [file for file in files if wanted.fullmatch(file.path.rpartition("/")[2])]
        return with_listing(record, files)

    def _absolute(self, pattern: str) -> str:
        path = self._spark._jvm.org.apache.hadoop.fs.Path(pattern)
        conf = self._spark._jsparkSession.sessionState().newHadoopConf()
        return normalized(str(path.getFileSystem(conf).makeQualified(path).toString()))

    def _matches_just(self, pattern: str, roots: Sequence[str]) -> bool:
        """Return whether a pattern gives these paths and no other, so that it may be what the author wrote."""
        path = self._spark._jvm.org.apache.hadoop.fs.Path(pattern)
        conf = self._spark._jsparkSession.sessionState().newHadoopConf()
        found = path.getFileSystem(conf).globStatus(path) or []
        return {normalized(str(status.getPath().toString())) for status in found} == set(roots)


def _jdbc_name(url: str, table: str) -> str:
    """Name a table of a database without what may be a credential, which drivers take in many places."""
    place = re.sub(r"[^/@:]*/[^/@]*@|[^/@]*@", "", re.split("[?;]", url, maxsplit=1)[0])
    is_name = re.fullmatch(r'[\w.`"$-]+', table)
    return f"{place} {table if is_name else 'a query'}"
