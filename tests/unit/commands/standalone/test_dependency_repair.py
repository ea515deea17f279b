"""``validate`` tells which dependencies a pipeline lacks, and ``--fix`` writes them into its YAML file."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.commands.standalone.cli import run_command_line

PIPELINE = """\
# The shop's day
name: daily
max_parallel_components: 4
components:
  - name: load_orders          # from the till
    class_path: airflow_provider.components.RunSql
    config: {sql: "SELECT 1 AS id", output_view: orders}

  - name: "load shops"
    class_path: airflow_provider.components.RunSql
    config:
      sql: >
        SELECT 1 AS id,
               'x' AS town
      output_view: shops
  - name: join
    class_path: airflow_provider.components.RunSql
    config: {sql: SELECT * FROM orders JOIN shops USING (id), output_view: joined}
    depends_on:
      - "load shops"   # the towns
  - name: check
    class_path: airflow_provider.components.CheckData
    config: {input_view: joined, min_rows: 1}
"""

FIXED = PIPELINE.replace(
    '      - "load shops"   # the towns\n', '      - "load shops"   # the towns\n      - "load_orders"\n'
).replace("components.CheckData\n", "components.CheckData\n    depends_on: [join]\n")

READS = "component 'join' reads view 'orders', which component 'load_orders' leaves, and does not depend on it"


class Validation:
    """Runs ``validate`` on a file."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = directory / "daily.yaml"
        self._capsys = capsys

    def write(self, text: str) -> None:
        self.path.write_bytes(text.encode())

    def read(self) -> str:
        return self.path.read_bytes().decode()

    def __call__(self, *options: str, path: Path | None = None) -> tuple[int, str, str]:
        """Return exit status, output and errors."""
        status = run_command_line(["validate", str(path or self.path), *options])
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def refuses(self, *options: str, path: Path | None = None) -> str:
        """Return why the file is not changed."""
        before = self.path.read_bytes()
        status, _, why = self("--fix", *options, path=path)
        assert status == 2
        assert self.path.read_bytes() == before
        assert [other.name for other in self.path.parent.iterdir() if other.suffix == ".tmp"] == []
        return why


@pytest.fixture
def validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Validation:
    validation = Validation(tmp_path, capsys)
    validation.write(PIPELINE)
    return validation


def test_validate_warns_of_what_will_be_missed_side_by_side(validate: Validation) -> None:
    status, out, _ = validate()
    assert status == 0
    assert f"warning: {READS}. Side by side it will not see that view: add 'load_orders' to depends_on of 'join'" in out
    assert out.count("warning: ") == 2
    assert validate.read() == PIPELINE


def test_validate_notes_it_where_the_place_in_the_file_decides(validate: Validation) -> None:
    validate.write(PIPELINE.replace("max_parallel_components: 4\n", ""))
    _, out, _ = validate()
    assert f"note: {READS}, so only their place in the file decides whether it sees that view" in out
    assert "warning" not in out


def test_plan_warns_of_it_too(validate: Validation, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["plan", str(validate.path)]) == 0
    assert READS in capsys.readouterr().out


def test_fix_writes_what_is_missing_and_nothing_else(validate: Validation) -> None:
    """What is left has nothing to warn of, and a second time there is nothing to do."""
    status, out, _ = validate("--fix")
    assert status == 0
    assert out.splitlines()[:2] == [
        f"{validate.path}: added 'load_orders' to depends_on of 'join'",
        f"{validate.path}: added 'join' to depends_on of 'check'",
    ]
    assert "is valid, in this order" in out
    assert "warning" not in out
    assert validate.read() == FIXED
    status, out, _ = validate("--fix")
    assert status == 0
    assert f"{validate.path}: no dependency is missing" in out
    assert validate.read() == FIXED


def test_fix_keeps_line_ends_and_byte_order_mark(validate: Validation) -> None:
    validate.write("\ufeff" + PIPELINE.replace("\n", "\r\n"))
    assert validate("--fix")[0] == 0
    assert validate.read() == "\ufeff" + FIXED.replace("\n", "\r\n")


def test_fix_keeps_symbolic_links_and_permissions(validate: Validation, tmp_path: Path) -> None:
    link = tmp_path / "links" / "link.yaml"
    link.parent.mkdir()
    link.symlink_to(validate.path)
    validate.path.chmod(0o640)
    assert validate("--fix", path=link)[0] == 0
    assert link.is_symlink()
    assert validate.read() == FIXED
    assert stat.S_IMODE(validate.path.stat().st_mode) == 0o640


def test_fix_keeps_templates(validate: Validation) -> None:
    before = PIPELINE.replace("SELECT 1 AS id", "SELECT {{ params.id }} AS id")
    validate.write(before)
    assert validate("--fix", "--var", "params.id=1")[0] == 0
    assert validate.read() == FIXED.replace("SELECT 1 AS id", "SELECT {{ params.id }} AS id")


def test_fix_adds_no_edge_that_follows_from_another(validate: Validation) -> None:
    """The second reader depends on the first, which is to depend on who leaves the view."""
    validate.write(
        "name: p\nmax_parallel_components: 2\ncomponents:\n"
        "- {name: a, class_path: airflow_provider.components.RunSql, config: {sql: SELECT 1, output_view: v}}\n"
        "- {name: b, class_path: airflow_provider.components.CheckData, config: {input_view: v, min_rows: 1}}\n"
        "- name: c\n  class_path: airflow_provider.components.CheckData\n  depends_on: [b]\n"
        "  config: {input_view: v, min_rows: 1}\n"
    )
    _, out, _ = validate("--fix")
    assert "added 'a' to depends_on of 'b'" in out
    assert "  depends_on: [b]\n" in validate.read()


def test_fix_makes_no_cycle(validate: Validation) -> None:
    sql = "class_path: airflow_provider.components.RunSql, config: {sql: SELECT * FROM %s, output_view: %s}"
    validate.write(
        f"name: p\nmax_parallel_components: 2\ncomponents:\n- {{name: a, {sql % ('w', 'v')}}}\n"
        f"- {{name: b, {sql % ('v', 'w')}}}\n"
    )
    assert "the dependencies that are missing would make a cycle: a -> b -> a" in validate.refuses()


def test_fix_changes_no_file_that_is_wrong_otherwise(validate: Validation) -> None:
    validate.write(PIPELINE.replace("min_rows", "min_rwos"))
    assert "min_rwos" in validate.refuses()


def test_fix_does_not_change_what_an_alias_uses_elsewhere(validate: Validation) -> None:
    validate.write(
        PIPELINE.replace("    depends_on:\n      - ", "    depends_on: &deps\n      - ")
        + "  - {name: z, class_path: airflow_provider.components.RunSql, config: {sql: SELECT 1}, depends_on: *deps}\n"
    )
    why = validate.refuses()
    assert "component 'join', field 'depends_on': cannot be changed here: an alias (*) uses it in another place" in why
    assert "add 'load_orders' by hand, so that it has depends_on: [load shops, load_orders]" in why


def test_fix_says_what_to_write_into_a_file_of_another_type(validate: Validation, tmp_path: Path) -> None:
    import json

    import yaml

    path = tmp_path / "daily.json"
    path.write_text(json.dumps(yaml.safe_load(PIPELINE)))
    why = validate.refuses(path=path)
    assert "component 'check', field 'depends_on': --fix changes only YAML files; add 'join' by hand" in why
    assert "depends_on" in path.read_text()


def test_fix_does_not_change_a_file_in_an_archive(validate: Validation, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "dags.zip", "w") as archive:
        archive.write(validate.path, "daily.yaml")
    assert "it is not a file by itself" in validate.refuses(path=tmp_path / "dags.zip" / "daily.yaml")


def test_fix_does_not_change_a_read_only_file(validate: Validation) -> None:
    validate.path.chmod(0o444)
    assert "the file is read-only; add 'load_orders' by hand" in validate.refuses()


def test_a_file_that_cannot_be_written_stays_whole(validate: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, which a test cannot have otherwise."""

    def full(descriptor: int) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "the file cannot be written: No space left on device" in validate.refuses()
