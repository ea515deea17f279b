"""What Airflow discovers of this provider."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import airflow
import jsonschema

from airflow_provider import __version__
from airflow_provider.provider_info import get_provider_info

NAME = "airflow-provider-pyspark-pipeline"


def test_airflow_lists_the_provider(
    airflow_environment: Callable[[Path, Path], dict[str, str]], tmp_path: Path
) -> None:
    """``airflow providers list`` shows it with its version and description."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "providers", "list", "-o", "json"],
        env=airflow_environment(tmp_path, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert done.returncode == 0, done.stderr
    listed = {item["package_name"]: item for item in json.loads(done.stdout)}
    assert listed[NAME]["version"] == __version__
    assert "resume" in listed[NAME]["description"]


def test_the_provider_info_fits_airflows_schema() -> None:
    """With an info that does not validate, importing Airflow's operators fails for everybody."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_every_module_in_the_provider_info_can_be_imported() -> None:
    """The info names no module that does not exist."""
    for entry in get_provider_info()["operators"]:
        for module in entry["python-modules"]:
            importlib.import_module(module)
