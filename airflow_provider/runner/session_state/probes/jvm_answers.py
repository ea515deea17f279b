"""What the JVM of a classic session answers, as plain data."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def unpack(answer: str) -> Any:
    """Return what Java packed because it may be long."""
    return json.loads(gzip.decompress(base64.b64decode(answer)))


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


class LastAnswer:
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
                if section in before and not changed and not gone:
                    sections[section] = before[section]  # the same object, which needs no comparison
                    continue
                sections[section] = {**before.get(section, {}), **changed}
                for name in gone:
                    del sections[section][name]
        self._sections, self.number = sections, answer["number"]
        mark = None if "mark" in unknown else (answer["next_execution"], answer["next_job"])
        return JvmAnswer(KnownSections(sections, unknown), mark)


@dataclass
class ComponentAnswers:
    """What came with a look at the session after a component; nothing of it if it came without.

    :ivar overwritten: what it was about to overwrite
    :ivar since: the mark at which it began, and what Spark has noted since
    :ivar sources: the views that it left, and what it read together with what they read
    :ivar unstable: these views to why they would show other rows if they were computed again
    :ivar pins: these views to the numbers of their pinned plans; what is not asked for is unpinned later
    """

    overwritten: list[Any] | None = None
    since: tuple[Any, dict[str, Any]] | None = None
    sources: tuple[set[tuple[str, bool]], dict[str, Any]] | None = None
    unstable: dict[tuple[str, bool], str | None] = field(default_factory=dict)
    pins: dict[tuple[str, bool], int] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Mapping[str, Any], mark: Any) -> ComponentAnswers:
        """Return what the JVM told.

        :param mark: where the history stood when the component began
        """
        views = {(name, is_global): (pin, why) for name, is_global, pin, why in told.get("views", ())}
        return cls(
            told.get("overwritten"),
            (mark, told["since"]) if "since" in told else None,
            (set(views), told["sources"]) if "sources" in told else None,
            {view: why for view, (_, why) in views.items()},
            {view: pin for view, (pin, _) in views.items()},
        )
