"""Starts a test's driver with Spark's own ``spark-submit``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyspark

ROOT = Path(__file__).parents[4]


def submit(driver: Path, folder: Path, **properties: str) -> subprocess.CompletedProcess[str]:
    """Run a Python file as a driver on this host; it gets the folder as its argument, and works there.

    :param properties: of Spark, with ``__`` for each dot
    """
    given = {name.replace("__", "."): value for name, value in properties.items()}
    quick = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.pyspark.python": sys.executable,
    }
    conf = [word for key, value in (quick | given).items() for word in ("--conf", f"{key}={value}")]
    program = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    return subprocess.run(
        [program, "--master", "local[2]", *conf, driver, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
