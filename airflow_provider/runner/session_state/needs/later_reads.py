"""What later components declare to read: views, paths, tables. Pure: configs in, names out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.session_state.needs.sql_view_use import reads_in_sql
from airflow_provider.runner.session_state.needs.view_use import find_view_use
from airflow_provider.runner.spark.sql_lexer import mask_sql

_READS_NOTHING = re.compile(r"\s*(drop|uncache|refresh|describe|desc|show|set|reset|use|clear)\b", re.IGNORECASE)
_NAME = r"(?P<name>`(?:[^`]|``)+`|[\w.]+)"
_MADE_VIEW = re.compile(
    rf"\bcreate\b[\w\s]*?\bview\s+(?:if\s+not\s+exists\s+)?{_NAME}"
    rf"|\bcache\s+(?:lazy\s+)?table\s+{_NAME.replace('?P<name>', '?P<cached>')}(?=\s+(?:as|options)\b)",
    re.IGNORECASE,
)
_MADE_TEMP_VIEW = re.compile(
    rf"^\s*create\s+(?:or\s+replace\s+)?temp(?:orary)?\s+view\s+(?:if\s+not\s+exists\s+)?{_NAME}", re.IGNORECASE
)
_MADE_TABLE = re.compile(rf"\bcreate\b[\w\s]*?\btable\s+(?:if\s+not\s+exists\s+)?{_NAME}", re.IGNORECASE)
_PATH = re.compile(r"\b(?:parquet|orc|csv|json|text|avro|xml|delta)\.`([^`]*[/:][^`]*)`", re.IGNORECASE)


@dataclass(frozen=True)
class LaterReader:
    """A later component that reads something.

    :param certain: whether its config or code says so; False if it is only likely
    """

    component: str
    certain: bool


def find_later_reader(view: str, later: Sequence[LaterComponent], base_dir: Path) -> LaterReader | None:
    """Return the component that reads a temp view before another one replaces the view, None if none is known.

    :param later: the later components, in their order
    :param base_dir: where relative paths of SQL files start
    """
    likely: LaterReader | None = None
    for component in later:
        certain = _reads(component, view, base_dir)
        if certain:
            return LaterReader(component.name, certain=True)
        if certain is None and likely is None:
            likely = LaterReader(component.name, certain=False)
        if _makes(component, view, base_dir):
            break
    return likely


def declared_paths(later: Sequence[LaterComponent], base_dir: Path) -> Iterator[tuple[LaterComponent, str]]:
    """Return the paths that later components declare to read, up to the first one that may write anywhere."""
    for component in later:
        if component.kind == "ReadData":
            path = component.config.get("path")
            for place in path if isinstance(path, (list, tuple)) else [path]:
                if isinstance(place, str) and place:
                    yield component, place
        elif component.kind == "RunSql":
            text = mask_sql(statement_text(component.config, base_dir))
            yield from ((component, place) for place in _PATH.findall(text))
            if not re.match(r"[\s(]*(select|with|from|values|table)\b", text, re.IGNORECASE):
                return
        elif component.kind != "CheckData":
            return


def declared_tables(later: Sequence[LaterComponent]) -> Iterator[tuple[LaterComponent, str]]:
    """Return the tables that later components declare to read, up to the first one that may write anywhere."""
    for component in later:
        if component.kind == "ReadData" and isinstance(component.config.get("table"), str):
            yield component, component.config["table"]
        elif component.kind not in ("ReadData", "CheckData"):
            return


def statement_text(config: Mapping[str, Any], base_dir: Path) -> str:
    """Return the statement of a `RunSql`; empty if it cannot be read."""
    if isinstance(config.get("sql"), str):
        return str(config["sql"])
    try:
        return (base_dir / str(config.get("sql_file"))).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def views_declared_to_be_read(component: LaterComponent, views: Collection[str], base_dir: Path) -> set[str]:
    """Return the views that the config of a component says for certain that it reads.

    :param views: the views to look for
    :param base_dir: where relative paths of SQL files start
    """
    if component.kind == "RunSql":
        text = statement_text(component.config, base_dir)
        lower = text.lower()
        return {view for view in views if _last_part(view) in lower and reads_in_sql(text, view)}
    named = {value for key, value in component.config.items() if str(key).endswith("input_view")}
    named |= {component.config.get("table")} if component.kind in ("ReadData", "CheckData") else set()
    read = {_plain(name) for name in named if isinstance(name, str)}
    return {view for view in views if view.lower() in read}


def views_declared_to_be_left(component: LaterComponent, base_dir: Path) -> set[str]:
    """Return the temp views, in lower case, that the config of a component says that it leaves.

    :param base_dir: where relative paths of SQL files start
    """
    named = [component.config.get(key) for key in ("output_view", "corrupt_records_view")]
    left = {_plain(name) for name in named if isinstance(name, str)}
    if component.kind == "RunSql":
        text = _bare(statement_text(component.config, base_dir))
        left |= {_plain(found["name"]) for found in _MADE_TEMP_VIEW.finditer(text)}
    return left


def _last_part(view: str) -> str:
    return view.lower().rpartition(".")[2]


def _reads(component: LaterComponent, view: str, base_dir: Path) -> bool | None:
    """Whether a component reads a view; None if that is only likely."""
    config = component.config
    if component.kind == "RunSql":
        text = _bare(statement_text(config, base_dir))
        return not _READS_NOTHING.match(text) and _names(_MADE_TABLE.sub(" ", _MADE_VIEW.sub(" ", text)), view)
    if component.kind is not None:
        return any(
            _same(config.get(key), view) for key in ("input_view", "table") if component.kind != "WriteData"
        ) or (component.kind == "WriteData" and _same(config.get("input_view"), view))
    read = {key: value for key, value in config.items() if not str(key).startswith("output")}
    if any(_same(value, view) for key, value in read.items() if str(key).endswith("input_view")):
        return True
    used = find_view_use(component.target, view).reads
    return None if not used and any(_holds(value, view) for value in read.values()) else used


def _makes(component: LaterComponent, view: str, base_dir: Path) -> bool:
    if component.kind == "RunSql":
        text = _bare(statement_text(component.config, base_dir))
        made = [_plain(found["name"] or found["cached"]) for found in _MADE_VIEW.finditer(text)]
        if view.lower() in made or (_READS_NOTHING.match(text) and _names(text, view)):
            return True
    if component.kind is None and find_view_use(component.target, view).makes:
        return True
    return _same(component.config.get("output_view"), view)


def _bare(statement: str) -> str:
    return mask_sql(statement, texts=" ")


def _names(text: str, view: str) -> bool:
    name = re.escape(view)
    quoted = re.escape("`" + view.replace("`", "``") + "`")
    parts = r"\s*\.\s*".join(re.escape(part) for part in view.split("."))
    return bool(re.search(rf"(?<![\w`.]){name}(?![\w`])|{quoted}|(?<![\w`.]){parts}(?![\w`])", text, re.IGNORECASE))


def _holds(value: Any, view: str) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(item, view) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds(item, view) for item in value)
    return _same(value, view)


def _same(value: Any, view: str) -> bool:
    return isinstance(value, str) and _plain(value) == view.lower()


def _plain(name: str) -> str:
    return name.replace("`", "").strip().lower()
