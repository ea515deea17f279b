"""What RunSql takes from a file: its text whatever editor wrote it, or an error that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider.components.sql_syntax.sql_text import read_sql_file
from airflow_provider.errors import SqlStatementError

TEXT = "-- prénom\nSELECT 1 AS a\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "q.sql").write_text(TEXT, encoding=encoding)
    assert read_sql_file(tmp_path / "q.sql") == TEXT


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (TEXT.encode("latin-1"), "is not UTF-8: byte 5 (line 1) is 0xe9; save it as UTF-8"),
        (b"SELECT 1;\n-- \xe9\n", "is not UTF-8: byte 13 (line 2) is 0xe9; save it as UTF-8"),
        (b"\xef\xbb\xbf-- \xe9\n", "is not UTF-8: byte 6 (line 1) is 0xe9; save it as UTF-8"),
        (TEXT.encode("utf-16"), "is UTF-16, as its first bytes show; save it as UTF-8"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "is UTF-16, as its first bytes show; save it as UTF-8"),
        (TEXT.encode("utf-32"), "is UTF-32, as its first bytes show; save it as UTF-8"),
        ("SELECT 1".encode("utf-16-le"), "is not UTF-8 text: byte 1 is 0x00, as in UTF-16; save it as UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_named_with_the_remedy(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "q.sql").write_bytes(content)
    with pytest.raises(SqlStatementError) as caught:
        read_sql_file(tmp_path / "q.sql")
    assert str(caught.value) == f"file '{tmp_path / 'q.sql'}' {why}"


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(SqlStatementError, match=r"there is no file '.*no\.sql'; a relative path starts in the folder"):
        read_sql_file(tmp_path / "no.sql")
    with pytest.raises(SqlStatementError, match=r"file '.*' cannot be read: Is a directory"):
        read_sql_file(tmp_path)
