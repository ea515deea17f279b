"""What a ready-made component knows about the pipeline around it, so that it does no harm to other components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_MADE = "airflow_provider.components."


@dataclass(frozen=True)
class LaterComponent:
    """A later component, with what its config and code say about what it does.

    :param target: the class or function itself; None if it is unknown
    """

    name: str
    class_path: str
    config: Mapping[str, Any] = field(default_factory=dict)
    target: Any = None

    @property
    def kind(self) -> str | None:
        """Name of the ready-made class; None for a component of the author's own."""
        is_ready_made = self.class_path.startswith(READY_MADE)
        return self.class_path.rpartition(".")[2] if is_ready_made else None


@dataclass(frozen=True)
class ComponentContext:
    """The pipeline around one component.

    :param later: the components that run after it in this attempt, in their order
    :param left_by: temp view, in lower case, to the component that left it last
    :param run: distinguishes this run from all others; empty if it is unknown
    :param keeps: directories that the run itself needs
    """

    component: str
    pipeline: str = ""
    later: tuple[LaterComponent, ...] = ()
    left_by: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    keeps: tuple[Path, ...] = ()

    def who_left(self, view: str) -> str:
        """Return a phrase with the component that left a view; empty if that is unknown."""
        name = self.left_by.get(view.lower().strip("`"))
        return f" (left by component {name!r})" if name else ""
