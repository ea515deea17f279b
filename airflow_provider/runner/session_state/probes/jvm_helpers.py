"""Asks the JVM of a classic session for everything at once.

A call to the JVM costs more than the work that it does there, so small Java classes do all of it in one call. Spark
compiles them with Janino, its compiler for the code that it generates itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from importlib.resources import files
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider.runner.session_state.probes.jvm_answers import (
    ComponentAnswers,
    JvmAnswer,
    LastAnswer,
    unpack,
)
from airflow_provider.runner.session_state.session_inspection import LONGEST_LOOK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Made = TypeVar("Made", bound=Callable[..., Any])

_HELPERS = (
    "SessionOwners",
    "SharedChanges",
    "SessionHistory",
    "SessionContents",
    "SessionSources",
    "CatalogTables",
    "ComponentLook",
)
_GUARD = "SessionGuard"


class SessionJvm:
    """Asks ``SessionContents.java`` and ``SessionHistory.java`` about one session.

    What a component did comes with the look at the session after it, see ``ComponentLook.java``. Each such answer is
    given once, to whoever asks first; what did not come, or is asked for again, costs a call of its own.

    :ivar catalog: ``CatalogTables.java`` of that session
    :ivar sources: ``SessionSources.java`` of it
    """

    def __init__(self, spark: SparkSession) -> None:
        self._look = load_jvm_helper(spark, "ComponentLook")
        self._contents = self._look.contents()
        self._contents.waitAtMost(int(LONGEST_LOOK * 1000))
        self._history = self._look.history()
        self.sources = self._look.sources()
        self.catalog = load_jvm_helper(spark, "CatalogTables")
        self._known = LastAnswer()
        self._gateway = spark.sparkContext._gateway
        self._sections: set[str] = set()
        self._listing = (0, 0)
        self._mark: Any = None  # where the history stood when the last component began
        self._notes_sources = False
        self._with_look = ComponentAnswers()

    def guard_with(self, guard: Any) -> None:
        """Let the statements of components be inspected.

        :param guard: what :func:`load_guard` returned
        """
        self._look.guardWith(guard)

    def tell_sources(self, most: int, seconds: float) -> None:
        """Let looks tell what components read.

        :param most: how many files may be told
        :param seconds: how long that may take
        """
        self._listing = (most, int(seconds * 1000))

    def begin(self, component: str, mark: tuple[int, int] | None) -> bool:
        """A component begins: note what it does. Return whether its statements are inspected, too.

        :param mark: where the session's history stands, None if that is not known
        """
        unused, self._with_look = list(self._with_look.pins.values()), ComponentAnswers()
        self._mark = mark
        failed = self._look.begin(component, *(mark or (-1, -1)), json.dumps(unused)).split()
        self._notes_sources = "sources" not in failed
        return "guard" not in failed

    def begin_sources(self) -> None:
        """Note what is read, unless :meth:`begin` has just begun to."""
        begun, self._notes_sources = self._notes_sources, False
        if not begun:
            self.sources.begin()

    def end(self) -> None:
        """The component failed, so what it did is not asked for."""
        self._look.end()

    def contents(self, sections: Mapping[str, str]) -> JvmAnswer:
        """Return what is in the session, and where its history stands.

        Views, global views and which of them are cached are always part of it.

        :param sections: name of each further section to the Java class that tells it, see
            :attr:`~airflow_provider.runner.session_state.kinds.session_state_kind.SessionStateKind.jvm_section`
        """
        for name in sections.keys() - self._sections:
            self._contents.addSection(name, _compiled_section(self._gateway, sections[name]).newInstance())
            self._sections.add(name)
        text = self._look.look(self._known.number, *self._listing)
        found: dict[str, Any] = json.loads(text) if text.startswith("{") else unpack(text)
        if "component" in found:
            self._with_look = ComponentAnswers.of(found["component"], self._mark)
        return self._known.updated(found)

    def overwritten(self) -> list[Any] | None:
        """Return what the component was about to overwrite, as the guard tells it; None if the look did not tell."""
        told, self._with_look.overwritten = self._with_look.overwritten, None
        return told

    def found_sources(self, views: Sequence[tuple[str, bool]]) -> dict[str, Any] | None:
        """Return what the component read, see ``SessionSources.java``; None if the look did not tell.

        :param views: that it left: name, and whether it is global
        """
        told, self._with_look.sources = self._with_look.sources, None
        return told[1] if told is not None and told[0] == set(views) else None

    def why_unstable(self, name: str, is_global: bool, quoted: str) -> str | None:
        """Return why a temp view would show other rows if it were computed again, None if it would not.

        :param is_global: whether it is a global temp view
        :param quoted: how SQL names it
        """
        if (name, is_global) in self._with_look.unstable:
            return self._with_look.unstable.pop((name, is_global))
        why: str | None = self._contents.whyUnstable(name, is_global, quoted)
        return why

    def pin_plan(self, name: str, is_global: bool) -> int:
        """Pin the plan of a temp view; return its number, 0 if it has none of its own."""
        if (name, is_global) in self._with_look.pins:
            return self._with_look.pins.pop((name, is_global))
        return int(self._contents.pinPlan(name, is_global))

    def pin_view(self, name: str, is_global: bool) -> int:
        """Pin a temp view itself, which may go on changing; return its number, 0 if there is none."""
        return int(self._contents.pinView(name, is_global))

    def view_facts(self, name: str, is_global: bool, quoted: str, number: int) -> dict[str, Any]:
        """Return what the saved copy of a temp view has to go with, see ``SessionContents.java``."""
        found: dict[str, Any] = json.loads(self._contents.viewFacts(name, is_global, quoted, number))
        return found

    def plan_reads(self, number: int, view: int) -> bool:
        """Return whether a pinned plan reads a pinned view."""
        return bool(self._contents.planReads(number, view))

    def mark_saved(self, name: str, is_global: bool) -> None:
        """Note that a temp view has a copy: a later attempt builds on it what this one builds on the view."""
        self._contents.markSaved(name, is_global)

    def pinned(self, number: int) -> Any:
        """Return what is pinned, as a Dataset of the JVM."""
        return self._contents.pinned(number)

    def unpin(self, number: int) -> None:
        """Unpin a plan or view."""
        self._contents.unpin(number)

    def since(self, mark: tuple[int, int]) -> dict[str, Any]:
        """Return what Spark has noted since a mark."""
        told, self._with_look.since = self._with_look.since, None
        if told is not None and told[0] == mark:
            return told[1]
        found: dict[str, Any] = json.loads(self._history.since(*mark))
        return found


def load_jvm_helper(spark: SparkSession, name: str) -> Any:
    """Return an object in the JVM that looks at a session.

    :param name: name of one of the Java classes
    """
    look = _compiled(spark.sparkContext._gateway)[name].newInstance()
    look.of(spark._jsparkSession)
    return look


def load_java(spark: SparkSession, source: str) -> Any:
    """Return a new object of a Java class, which is compiled when it is first asked for.

    :param source: may use those that lie next to this module
    """
    return _compiled_section(spark.sparkContext._gateway, source).newInstance()


def load_guard(spark: SparkSession) -> Any:
    """Return the object in the JVM that sees every plan of a session, see ``SessionGuard.java``."""
    found = _compiled_guard(spark.sparkContext._gateway).newInstance()
    found.of(spark._jsparkSession)
    return found


def java_sources() -> dict[str, str]:
    """Return the Java classes by name: they lie next to this module, also in a zip file."""
    here = files(__package__)
    return {name: here.joinpath(f"{name}.java").read_text(encoding="utf-8") for name in (*_HELPERS, _GUARD)}


def compile_helpers(gateway: Any, sections: Iterable[str]) -> None:
    """Compile all of it before it is asked for.

    :param sections: the Java classes of kinds of session state
    """
    _compiled(gateway)
    _compiled_guard(gateway)
    for source in sections:
        _compiled_section(gateway, source)


def _made_once(most: int) -> Callable[[Made], Made]:
    """Keep what a function returned for its last arguments; threads that ask at once wait for one of them.

    :param most: for how many of them
    """

    def keep(make: Made) -> Made:
        kept, lock = lru_cache(maxsize=most)(make), RLock()

        @wraps(make)
        def locked(*arguments: Any) -> Any:
            with lock:
                return kept(*arguments)

        return cast("Made", locked)

    return keep


@_made_once(1)  # a process has one JVM, whatever sessions come and go in it
def _compiled(gateway: Any) -> dict[str, Any]:
    loader = _loader_of_spark(gateway)
    compiled = {}
    for name in _HELPERS:
        loader = _compile(gateway, java_sources()[name], loader)  # a class may use those before it
        compiled[name] = loader.loadClass(name)
    return compiled


@_made_once(1)
def _compiled_guard(gateway: Any) -> Any:
    return _compile(gateway, java_sources()[_GUARD], _loader_of_helpers(gateway)).loadClass(_GUARD)


@_made_once(64)
def _compiled_section(gateway: Any, source: str) -> Any:
    found = re.search(r"^public class (\w+)", source, re.MULTILINE)
    if found is None:
        raise ValueError("the Java source of a section has no public class")
    return _compile(gateway, source, _loader_of_helpers(gateway)).loadClass(found[1])


def _loader_of_helpers(gateway: Any) -> Any:
    """Return the loader of classes that may use those that tell of a session."""
    return _compiled(gateway)["SessionContents"].getClassLoader()


def _loader_of_spark(gateway: Any) -> Any:
    return gateway.jvm.java.lang.Class.forName("org.apache.spark.sql.classic.SparkSession").getClassLoader()


def _compile(gateway: Any, source: str, loader: Any) -> Any:
    compiler = gateway.jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(loader)
    compiler.cook(source)
    return compiler.getClassLoader()
