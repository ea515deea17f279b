"""Writes the dependencies that a pipeline lacks into its YAML file."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.config.yaml_dependencies import FIELD, add_dependencies
from airflow_provider.runner.planning.dependency_notes import runs_side_by_side
from airflow_provider.runner.planning.undeclared_dependencies import missing_edges
from airflow_provider.runner.running.view_use_facts import view_use_facts
from airflow_provider.runner.storage.durable_write import write_durably

_YAML = (".yaml", ".yml")


def add_missing_dependencies(
    path: Path, config: PipelineConfig, load: Callable[[str], PipelineConfig]
) -> tuple[PipelineConfig, list[str]]:
    """Add to ``depends_on`` what components read and do not depend on; all of it or nothing.

    Comments, order, quotes and line ends stay, and so do the file's permissions and symbolic links that lead to it.

    :param path: the pipeline's file
    :param config: what it contains, valid
    :param load: returns the pipeline for another text of that file
    :return: the pipeline after that, and what was changed in words
    :raises PipelineConfigError: that is impossible, with what to write by hand; the file is as it was
    """
    side_by_side = runs_side_by_side(config)
    found = missing_edges(view_use_facts(config, code=True), config.dependencies, only_before=not side_by_side)
    if isinstance(found, list):
        message = (
            f"the dependencies that are missing would make a cycle: {' -> '.join(found)}; these components read views "
            "of each other, so split one of them. The file is unchanged"
        )
        raise PipelineConfigError([ConfigProblem(message, found[0], FIELD)], str(path))
    if not found:
        return config, [f"{path}: no dependency is missing, as far as config and code show; the file is unchanged"]
    if path.suffix.lower() not in _YAML:
        raise _refused(path, found, config, "--fix changes only YAML files")
    file = path.resolve()  # a symbolic link stays one
    content = _read(file, path, found, config)
    text = content.decode("utf-8-sig")
    changed = add_dependencies(text, found)
    if not isinstance(changed, str):
        reasons = {refusal.component: refusal.reason for refusal in changed}
        raise PipelineConfigError(
            [
                ConfigProblem(f"cannot be changed here: {why}; {_by_hand(config, name, found[name])}", name, FIELD)
                for name, why in reasons.items()
            ],
            str(path),
        )
    repaired = load(io.StringIO(changed, newline=None).read())  # with line ends as in any text that is read
    mark = content[: len(content) - len(text.encode())]
    try:
        write_durably(file, mark + changed.encode(), stat.S_IMODE(file.stat().st_mode))
    except OSError as error:
        raise _refused(path, found, config, f"the file cannot be written: {error.strerror}") from error
    return repaired, [
        f"{path}: added {', '.join(map(repr, names))} to {FIELD} of {name!r}" for name, names in found.items()
    ]


def _read(file: Path, path: Path, found: Mapping[str, Sequence[str]], config: PipelineConfig) -> bytes:
    try:
        may_write = bool(file.stat().st_mode & 0o222) and os.access(file, os.W_OK)
        content = file.read_bytes()
    except OSError as error:  # such as one in a zip archive
        raise _refused(path, found, config, f"it is not a file by itself: {error.strerror}") from error
    if not may_write:
        raise _refused(path, found, config, "the file is read-only")
    return content


def _refused(
    path: Path, found: Mapping[str, Sequence[str]], config: PipelineConfig, reason: str
) -> PipelineConfigError:
    problems = [
        ConfigProblem(f"{reason}; {_by_hand(config, name, names)}", name, FIELD) for name, names in found.items()
    ]
    return PipelineConfigError(problems, str(path))


def _by_hand(config: PipelineConfig, component: str, names: Sequence[str]) -> str:
    whole = [*config.dependencies[component], *names]
    return f"add {', '.join(map(repr, names))} by hand, so that it has {FIELD}: [{', '.join(whole)}]"
