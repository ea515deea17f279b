"""What a ready-made component gets to know of the pipeline around it, and when it mends what earlier attempts left."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.config.absolute_paths import working_directory
from airflow_provider.runner.config.component_context import ComponentContext, LaterComponent
from airflow_provider.runner.config.dataflow import DataFlow
from airflow_provider.runner.config.interrupted_call import sound_connection
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig
from airflow_provider.runner.planning.plan import Action, RunPlan
from airflow_provider.runner.record.session_state_record import SessionStateRecord
from airflow_provider.runner.storage.spark_urls import local_path

logger = logging.getLogger(__name__)


class ComponentContexts:
    """Knows what runs in an attempt and which component left which view.

    :param config: the pipeline
    :param run: tells this run from all others; empty if that is not known
    """

    def __init__(self, config: PipelineConfig, run: str = "") -> None:
        self.config = config
        self._run = run
        self._left_by: dict[str, str] = {}
        self._to_run: set[str] | None = None
        self._is_mended = False

    def begin(self, plan: RunPlan) -> None:
        """Start again for an attempt.

        :param plan: what the attempt is about to do
        """
        self._to_run = {d.component for d in plan.decisions if d.action is not Action.REUSE} - set(plan.left_out)
        self._left_by = {}
        self._is_mended = False
        for decision in plan.decisions:
            if decision.action is Action.REUSE:
                self._add_views(decision.component, decision.session_state)

    def completed(self, component: ComponentConfig, left: SessionStateRecord | None) -> None:
        """Remember which views a component left.

        :param component: the component that completed
        :param left: what it left in the session, None if that is not known
        """
        self._add_views(component.name, left)
        if isinstance(declared := component.config.get("output_view"), str):  # also if it is as it was before
            self._left_by[declared.lower()] = component.name

    def context_of(self, component: ComponentConfig, saved_url: str | None) -> ComponentContext:
        """Return what a component gets to know.

        :param component: the component
        :param saved_url: directory of this run for saved views, None if nothing is saved
        """
        later = self.config.after(component.name)
        return ComponentContext(
            component.name,
            self.config.name,
            later=tuple(later_component(c) for c in later if self._runs(c)),
            left_by=self._left_by,
            run=self._run,
            keeps=_directories_in_use(self.config, saved_url),
        )

    def mend_once(self, spark: Any, saved_url: str | None) -> None:
        """Let components mend what earlier attempts left half done, before the first one runs.

        :param spark: the session
        :param saved_url: directory of this run for saved views, None if nothing is saved
        """
        if self._is_mended:
            return
        self._is_mended = True
        for component in self.config.ordered:
            target = component.target() if self._runs(component) else None
            if inspect.isclass(target) and issubclass(target, DataFlow):
                try:
                    with sound_connection():
                        target.before_attempt(component.config, spark, self.context_of(component, saved_url))
                except Exception as error:  # noqa: BLE001 - if it matters, the component itself will fail
                    logger.warning(
                        "%s: cannot mend what an earlier attempt left half done: %s", component.name, describe(error)
                    )

    def _runs(self, component: ComponentConfig) -> bool:
        return self._to_run is None or component.name in self._to_run

    def _add_views(self, component: str, left: SessionStateRecord | None) -> None:
        self._left_by.update({str(view).lower(): component for view in (left.left_views if left else ())})


def later_component(component: ComponentConfig) -> LaterComponent:
    """Return a component as those before it know it."""
    return LaterComponent(component.name, component.class_path, _with_statement(component), _target(component))


def _target(component: ComponentConfig) -> Any:
    try:
        return component.target()
    except LookupError:
        return None  # it fails when its turn comes


def _directories_in_use(config: PipelineConfig, saved_url: str | None) -> tuple[Path, ...]:
    """Return the local directories that the run itself needs."""
    saved = local_path(saved_url) if saved_url else None
    return (working_directory(), config.base_dir, *([saved] if saved is not None else []))


def _with_statement(component: ComponentConfig) -> Mapping[str, Any]:
    """Return the config of a component, with the text of its SQL file, rendered, as its statement."""
    text = component.texts.get(str(component.config.get("sql_file")))
    return component.config if text is None else {**component.config, "sql": text}
