"""Pipelines of the scripted sample component."""

from __future__ import annotations

from typing import Any

from airflow_provider.runner import ComponentConfig, PipelineConfig

SCRIPTED = "tests.samples.components.basic.scripted"


def component(name: str, *depends_on: str, **fields: Any) -> ComponentConfig:
    """A scripted component; ``script`` says what it does."""
    config = {"name": name, **fields.pop("config", {})}
    return ComponentConfig(name=name, class_path=SCRIPTED, config=config, depends_on=list(depends_on), **fields)


def pipeline(*components: ComponentConfig | str, name: str = "p") -> PipelineConfig:
    """A pipeline; a component given as text has no dependencies. What a test lets it do is none of its own code."""
    steps = [component(c) if isinstance(c, str) else c for c in components]
    return PipelineConfig(name=name, components=steps, harmless_modules=["tests.samples"])
