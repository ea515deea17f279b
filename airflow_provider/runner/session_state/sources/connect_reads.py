"""What is read in a Spark Connect session, as far as its client can tell."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider.errors import describe
from airflow_provider.runner.record.source_record import SourceRecord
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.sources.globs import pattern_of
from airflow_provider.runner.session_state.sources.hidden_files import NOTHING, hidden_by
from airflow_provider.runner.session_state.sources.look import MOST_ROOTS, places_name, refresh_source
from airflow_provider.runner.session_state.sources.paths import normalized

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WITHOUT_SOURCE = re.compile(r"[\s:+|-]*(Range|LocalRelation|OneRowRelation)\b")


class ConnectSources:
    """Asks for the files of views. What statements read that left no view is not known."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def begin(self) -> None:
        """Nothing: the server does not tell what is executed."""

    def end(self) -> None:
        """Nothing, like :meth:`begin`."""

    def found(self, views: Sequence[ViewName]) -> tuple[list[SourceRecord], list[str]]:
        unknown = SourceRecord(
            kind="other",
            name="what its statements read",
            state="unknown",
            why="Spark Connect does not report it",
        )
        return [unknown, *(source for view in views for source in self._of(view))], []

    def _of(self, view: ViewName) -> list[SourceRecord]:
        try:
            frame = self._spark.table(view.quoted("global_temp"))
            files = sorted({normalized(unquote(file)) for file in frame.inputFiles()})
        except Exception as error:  # noqa: BLE001 - whatever the server objects to
            return [_untold(view, describe(error))]
        if not files:
            return [] if self._reads_nothing(frame) else [_untold(view, "Spark Connect does not report it")]
        # The client sees the files, not the path that they were found with.
        directories = sorted({file.rpartition("/")[0] for file in files})
        pattern = pattern_of(files)
        shows_hidden = any(hidden_by(None)(file.rpartition("/")[2]) for file in files)
        ignored = NOTHING if shows_hidden else None
        if len(files) > MOST_ROOTS and pattern is None and len(directories) > MOST_ROOTS:
            return [_untold(view, f"its files are in more than {MOST_ROOTS} directories")]
        if pattern is not None:
            record = SourceRecord(kind="files", name=places_name([pattern]), globs=[pattern], ignored=ignored)
        else:
            roots = files if len(files) <= MOST_ROOTS else directories
            record = SourceRecord(kind="files", name=places_name(roots), roots=roots, ignored=ignored)
        return [refresh_source(record, lambda: self._spark)]

    def _reads_nothing(self, frame: Any) -> bool:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            frame.explain(extended=True)
        plan = out.getvalue().partition("== Optimized Logical Plan ==")[0].partition("== Analyzed Logical Plan ==")[2]
        depths = [(len(line) - len(line.lstrip(" :+|-")), line) for line in plan.splitlines() if line.strip()]
        leaves = [
            line
            for index, (depth, line) in enumerate(depths)
            if depth and (index + 1 == len(depths) or depths[index + 1][0] <= depth)
        ]
        return bool(leaves) and all(_WITHOUT_SOURCE.match(line) for line in leaves)


def _untold(view: ViewName, why: str) -> SourceRecord:
    return SourceRecord(kind="other", name=f"what view {str(view)!r} reads", state="unknown", why=why)
