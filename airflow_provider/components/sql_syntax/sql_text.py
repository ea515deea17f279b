"""SQL as authors write it into a file or a config: how to read its text, and what belongs to the statement."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from airflow_provider.errors import ConfigProblem, PipelineConfigError, SqlStatementError
from airflow_provider.runner.config.zipped_files import read_file_bytes
from airflow_provider.runner.spark.sql_lexer import sql_tokens

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_TEMPLATE = re.compile(
    r"\{\{-?\s*[A-Za-z_][^{}]*\}\}"
    r"|\{%-?\s*(?:if|for|set|include|import|from|macro|with|block|extends|call|filter|raw|autoescape)\b[^{}]*%\}"
)
_SPACE = re.compile(r"\s+")
_SCRIPT = re.compile(r"\s*(?:\w+\s*:\s*)?begin\b", re.IGNORECASE)
_PARAMETER = re.compile(r"(?<!:):(\w+)")


@dataclass(frozen=True)
class SqlText:
    """A text of SQL, split as Spark's parser splits it.

    :param statement: the text without trailing semicolons and comments
    :param code: the statements in it, without comments and without what stands in quotes
    :param quoted: the texts in quotes
    """

    statement: str
    code: tuple[str, ...]
    quoted: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> SqlText:
        """Split a text."""
        statements, quoted = [""], []
        end: int | None = None
        for token in sql_tokens(text):
            if token.kind == "end":
                end = token.start if end is None else end
                statements.append("")
            elif token.kind == "comment" or not token.text.strip():
                statements[-1] += " "
            else:
                end = None
                statements[-1] += "''" if token.kind == "text" else _SPACE.sub(" ", token.text)
                quoted += [token.text] if token.kind == "text" else []
        code = tuple(statement.strip() for statement in statements if statement.strip())
        # Some statements take the rest of the text literally, such as ADD FILE /data/*.csv
        return cls(text[:end].strip().removesuffix(";"), code, tuple(quoted))

    @property
    def is_script(self) -> bool:
        """Whether it is several statements as one: ``BEGIN … END``."""
        return bool(self.code) and _SCRIPT.match(self.code[0]) is not None

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters (``:name``) in it."""
        return frozenset(name for statement in self.code for name in _PARAMETER.findall(statement))


def read_sql_file(path: Path) -> str:
    """Return the text of an author's file: UTF-8, with or without a byte order mark.

    :param path: the file, which may lie in a zip archive
    :raises SqlStatementError: it cannot be read, or it is not UTF-8; the message names the file and the remedy
    """
    try:
        content = read_file_bytes(path)
    except FileNotFoundError:
        raise SqlStatementError(
            f"there is no file '{path}'; a relative path starts in the folder of the pipeline file"
        ) from None
    except OSError as error:
        raise SqlStatementError(f"file '{path}' cannot be read: {error.strerror}") from error
    mark = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)
    if mark is not None:
        raise SqlStatementError(f"file '{path}' is {mark}, as its first bytes show; save it as UTF-8")
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


def refuse_template(text: str, path: Path) -> None:
    """Refuse a text with a template that nothing has rendered: Spark would take the template for data.

    :param text: the content of the file
    :param path: the file, for the message
    :raises PipelineConfigError: it has a template
    """
    found = _TEMPLATE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        problem = (
            f"{path}, line {line}: {found[0]!r} is a template, and nothing renders templates here. Run the pipeline "
            "with Airflow or with 'python -m airflow_provider run --var NAME=VALUE', or give values in 'args'; if "
            "the text is meant literally, write the statement into 'sql'"
        )
        raise PipelineConfigError([ConfigProblem(problem)])
