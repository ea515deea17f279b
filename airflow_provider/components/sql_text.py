"""SQL as authors write it into a file or a config: how its text is read, and what belongs to the statement."""

from __future__ import annotations

import codecs
from pathlib import Path

from airflow_provider.errors import SqlStatementError

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_sql_file(path: Path) -> str:
    """Return the text of a file that somebody wrote for a component: UTF-8, with or without a byte order mark.

    :param path: the file
    :raises SqlStatementError: it cannot be read, or it is not UTF-8; the message names the file and the remedy
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SqlStatementError(
            f"there is no file '{path}'; a relative path starts in the folder of the pipeline file"
        ) from None
    except OSError as error:
        raise SqlStatementError(f"file '{path}' cannot be read: {error.strerror}") from error
    mark = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)
    if mark is not None:
        raise SqlStatementError(f"file '{path}' is {mark}: its first bytes say so; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = error.start + (len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0)
        line = content.count(b"\n", 0, start) + 1
        raise SqlStatementError(
            f"file '{path}' is not UTF-8: byte {start} (line {line}) is 0x{content[start]:02x}; save it as UTF-8"
        ) from None
    if (null := content.find(b"\0")) >= 0:
        raise SqlStatementError(f"file '{path}' is not UTF-8 text: byte {null} is 0x00, as in UTF-16; save it as UTF-8")
    return text
