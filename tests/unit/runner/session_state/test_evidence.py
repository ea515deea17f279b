"""Which code counts against a component: what it reaches and what ran, up to what its author vouches for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner import PipelineConfig
from airflow_provider.runner.fingerprint.code.called_functions import watch_calls
from airflow_provider.runner.session_state import kinds
from airflow_provider.runner.session_state.evidence import EvidenceCollector
from airflow_provider.runner.session_state.kinds.session_state_kind import SessionChanges
from airflow_provider.runner.session_state.probes.blind_probe import BlindProbe
from airflow_provider.runner.session_state.session_inspection import SessionInspection
from tests.samples.components.shop import process, write

CODE = {
    "jobs.py": "import ours\n\ndef run(spark):\n    ours.tidy()\n",
    "ours.py": "import importlib, below\n\ndef tidy():\n"
    "    below.mail()\n    importlib.import_module('be' + 'yond').upload()\n",
    "below.py": "import smtplib\n\ndef mail():\n    smtplib.SMTP\n",
    "beyond.py": "import ftplib\n\ndef upload():\n    ftplib.FTP\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    write(tmp_path, CODE)
    with process(tmp_path):
        yield tmp_path


def doubts(folder: Path, *vouched: str) -> str:
    """Run the component without Spark; return what speaks against running it again, as far as its code does."""
    fields = {"name": "p", "components": [{"name": "a", "class_path": "jobs.run"}], "harmless_modules": list(vouched)}
    config = PipelineConfig.model_validate(fields)
    none: Any = None
    collector = EvidenceCollector(none, BlindProbe("no Spark"), config, None, SessionInspection(None))
    component = config.components[0]
    with watch_calls() as entered:
        component.target()(None)
    parts = {kind.name: kind.unchanged() for kind in kinds.KINDS}
    left = SessionChanges(parts, unknown=dict.fromkeys(parts, "no Spark"))
    evidence = collector.collect(component, None, left, entered.names())
    return " ".join(evidence.doubts)


def test_what_only_a_vouched_module_calls_is_vouched_for_with_it(project: Path) -> None:
    """On every Python, although newer ones see it run."""
    assert "smtplib.SMTP" in doubts(project)
    assert "smtplib.SMTP" not in doubts(project, "ours")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_what_ran_although_nothing_refers_to_it_counts_beside_what_is_vouched_for(project: Path) -> None:
    """A vouched module that calls by a computed name may call anything."""
    assert "ftplib.FTP" in doubts(project, "ours")
    assert "ftplib.FTP" not in doubts(project, "ours", "beyond.upload")
