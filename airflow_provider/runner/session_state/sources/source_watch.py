"""Finds out what components read and wrote."""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from airflow_provider.errors import describe
from airflow_provider.masking import mask
from airflow_provider.runner.config.interrupted_call import clean_up
from airflow_provider.runner.record.source_record import SourceRecord, TouchedData
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes.blind_probe import BlindProbe
from airflow_provider.runner.session_state.probes.jvm_helpers import SessionJvm
from airflow_provider.runner.session_state.sources.added_copies import added_files, is_added_copy, is_of_added_copies
from airflow_provider.runner.session_state.sources.classic_reads import ClassicSources
from airflow_provider.runner.session_state.sources.compare import replaced_files, source_change
from airflow_provider.runner.session_state.sources.connect_reads import ConnectSources
from airflow_provider.runner.session_state.sources.look import driver_files, refresh_source
from airflow_provider.runner.session_state.sources.paths import final_target, normalized, writes_into
from airflow_provider.runner.spark.kind import spark_kind

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 10.0
"""How long a look at the sources of views is good enough."""


class SourceProbe(Protocol):
    """One way to find out what is read in a session."""

    def begin(self) -> None:
        """Begin to note what is read."""

    def end(self) -> None:
        """Stop taking notes."""

    def found(self, views: Sequence[ViewName]) -> tuple[list[SourceRecord], list[str]]:
        """Return what was read since then or is read by views, and where Spark wrote."""


def watch_sources(spark: SparkSession, saved_url: str | None = None, jvm: SessionJvm | None = None) -> SourceWatch:
    """Return what finds out what is read in a session.

    :param spark: a classic session or one of Spark Connect
    :param saved_url: directory of this run for saved views; None if nothing is saved
    :param jvm: asks the JVM of a classic session, which tells with each look what was read; default: one that no look
        is made with
    """
    return SourceWatch(_source_probe(spark, jvm), spark, saved_url)


def _source_probe(spark: SparkSession, jvm: SessionJvm | None) -> SourceProbe:
    try:
        is_classic = spark_kind(spark) == "classic"
        return ClassicSources(spark, jvm or SessionJvm(spark)) if is_classic else ConnectSources(spark)
    except Exception as error:  # noqa: BLE001 - then nothing is known of what is read
        return cast("SourceProbe", BlindProbe(describe(error)))


@dataclass
class _LastLook:
    at: float


@dataclass(frozen=True)
class ReplacedSource:
    """A source with files that another program replaced while a view of this run reads them.

    :param name: what people call it
    :param files: how many files
    :param component: the one that left the views
    :param views: its views
    """

    name: str
    files: int
    component: str
    views: Sequence[ViewName]

    def __str__(self) -> str:
        names = ", ".join(repr(str(view)) for view in self.views)
        several = "files were" if self.files > 1 else "file was"
        return (
            f"{self.files} {several} replaced in {self.name}, which views of {self.component!r} read ({names}). Spark "
            "goes on with the lengths that they had, so such a view shows no rows or a part of them, without an error"
        )


class SourceWatch:
    """What the components of one attempt read, and what earlier ones had read.

    :param probe: finds it out
    :param saved_url: directory of this run for saved views. They are no source: what they were made of is one, of the
        component that left them
    """

    def __init__(
        self,
        probe: SourceProbe,
        spark: SparkSession,
        saved_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._spark = spark
        self._saved_inside = f"{normalized(saved_url)}/" if saved_url else None
        self._blind: str | None = None
        self._known: dict[str, Sequence[SourceRecord]] = {}
        self._read_by_views: dict[str, tuple[Sequence[ViewName], list[SourceRecord]]] = {}
        self._last_look = _LastLook(clock())
        self._clock = clock

    def in_copy(self, spark: SparkSession, jvm: SessionJvm | None) -> SourceWatch:
        """Return what finds out what is read in a copy of the session; what is known of the attempt is the same."""
        made = copy.copy(self)
        made._probe, made._spark, made._blind = _source_probe(spark, jvm), spark, None
        return made

    def load_earlier_sources(self, sources: Mapping[str, Sequence[SourceRecord]]) -> None:
        """Know what components read that completed in earlier attempts."""
        self._known.update(sources)

    def begin(self) -> None:
        """A component begins."""
        try:
            self._probe.begin()
            self._blind = None
        except Exception as error:  # noqa: BLE001 - if Spark is gone, the component will say so in its own words
            self._blind = describe(error)

    def end(self) -> None:
        """A component failed, or what it read need not be known."""
        with contextlib.suppress(Exception):  # Spark may be what failed, and then it notes nothing any more
            clean_up(self._probe.end)

    def collect(
        self, component: str, views: Sequence[ViewName], targets: Iterable[str] = (), extra_files: Iterable[str] = ()
    ) -> TouchedData:
        """Return what a component read and wrote. Call it before its views are saved.

        :param views: the views that it left
        :param targets: what it wrote, beside what Spark's plans say
        :param extra_files: files that its Python code read in the driver
        """
        began = time.monotonic()
        try:
            found, written = self._probe.found(views)
        except Exception as error:  # noqa: BLE001 - the component has succeeded, so Spark must not fail it
            found, written, self._blind = [], [], describe(error)
        if self._blind is not None:
            why = f"Spark does not tell: {self._blind}"
            found = [*found, SourceRecord(kind="other", name="what it read", state="unknown", why=why)]
        sources = distinct_sources(self._outside(found, extra_files))
        writes = list(dict.fromkeys(mask(final_target(normalized(target))) for target in (*written, *targets)))
        self._known[component] = sources
        for source in sources:
            if source.state == "not listed":
                logger.info(
                    "%s: source %s was not checked (%s), so changes to it will go unnoticed",
                    component,
                    source.name,
                    source.why,
                )
        left = self.refresh_written(writes)
        self._read_by_views[component] = (views, sources if views else [])
        self._follow(left)
        logger.debug("%s: finding its sources took %.3f s", component, time.monotonic() - began)
        return TouchedData(sources=sources, writes=writes, left=left)

    def _outside(self, found: Iterable[SourceRecord], files: Iterable[str]) -> Iterator[SourceRecord]:
        """Yield the sources that outlive the application, with the files of which it has copies."""
        copies: list[str] = []
        for source in filter(self._is_source, found):
            if is_of_added_copies(source):
                copies += source.roots
            else:
                yield source
        own: list[str] = []
        for file in files:
            (copies if is_added_copy(file) else own).append(file)
        yield from driver_files([*own, *added_files(copies, self._spark)])

    def _is_source(self, source: SourceRecord) -> bool:
        places, saved = [*source.roots, *source.globs], self._saved_inside
        return not (places and saved and all(f"{place}/".startswith(saved) for place in places))

    def changed_components(self, components: Collection[str]) -> list[str]:
        """Return those of some components whose sources have changed since they read them, as far as that is known."""
        sources = {name: [s for s in self._known.get(name, ()) if s.state == "seen"] for name in components}
        now = {s.key: refresh_source(s, lambda: self._spark) for found in sources.values() for s in found}
        return [n for n, found in sources.items() if any(source_change(s, now[s.key]) is not None for s in found)]

    def is_due(self) -> bool:
        """Whether some time has passed since the last look for replaced files."""
        return self._clock() - self._last_look.at >= LOOK_AGAIN_SECONDS

    def replaced_since(self) -> list[ReplacedSource]:
        """Return the sources of views whose files another program has replaced since the views were made, each once.

        A view goes on with the lengths that its files had. It looks only if that :meth:`is_due`.
        """
        if not self.is_due():
            return []
        found = []
        for component, (views, sources) in self._read_by_views.items():
            for place, source in enumerate(sources):
                now = refresh_source(source, lambda: self._spark) if source.marks else source
                if files := replaced_files(source, now):
                    found.append(ReplacedSource(source.name, files, component, views))
                    sources[place] = now
        self._last_look.at = self._clock()
        return found

    def _follow(self, written: Iterable[SourceRecord]) -> None:
        """Know how sources are into which a component of the run has written: that is looked after elsewhere."""
        now = {source.key: source for source in written}
        for _, sources in self._read_by_views.values():
            sources[:] = [now.get(source.key, source) for source in sources]

    def refresh_written(self, writes: Collection[str]) -> list[SourceRecord]:
        """Look once more at the sources into which a component wrote.

        :param writes: paths, or names of tables
        """
        hit = {s.key: s for sources in self._known.values() for s in sources if writes_into(writes, s)}
        return [refresh_source(source, lambda: self._spark) for source in hit.values()]


def distinct_sources(sources: Iterable[SourceRecord]) -> list[SourceRecord]:
    """Return each source once, and twice if it was seen in two states.

    Of several names for the same files the one stays that covers most: the directory rather than its files.
    """
    found: dict[tuple[str, ...], SourceRecord] = {}
    for source in sorted(sources, key=_breadth):
        same_files = (source.digest, source.only or "") if source.files else (*source.key, source.state)
        found.setdefault(same_files, source)
    return sorted(found.values(), key=lambda source: source.name)


def _breadth(source: SourceRecord) -> tuple[bool, int, bool]:
    places = [*source.roots, *source.globs]
    return source.kind != "table", max((place.count("/") for place in places), default=0), bool(source.globs)
