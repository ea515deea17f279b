"""The files on the page about config files are what it says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider.runner import load_pipeline_config

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "config-files.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_yaml_with_shared_parts_is_a_pipeline(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("yaml") if "components:" in block]
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    (component,) = load_pipeline_config(tmp_path / "p.yaml").components
    assert component.retry is not None
    assert component.retry.max_attempts == 3


def test_the_hocon_is_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks("hocon")
    (tmp_path / "common.conf").write_text("for_all = 1\n")
    (tmp_path / "p.conf").write_text(text, encoding="utf-8")
    config = load_pipeline_config(tmp_path / "p.conf")
    assert config.spark.driver_memory == "512m"
    assert config.spark.spark_conf == {
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.catalog.x": "org.example.Catalog",
        "spark.sql.catalog.x.type": "hadoop",
    }
    read = config.components[0].config
    assert (read["path"], read["options"]) == ("/data/in", {"path.glob.filter": "*.csv"})
    monkeypatch.setenv("DATA_ROOT", "/other")
    assert load_pipeline_config(tmp_path / "p.conf").components[0].config["path"] == "/other/in"
