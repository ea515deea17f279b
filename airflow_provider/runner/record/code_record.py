"""The code that a component ran with. Hashes only: no source text, no value."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from airflow_provider.runner.fingerprint.code import CodeReading
from airflow_provider.runner.record.json_record import JsonRecord


class CodeRecord(JsonRecord):
    """What a checkpoint keeps of a :class:`~airflow_provider.runner.fingerprint.code.code_reading.CodeReading`.

    :param functions: functions, classes and methods to the hashes of their syntax trees
    :param constants: constants to their hashes
    :param distributions: installed distributions in use, to their versions
    :param modules: the author's modules that the names begin with
    :param python: version of Python, where there was no source
    :param entered: functions that ran although nothing refers to them, as far as Python could tell
    """

    functions: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    distributions: dict[str, str] = Field(default_factory=dict)
    modules: list[str] = Field(default_factory=list)
    python: str | None = None
    entered: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, reading: CodeReading, entered: Iterable[str] = ()) -> CodeRecord:
        """Return what to keep of a reading."""
        return cls(
            functions=dict(reading.functions),
            constants=dict(reading.constants),
            distributions=dict(reading.distributions),
            modules=list(reading.modules),
            python=reading.python,
            entered=list(entered),
        )
