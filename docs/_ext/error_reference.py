"""Every exception of the package: what it means and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from docstrings import sentence, summary

from airflow_provider import errors

REMEDIES = Path(__file__).with_name("remedies.yaml")


def remedies() -> dict[str, str]:
    """Return what to do about each exception, by its name."""
    found: dict[str, str] = yaml.safe_load(REMEDIES.read_text(encoding="utf-8"))
    return found


def exceptions() -> dict[str, type[BaseException]]:
    """Return every exception that people see, by name, in the order of its module."""
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == errors.__name__
        if not issubclass(kind, errors.InternalSignal)
    }


GROUPS = {
    "Trying again cannot help": errors.NotRetriableError,
    "Spark and drivers": (errors.SparkSessionError, errors.DriverError),
    "Components": errors.ComponentError,
    "Checkpoints": errors.CheckpointError,
    "Other": BaseException,
}


def errors_page() -> str:
    """Return a page with all of them."""
    left = exceptions()
    lines: list[str] = []
    for title, group in GROUPS.items():
        lines.append(f"## {title}\n")
        for name in [name for name, kind in left.items() if issubclass(kind, group)]:
            lines += _entry(name, left.pop(name))
    return "\n".join(lines)


def _entry(name: str, kind: type[BaseException]) -> Iterator[str]:
    yield f"(error-{name})="
    yield f"### `{name}`\n"
    bases = " and ".join(f"`{base.__name__}`" for base in kind.__bases__)
    yield f"a kind of {bases}\n"
    yield f"{sentence(summary(kind))}\n"
    yield f"**What to do:** {sentence(remedies()[name])}\n"
