"""Places as they are meant where a run starts, whatever a component does to the working directory later."""

from __future__ import annotations

import os
import re
from pathlib import Path

from airflow_provider.errors import ConfigProblem, PipelineConfigError

_OF_FILES = re.compile(r"file:(?!/)|file://(?!/)", re.IGNORECASE)


def absolute_path(path: str | os.PathLike[str], start: str | None = None) -> Path:
    """Return a path as it is meant now: ``~`` is filled in, and no link is followed.

    :param path: a file or directory
    :param start: where a relative one starts; None: in the working directory
    """
    expanded = os.path.expanduser(os.fspath(path))
    return Path(expanded if os.path.isabs(expanded) else os.path.join(start or working_directory(), expanded))


def absolute_url(url: str, start: str | None = None) -> str:
    """Return the address of a directory as it is meant now. What is no local path stays as it is.

    :param url: a path, or an address such as ``s3a://bucket/prefix`` or ``file:///shared``
    :param start: where a relative path starts; None: in the working directory
    :raises PipelineConfigError: the address names a host where a directory is meant (``file://views``)
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
    """Return a path without symbolic links, also if the working directory has been removed."""
    return os.path.realpath(path if os.path.isabs(path) else os.path.join(working_directory(), path))


def working_directory() -> Path:
    """Return the working directory, or that of the shell if it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.environ.get("PWD", os.sep))
