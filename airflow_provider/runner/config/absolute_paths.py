"""Paths as the author means them when a run starts, even if a component changes the working directory later."""

from __future__ import annotations

import os
import re
from pathlib import Path

from airflow_provider.errors import ConfigProblem, PipelineConfigError

_OF_FILES = re.compile(r"file:(?!/)|file://(?!/)", re.IGNORECASE)


def absolute_path(path: str | os.PathLike[str], start: str | None = None) -> Path:
    """Return an absolute path: expand ``~``, and follow no links.

    :param path: a file or directory
    :param start: where a relative path starts; None: in the working directory
    """
    expanded = os.path.expanduser(os.fspath(path))
    return Path(expanded if os.path.isabs(expanded) else os.path.join(start or working_directory(), expanded))


def absolute_url(url: str, start: str | None = None) -> str:
    """Return the absolute address of a directory; an address that is not a local path stays as it is.

    :param url: a path, or an address such as ``s3a://bucket/prefix`` or ``file:///shared``
    :param start: where a relative path starts; None: in the working directory
    :raises PipelineConfigError: the address names a host instead of a directory (``file://views``)
    """
    if _OF_FILES.match(url):
        rest = url[len("file:") :]
        if rest.startswith("//localhost/"):
            return f"file://{rest[len('//localhost') :]}"
        if rest.startswith("//"):
            problem = f"the address {url!r} names a host; write file:///… with an absolute path, or the path alone"
            raise PipelineConfigError([ConfigProblem(problem)])
        return os.path.normpath(absolute_path(rest, start))
    if "://" in url or re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
        return url
    slash = "/" if url.endswith("/") else ""
    return os.path.normpath(absolute_path(url, start)) + slash if not os.path.isabs(url) else url


def real_path(path: str) -> str:
    """Return a path without symbolic links, even if the working directory no longer exists."""
    return os.path.realpath(path if os.path.isabs(path) else os.path.join(working_directory(), path))


def working_directory() -> Path:
    """Return the working directory, or the shell's if that one no longer exists."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.environ.get("PWD", os.sep))
