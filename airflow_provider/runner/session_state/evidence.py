"""The evidence of what a component did outside the session, brought together from all that watched it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider.errors import SourceChangedError
from airflow_provider.masking import mask
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading
from airflow_provider.runner.fingerprint.code.component_code import read_component_code, read_executed
from airflow_provider.runner.record.code_record import CodeRecord
from airflow_provider.runner.record.progress_record import SparkUsage
from airflow_provider.runner.record.source_record import SourceRecord, TouchedData
from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.carried_code import CarriedCode
from airflow_provider.runner.session_state.effects.audit_watch import (
    DriverObservations,
    DriverWatch,
    SparkFootprint,
    spark_footprint,
    watch_driver,
)
from airflow_provider.runner.session_state.effects.executors import reasons_for_doubt
from airflow_provider.runner.session_state.effects.harmless import HarmlessVerdict, judge_code
from airflow_provider.runner.session_state.effects.module_state import module_values
from airflow_provider.runner.session_state.effects.ready_made import (
    configured_statement,
    declared_side_effect,
    is_ready_made,
)
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects
from airflow_provider.runner.session_state.effects.statement_kinds import StatementKind
from airflow_provider.runner.session_state.kinds import TEMP_VIEWS
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionChanges,
    StatementEffects,
)
from airflow_provider.runner.session_state.probes.probe import SessionProbe
from airflow_provider.runner.session_state.session_inspection import Question, SessionInspection
from airflow_provider.runner.session_state.sources.paths import writes_into
from airflow_provider.runner.session_state.sources.source_watch import watch_sources

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOTHING_SEEN = DriverObservations((), (), True, 0.0)
"""What counts as seen in the driver where that is not known."""

logger = logging.getLogger(__name__)

_MOST_DOUBTS = 3  # in a reason; one is enough to decide


@dataclass(frozen=True)
class Evidence:
    """What is known of one component.

    :param doubts: why it is not known that running it twice is the same as once; empty if it is
    :param work_seconds: the processor time that it took
    :param computed: whether it computed something, so that it knows what it read
    :param unstable: views that would show other rows if they were computed again
    :param touched: what it read and wrote
    :param readers: components that had read what it wrote to
    :param code: the code that it ran with; None if that could not be read
    :param statements: what its statements did to the session that no snapshot shows
    :param lazy_code: what its own code may do outside Spark when a view of it is computed; empty if nothing
    :param set_by_imports: environment variables that only modules set, when they were imported
    """

    doubts: tuple[str, ...]
    work_seconds: float
    computed: bool
    unstable: frozenset[ViewName]
    touched: TouchedData
    readers: tuple[str, ...]
    code: CodeRecord | None = None
    statements: StatementEffects = field(default_factory=StatementEffects)
    lazy_code: str = ""
    set_by_imports: frozenset[str] = frozenset()

    @classmethod
    def unknown(cls, why: str) -> Evidence:
        """Return what is known of a component of which nothing is known."""
        doubt = f"what it did is not known ({why})"
        return cls((doubt,), 0.0, True, frozenset(), unknown_sources(why), (), statements=StatementEffects(True))


@dataclass(frozen=True)
class _ReadyMadeFacts:
    """What is known of a component by its config alone, because it came with this package.

    :param side_effect: what it does outside the session, None if nothing
    :param statement: the statement that it runs
    :param needs_evidence: whether what Spark noted counts, too
    """

    side_effect: str | None = None
    statement: StatementKind = field(default_factory=StatementKind)
    needs_evidence: bool = True


class EvidenceCollector:
    """Collects the evidence of the components of one attempt, one after the other.

    :param url: directory of this run for saved views, which is no source
    :param inspection: asks about the session
    :ivar usage: what the last component took of Spark, None if that is not known
    :ivar readings: component to its code up to the modules that the author vouches for, None if it cannot be read
    """

    def __init__(
        self,
        spark: SparkSession,
        probe: SessionProbe,
        config: PipelineConfig,
        url: str | None,
        inspection: SessionInspection,
    ) -> None:
        self._config = config
        self._attach(probe, inspection)
        self._footprint = self._ask("how Spark's own acts are known", lambda: spark_footprint(spark), _no_footprint)
        self._source_watch = watch_sources(spark, url, probe.jvm)
        self._sources: dict[str, Sequence[SourceRecord]] = {}
        self._carried = CarriedCode()
        self.readings = {component.name: self._read_for_judging(component) for component in config.ordered}
        names = {name for reading in self.readings.values() if reading for name in reading.constants}
        self._state = self._ask("the values of modules", lambda: module_values(names), lambda why: {})

    def _attach(self, probe: SessionProbe, inspection: SessionInspection) -> None:
        self._probe = probe
        self._ask, self._ask_in_time = inspection.ask, inspection.ask_in_time
        self._ask_in_turn = inspection.ask_in_turn
        self._seen = DriverObservations((), (), False, 0.0)
        self.usage: SparkUsage | None = None

    def in_copy(
        self,
        spark: SparkSession,
        probe: SessionProbe,
        inspection: SessionInspection,
        above: Iterable[EvidenceCollector],
    ) -> EvidenceCollector:
        """Return what collects the evidence in a copy of the session; what is known of the attempt is the same.

        :param above: those of the ancestors of the copy's component, in the order of the plan
        """
        made = copy.copy(self)
        made._attach(probe, inspection)
        made._source_watch = self._source_watch.in_copy(spark, probe.jvm)
        made._carried = CarriedCode.of(other._carried for other in above)
        return made

    def load_earlier_sources(self, sources: Mapping[str, Sequence[SourceRecord]]) -> None:
        """Know what components read that completed in earlier attempts."""
        self._sources.update(sources)
        self._source_watch.load_earlier_sources(sources)

    def sources_of(self, component: str) -> Sequence[SourceRecord]:
        """Return what a component is known to have read."""
        return tuple(self._sources.get(component, ()))

    @contextmanager
    def watching(self, guarded: AbstractContextManager[None]) -> Iterator[None]:
        """Watch what happens in here.

        :param guarded: inspects the statements
        :raises SourceChangedError: another program has replaced files that views of this run read, and
            ``on_source_change`` is ``fail``
        """
        self.usage = None
        self._tell_replaced_sources()
        with guarded:
            self._source_watch.begin()
            watch = watch_driver(self._footprint)
            began = self._ask("what it does in the driver", lambda: watch.__enter__() is watch, lambda why: False)
            try:
                yield
            except BaseException:
                self._source_watch.end()
                raise
            finally:
                self._seen = NOTHING_SEEN
                if began:
                    self._seen = self._ask(
                        "what it did in the driver", lambda: _observations(watch), lambda why: NOTHING_SEEN
                    )

    def _tell_replaced_sources(self) -> None:
        what = "whether sources of views were replaced"
        if not self._ask(what, self._source_watch.is_due, lambda why: False):
            return
        remedy = "restart the run from the component that read them, and replace whole directories instead of files"
        sources = self._ask_in_time(what, self._source_watch.replaced_since, lambda why: [])
        replaced = list(map(str, sources))
        if replaced and self._config.on_source_change == "fail":
            raise SourceChangedError(self._config.name, replaced, f"on_source_change is 'fail'; {remedy}")
        for found in replaced:
            logger.warning("%s. Remedy: %s", found, remedy)

    def collect(self, component: ComponentConfig, mark: Any, left: SessionChanges, entered: Sequence[str]) -> Evidence:
        """Return the evidence of a component that has just completed. Call it before its views are saved.

        :param mark: where the session's history stood before it
        :param left: what it left in the session
        :param entered: the author's functions that ran, as far as Python could tell
        """
        seen, views = self._seen, left.of(TEMP_VIEWS).left
        read_files = set(seen.read_files).difference(seen.written_files)  # what it wrote is its own

        def targets(effects: SparkEffects) -> tuple[str, ...]:
            return (*effects.targets, *seen.written_files)

        rows = _ViewRows(self._probe, views)
        effects, touched, _ = self._ask_in_turn(
            self._question_since(mark),
            Question(
                "what it read",
                lambda known: self._source_watch.collect(component.name, views, targets(known[0]), read_files),
                lambda why, known: unknown_sources(why, targets(known[0])),
            ),
            Question("whether its views always show the same rows", rows.look, rows.give_up),
        )
        self.usage = effects.usage
        # A replay may read what was saved of an earlier component, and what that had read still counts for it.
        self._sources[component.name] = [*self._sources.get(component.name, ()), *touched.sources]
        self._source_watch.load_earlier_sources({component.name: self._sources[component.name]})
        code, unread = self._ask(
            "its code", lambda: read_executed(component, self._config, entered), lambda why: (None, [])
        )
        reading = self._read_for_judging(component, unread) if self._config.harmless_modules else code
        known = self._ask("what its config says", lambda: self._known(component, effects, left), _nothing_known)
        read = self._ask("what its code does", lambda: self._judge(component, reading, known), _not_judged)
        unstable = rows.unstable()
        python = self._carried.unknown_python(component.name, effects, read)
        is_lazy = any(kind.name in left.unknown or kind.leaves_code(left) for kind in kinds.KINDS)
        self._carried.add_lazy_code(component.name, read.missing[0] if read.missing and is_lazy else None)
        doubts = [
            *(str(act) for act in seen.acts),
            *(["did more than could be recorded"] if seen.truncated else []),
            *read.missing,
            *(reasons_for_doubt(effects) if known.needs_evidence else ()),
            *python,
            *self._carried.unknown_java(component.name, effects),
            *(["is a sink"] if component.component_type == "sink" else []),
            *(
                f"reads {s.name} ({s.why or 'it is not known what that holds'})"
                for s in touched.sources
                if s.state != "seen" and (known.needs_evidence or known.statement.reads)
            ),
            *unstable.values(),
            *read.varying,
            *effects.varying,
            *(f"changed {name}, so another run would start with another value" for name in self._changed(reading)),
        ]
        return Evidence(
            doubts=_shortened(doubts),
            # Python on executors does not count as CPU time of Spark tasks.
            work_seconds=seen.cpu_seconds + (effects.task_seconds if effects.ran_python else effects.cpu_seconds),
            computed=effects.computed or bool(seen.read_files),
            statements=StatementEffects(
                set_variables=effects.variables or known.statement.sets_variable,
                declared=self._carried.own_variables(component.name, effects.declared),
                added=effects.added,
                registered=effects.registered,
                sets_path=effects.sets_path,
            ),
            unstable=frozenset(unstable),
            touched=touched,
            readers=tuple(self._readers_of(touched.writes)),
            code=CodeRecord.of(code, unread) if code is not None else None,
            lazy_code=self._carried.lazy_code(component.name),
            set_by_imports=seen.set_by_imports,
        )

    def forget_lazy_code(self, component: str) -> None:
        """Forget the lazy code of a component whose views have a copy: readers after a failure do not run it."""
        self._carried.add_lazy_code(component, None)

    def with_changed_sources(self, components: Collection[str]) -> list[str]:
        """Return those of some components whose sources have changed, or may have."""
        if not components:
            return []
        return self._ask_in_time(
            "whether what was read has changed",
            lambda: self._source_watch.changed_components(components),
            lambda why: list(components),
        )

    def with_unchanged_sources(self, components: Collection[str]) -> set[str]:
        """Return those of some components whose sources are all known to be unchanged."""
        known = {name for name in components if all(s.state == "seen" for s in self._sources.get(name, ()))}
        return known.difference(self.with_changed_sources(known))

    def after_failure(self, mark: Any) -> tuple[list[str], list[SourceRecord]]:
        """Return the components that had read what was written since a mark, and how their sources are now.

        :param mark: where the session's history stood before the component that failed
        """
        (effects,) = self._ask_in_turn(self._question_since(mark))
        self.usage = effects.usage
        written = [*effects.targets, *self._seen.written_files]
        left = self._ask_in_time(
            "how what it had written is now", lambda: self._source_watch.refresh_written(written), lambda why: []
        )
        return self._readers_of(written), left

    def _question_since(self, mark: Any) -> Question:
        def asked(_: object) -> SparkEffects:
            if mark is None:
                raise LookupError("where its history stood before the component is not known")
            return self._probe.effects_since(mark)

        return Question("what it let Spark do", asked, lambda why, _: SparkEffects.unknown(why))

    def _readers_of(self, targets: Iterable[str]) -> list[str]:
        written = list(targets)
        return [n for n, sources in self._sources.items() if any(writes_into(written, source) for source in sources)]

    def _read_for_judging(self, component: ComponentConfig, unread: Sequence[str] = ()) -> CodeReading | None:
        """Read code up to the modules that the author vouches for. What lies beyond is recorded only.

        :param unread: the author's functions that ran although nothing refers to them, not even beyond
        """
        vouched = self._config.harmless_modules
        return self._ask(
            "its code",
            lambda: read_component_code(component, self._config.base_dir, unread, stops=vouched),
            lambda why: None,
        )

    def _changed(self, reading: CodeReading | None) -> list[str]:
        """Return the values of modules that are not what they were before this component.

        What its code only sets, and does not ask for, is the same after another run.
        """
        names = reading.constants if reading is not None else ()
        now = self._ask("the values of modules", lambda: module_values(names), lambda why: {})
        changed = [name for name, value in now.items() if self._state.get(name, value) != value]
        self._state.update(now)
        return [name for name in changed if reading is None or not reading.only_sets(name)]

    def _known(self, component: ComponentConfig, effects: SparkEffects, left: SessionChanges) -> _ReadyMadeFacts:
        """Return what is known of a component by its config alone."""
        target = component.target()
        if not is_ready_made(target):
            return _ReadyMadeFacts()
        arguments = target, component.config, self._config.base_dir, component.texts
        does, statement = declared_side_effect(*arguments), configured_statement(*arguments) or StatementKind()
        if effects.certain and effects.complete:
            return _ReadyMadeFacts(
                None if statement.of_spark else does, statement
            )  # Spark has noted what the statement did
        # A view may show other rows the next time, which its text alone does not tell.
        return _ReadyMadeFacts(
            does, statement, needs_evidence=bool(left.of(TEMP_VIEWS).left) or not statement.in_session
        )

    def _judge(
        self, component: ComponentConfig, reading: CodeReading | None, known: _ReadyMadeFacts
    ) -> HarmlessVerdict:
        if is_ready_made(component.target()):
            varies = ("sets a variable to a value that differs each time",) if known.statement.varies else ()
            return HarmlessVerdict((known.side_effect,) if known.side_effect else (), varies)
        if reading is None:
            return HarmlessVerdict(("its code cannot be read",), ())
        return judge_code(reading, self._config.harmless_modules)


class _ViewRows:
    """Which views of a component would show other rows if they were computed again."""

    def __init__(self, probe: SessionProbe, views: Collection[ViewName]) -> None:
        self._probe = probe
        self._views = views
        self._found: dict[ViewName, str] = {}
        self._seen: list[ViewName] = []
        self._is_given_up = False

    def look(self, _: object) -> None:
        for view in self._views:
            if (why := self._probe.why_unstable(view)) is not None:
                self._found[view] = why
            self._seen.append(view)

    def give_up(self, *_: object) -> None:
        self._is_given_up = True

    def unstable(self) -> dict[ViewName, str]:
        """Return these views, to the reason."""
        known = dict(self._found)  # what took too long may still come
        if self._is_given_up:
            known |= {view: f"view {str(view)!r} cannot be inspected" for view in self._views if view not in self._seen}
        return known


def unknown_sources(why: str, targets: Iterable[str] = ()) -> TouchedData:
    """Return what counts as read where that is not known.

    :param targets: what is known to be written
    """
    unknown = SourceRecord(kind="other", name="what it read", state="unknown", why=f"Spark does not tell: {why}")
    return TouchedData(sources=[unknown], writes=[mask(target) for target in targets])


def _observations(watch: DriverWatch) -> DriverObservations:
    watch.__exit__(None, None, None)
    return watch.seen


def _no_footprint(why: str) -> SparkFootprint:
    return SparkFootprint()  # then Spark's own acts count as the component's


def _nothing_known(why: str) -> _ReadyMadeFacts:
    return _ReadyMadeFacts(f"does what is not known: {why}")


def _not_judged(why: str) -> HarmlessVerdict:
    return HarmlessVerdict((f"its code cannot be judged: {why}",), ())


def _shortened(doubts: Sequence[str]) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(doubts))
    more = len(distinct) - _MOST_DOUBTS
    return (*distinct[:_MOST_DOUBTS], *([f"and {more} more"] if more > 0 else []))
