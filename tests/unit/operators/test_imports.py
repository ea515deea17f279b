"""DAG files are parsed all the time, so importing the operator must stay light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("module", ["pyspark_pipeline", "pyspark_pipeline_submit"])
def test_importing_an_operator_imports_neither_pyspark_nor_pandas(module: str, tmp_path: Path) -> None:
    """In a fresh interpreter, neither they nor py4j and pyarrow are loaded."""
    code = (
        f"import sys, airflow_provider.operators.{module}\n"
        "print(*sorted({'pyspark', 'pandas', 'py4j', 'pyarrow', 'pyhocon'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
