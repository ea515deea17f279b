"""The text of ``.sql`` files."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider.errors import ConfigProblem, PipelineConfigError
from airflow_provider.runner.config.zipped import read_bytes

_TEMPLATE = re.compile(
    r"\{\{-?\s*[A-Za-z_][^{}]*\}\}"
    r"|\{%-?\s*(?:if|for|set|include|import|from|macro|with|block|extends|call|filter|raw|autoescape)\b[^{}]*%\}"
)


def read_sql_file(path: Path) -> str:
    """Return the text of a file, which may lie in a zip archive.

    :raises PipelineConfigError: there is no such file, it cannot be read, or it is not UTF-8
    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except FileNotFoundError:
        problem = f"there is no file {str(path)!r}; give an absolute path or one that exists"
    except OSError as error:
        problem = f"the file {str(path)!r} cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        problem = f"the file {str(path)!r} is not UTF-8 text: {error}; save it as UTF-8"
    raise PipelineConfigError([ConfigProblem(problem)])


def refuse_template(text: str, path: Path) -> None:
    """Raise where a text whose templates nobody has rendered holds one: Spark would take it for data.

    :param text: what the file holds
    :param path: the file, for the message
    :raises PipelineConfigError: it holds a template
    """
    found = _TEMPLATE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        problem = (
            f"{path}, line {line}: {found[0]!r} is a template, and here nothing renders templates. Run the pipeline "
            "with Airflow or with 'python -m airflow_provider run --var NAME=VALUE', or give values in 'args'; if the "
            "text is meant as it stands, write the statement into 'sql'"
        )
        raise PipelineConfigError([ConfigProblem(problem)])
