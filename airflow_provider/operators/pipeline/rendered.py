"""A pipeline with its templates rendered, as an attempt runs it and as Airflow shows it in "Rendered Template"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from airflow_provider.errors import ConfigProblem
from airflow_provider.masking import MASK, looks_secret, mask
from airflow_provider.runner.config.problems import component_name
from airflow_provider.runner.config.scalars import WrittenWord, plain_value

_ENDLESS = 10**6  # a line of the author's stays one line


@dataclass(frozen=True)
class RenderedPipeline:
    """A pipeline whose templates are rendered. Airflow shows it as text, because it is not JSON: see ``str``.

    :param source: the operator's ``pipeline``
    :param written: the pipeline as the author wrote it, with its templates
    :param content: the same pipeline, rendered and not yet validated
    :param origin: the file that it is from, None if it is not from a file
    :param texts: by component, the rendered text of each file that it names
    :param templated: component and file, for each file with a template in it
    :param problems: what is wrong with such files
    """

    source: Any
    written: Any
    content: Any
    origin: str | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    templated: tuple[tuple[str, str], ...] = ()
    problems: tuple[ConfigProblem, ...] = ()

    def __str__(self) -> str:
        """The pipeline as YAML, in the author's order, without what looks like a secret."""
        return yaml.dump(
            _plain(self._shown()), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS
        ).rstrip("\n")

    def _shown(self) -> Any:
        """The pipeline, with the texts of its files behind the components that name them."""
        raw = self.content.get("components") if isinstance(self.content, Mapping) else None
        if not self.texts or not isinstance(raw, (list, tuple)):
            return self.content
        components = []
        for index, item in enumerate(raw, start=1):
            found = self.texts.get(component_name(item) or f"#{index}")
            components.append({**item, "rendered files": found} if found else item)
        return {**self.content, "components": components}


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines, such as SQL, on several lines, and everything in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" not in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text)
    # YAML cannot write text in lines if a line ends with blanks, which are invisible anyway.
    lines = "\n".join(line.rstrip().expandtabs(4) for line in text.splitlines())
    return dumper.represent_scalar("tag:yaml.org,2002:str", lines, style="|")


_Dumper.add_representer(str, _text)


def _plain(value: Any, key: str = "", *, hidden: bool = False) -> Any:
    """Return a value made of mappings, lists and what YAML writes by itself, without secrets.

    :param value: any value
    :param key: its key, which may name a secret
    :param hidden: whether a key above it names a secret
    """
    hidden = hidden or bool(key and looks_secret(key, None, {}))
    if isinstance(value, Mapping):
        return {str(name): _plain(item, str(name), hidden=hidden) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, hidden=hidden) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if hidden:
        return MASK
    if isinstance(value, WrittenWord):
        return str(value)
    if isinstance(value, (int, float)):
        return plain_value(value)
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)
    return mask(str(value))
