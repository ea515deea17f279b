"""What an attempt has found out before it plans."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.fingerprint.code import CodeReading
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.planning.source_facts import SourceFacts
from airflow_provider.runner.record.checkpoint_state import CheckpointState


@dataclass(frozen=True)
class Facts:
    """What the plan follows from, beside the config.

    :param checkpoint: the record of the earlier attempts, None if there is none
    :param restarts: what was requested to run again
    :param damaged: component to what is wrong with what it saved
    :param present: components whose session state is in the session that will be used
    :param in_process: component to what it left in the Python process and this process has, in words
    :param live: whether a server has kept that session since the last attempt
    :param sources: what is known of what completed components had read
    :param readers: component that completed, to what its record does not bring back, to who needs that for certain
    :param hashes: those of the config, as the files that it names are now; None to compute them now
    :param code: component to its code as it is today, None for one that cannot be read; None if it was not read
    """

    checkpoint: CheckpointState | None = None
    restarts: tuple[RestartFrom, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    present: Collection[str] = ()
    in_process: Mapping[str, Collection[str]] = field(default_factory=dict)
    live: bool = False
    sources: SourceFacts = field(default_factory=SourceFacts)
    readers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hashes: ConfigHashes | None = None
    code: Mapping[str, CodeReading | None] | None = None
