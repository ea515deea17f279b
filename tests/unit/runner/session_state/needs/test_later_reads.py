"""What later components declare to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.session_state.needs.later_reads import (
    LaterReader,
    declared_paths,
    declared_tables,
    find_later_reader,
)

HERE = Path()


def ready(kind: str, **config: Any) -> LaterComponent:
    return LaterComponent(kind, f"airflow_provider.components.{kind}", config)


def own(**config: Any) -> LaterComponent:
    return LaterComponent("own", "my.component", config)


def sql(text: str, **config: Any) -> LaterComponent:
    return ready("RunSql", sql=text, **config)


@pytest.mark.parametrize(
    ("later", "needed"),
    [
        ([ready("CheckData", input_view="V")], True),
        ([ready("WriteData", input_view="v", path="p")], True),
        ([ready("WriteData", input_view="x", table="v")], False),
        ([ready("ReadData", table="v", output_view="x")], True),
        ([sql("SELECT * FROM a JOIN v")], True),
        ([sql("SELECT * FROM `v`")], True),
        ([sql("SELECT * FROM v", output_view="v"), ready("CheckData", input_view="v")], True),
        ([sql("SELECT v2.id, av FROM v2 JOIN other.v")], False),
        ([sql("SELECT 'v', \"v\" FROM a -- v\n /* v */")], False),
        ([sql("DROP VIEW IF EXISTS v"), ready("CheckData", input_view="v")], False),
        ([sql("REFRESH TABLE v"), ready("CheckData", input_view="v")], False),
        ([sql("CREATE OR REPLACE TEMP VIEW v AS SELECT 1"), ready("CheckData", input_view="v")], False),
        ([sql("CREATE OR REPLACE TEMP VIEW v AS SELECT * FROM v")], True),
        ([sql("CACHE TABLE v")], True),
        ([sql("CACHE TABLE v AS SELECT 1"), ready("CheckData", input_view="v")], False),
        ([ready("ReadData", path="p", output_view="v"), ready("CheckData", input_view="v")], False),
        ([own(input_view="v")], True),
        ([own(left_input_view="v")], True),
        ([own(output_view="v"), ready("CheckData", input_view="v")], False),
        ([], False),
    ],
)
def test_a_view_is_needed_by_who_reads_it_before_it_is_made_anew(later: list[LaterComponent], needed: bool) -> None:
    found = find_later_reader("v", later, HERE)
    assert (found is not None and found.certain) is needed


def test_a_component_that_only_names_the_view_is_likely_to_read_it() -> None:
    assert find_later_reader("v", [own(views=["a", "v"])], HERE) == LaterReader("own", certain=False)
    assert find_later_reader("v", [own(views=["a"])], HERE) is None


def test_a_global_view_is_found_by_its_database_and_name() -> None:
    need = find_later_reader("global_temp.v", [sql("SELECT * FROM global_temp.v")], HERE)
    assert need == LaterReader("RunSql", certain=True)


def test_the_text_of_a_file_counts(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text("\ufeffSELECT * FROM v", encoding="utf-8")
    assert find_later_reader("v", [ready("RunSql", sql_file="x.sql")], tmp_path) is not None
    assert find_later_reader("v", [ready("RunSql", sql_file="missing.sql")], tmp_path) is None


def test_places_are_known_up_to_the_first_component_that_may_write_anywhere() -> None:
    reads = [ready("ReadData", path=["a", "b"]), sql("SELECT * FROM csv.`/c`"), ready("ReadData", table="t")]
    after = ready("ReadData", path="d")
    assert [path for _, path in declared_paths([*reads, after], HERE)] == ["a", "b", "/c", "d"]
    assert [path for _, path in declared_paths([own(), after], HERE)] == []
    assert [path for _, path in declared_paths([sql("INSERT INTO x SELECT 1"), after], HERE)] == []
    assert [name for _, name in declared_tables([reads[2], own(), reads[2]])] == ["t"]
