"""What probes tell of a Spark session, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider.runner.record.session_state_record import CatalogObject
from airflow_provider.runner.record.view_names import quote

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Section = Mapping[str, str]
"""One kind of session state as the JVM tells it: names, each with a text that changes when the thing is made anew."""


@dataclass(frozen=True)
class SessionLook:
    """A look into a session at one moment, of which each kind of session state takes its part.

    :param sections: what the JVM of a classic session told, all in one call; None for Spark Connect, where each kind
        asks with statements of its own
    :param mark: where the session's history stands
    :param memory: what kinds keep from one look into this session to the next, by the name of the kind
    """

    spark: SparkSession
    sections: Mapping[str, Section] | None
    mark: Any = None
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CatalogDescription:
    """Databases and tables as data.

    :param objects: all of them, in the order in which they can be created again
    :param chosen: those of them whose component chose their location
    :param lost: name of each that cannot be recorded as data, to the reason
    :param left_out: name of each that is recorded without details that no reader needs, to these details
    """

    objects: list[CatalogObject] = field(default_factory=list)
    chosen: list[CatalogObject] = field(default_factory=list)
    lost: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, list[str]] = field(default_factory=dict)

    def without_chosen(self, why: str) -> CatalogDescription:
        """Return the same without those whose component chose their location, and without what is in them.

        :param why: why they are lost
        """
        chosen = {item.name for item in self.chosen}
        chosen |= {item.name for item in self.objects if quote(item.database) in chosen}
        kept = [item for item in self.objects if item.name not in chosen]
        return CatalogDescription(kept, [], {**self.lost, **dict.fromkeys(chosen, why)}, self.left_out)


@dataclass(frozen=True)
class ViewFacts:
    """What decides how far the saved copy of a view can stand for the view.

    :param live: whether the view follows what is written to its sources, which its copy cannot do
    :param names: the temp views, temp functions (``f()``) and session variables (``@``) that its SQL text names, also
        through other views
    :param ordered: whether its rows have an order of their own
    :param redrawn: why each reader gets other rows; None if all get the same
    """

    live: bool
    names: tuple[str, ...] = ()
    ordered: bool = False
    redrawn: str | None = None
