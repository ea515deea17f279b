"""Asks the JVM of a classic session for everything at once.

A call to the JVM costs more than the work that it does there, so small Java classes do all of it in one call. Spark
compiles them with Janino, its compiler for the code that it generates itself.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from importlib.resources import files
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider.runner.session_state.session_inspection import LONGEST_LOOK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Made = TypeVar("Made", bound=Callable[..., Any])

_HELPERS = ("SessionHistory", "SessionContents", "SessionSources", "CatalogTables")
_GUARD = "SessionGuard"


class SessionJvm:
    """Asks ``SessionContents.java`` and ``SessionHistory.java`` about one session.

    :ivar catalog: ``CatalogTables.java`` of that session
    """

    def __init__(self, spark: SparkSession) -> None:
        self._contents = load_jvm_helper(spark, "SessionContents")
        self._contents.waitAtMost(int(LONGEST_LOOK * 1000))
        self._history = load_jvm_helper(spark, "SessionHistory")
        self.catalog = load_jvm_helper(spark, "CatalogTables")
        self._known = _LastAnswer()
        self._gateway = spark.sparkContext._gateway
        self._sections: set[str] = set()

    def contents(self, sections: Mapping[str, str]) -> JvmAnswer:
        """Return what is in the session, and where its history stands.

        Views, global views and which of them are cached are always part of it.

        :param sections: name of each further section to the Java class that tells it, see
            :attr:`~airflow_provider.runner.session_state.kinds.session_state_kind.SessionStateKind.jvm_section`
        """
        for name in sections.keys() - self._sections:
            self._contents.addSection(name, _compiled_section(self._gateway, sections[name]).newInstance())
            self._sections.add(name)
        found: dict[str, Any] = json.loads(self._contents.contents(self._known.number))
        return self._known.updated(found)

    def why_unstable(self, name: str, is_global: bool, quoted: str) -> str | None:
        """Return why a temp view would show other rows if it were computed again, None if it would not.

        :param is_global: whether it is a global temp view
        :param quoted: how SQL names it
        """
        why: str | None = self._contents.whyUnstable(name, is_global, quoted)
        return why

    def pin_plan(self, name: str, is_global: bool) -> int:
        """Pin the plan of a temp view; return its number, 0 if it has none of its own."""
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
        found: dict[str, Any] = json.loads(self._history.since(*mark))
        return found


class KnownSections(dict[str, dict[str, str]]):
    """Sections by name; asking for one that could not be looked at raises the reason.

    :param sections: as the JVM tells them
    :param unknown: name of a section that could not be looked at, to the reason
    """

    def __init__(self, sections: Mapping[str, dict[str, str]], unknown: Mapping[str, str]) -> None:
        super().__init__({name: section for name, section in sections.items() if name not in unknown})
        self._unknown = unknown

    def __missing__(self, name: str) -> dict[str, str]:
        raise LookupError(self._unknown.get(name, f"Spark did not tell of {name}"))


@dataclass(frozen=True)
class JvmAnswer:
    """What the JVM tells of a session.

    :param sections: what is in it
    :param mark: where its history stands: the ids of the next SQL execution and the next job; None if not known
    """

    sections: KnownSections
    mark: tuple[int, int] | None


class _LastAnswer:
    """All sections as of the last answer. Each answer holds only what has changed since the one before."""

    def __init__(self) -> None:
        self.number = 0
        self._sections: dict[str, dict[str, str]] = {}

    def updated(self, answer: dict[str, Any]) -> JvmAnswer:
        """Return all sections, brought up to date. What was returned before stays as it was."""
        before = self._sections if answer["since"] else {}
        unknown: dict[str, str] = answer["unknown"]
        sections = {name: before[name] for name in unknown.keys() & before.keys()}
        for section, content in answer.items():
            if isinstance(content, list):
                changed, gone = content
                sections[section] = {**before.get(section, {}), **changed}
                for name in gone:
                    del sections[section][name]
        self._sections, self.number = sections, answer["number"]
        mark = None if "mark" in unknown else (answer["next_execution"], answer["next_job"])
        return JvmAnswer(KnownSections(sections, unknown), mark)


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


def unpack(answer: str) -> Any:
    """Return what Java packed because it may be long."""
    return json.loads(gzip.decompress(base64.b64decode(answer)))


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
    return _compile(gateway, java_sources()[_GUARD], _loader_of_spark(gateway)).loadClass(_GUARD)


@_made_once(64)
def _compiled_section(gateway: Any, source: str) -> Any:
    found = re.search(r"^public class (\w+)", source, re.MULTILINE)
    if found is None:
        raise ValueError("the Java source of a section has no public class")
    return _compile(gateway, source, _compiled(gateway)["SessionContents"].getClassLoader()).loadClass(found[1])


def _loader_of_spark(gateway: Any) -> Any:
    return gateway.jvm.java.lang.Class.forName("org.apache.spark.sql.classic.SparkSession").getClassLoader()


def _compile(gateway: Any, source: str, loader: Any) -> Any:
    compiler = gateway.jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(loader)
    compiler.cook(source)
    return compiler.getClassLoader()
