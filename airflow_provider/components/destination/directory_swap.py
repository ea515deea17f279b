"""Replaces a directory as a whole: a component writes the new one beside it, and then the two are exchanged.

Names beside a target ``orders``, all hidden, so that readers of the parent directory skip them:

- ``.orders.replacing-<run>-<random>``: the new directory while it is being written,
- ``.orders.replaced-<run>-<random>``: the old one, between two renames and until it is deleted.

On a local Linux file system, which can exchange two names in one step, the target is the old directory or the new one
at every instant. Elsewhere it is missing between two renames; the next writer puts the old one back.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.config.component_context import ComponentContext
from airflow_provider.runner.config.interrupted_call import clean_up
from airflow_provider.runner.session_state.sources.destroys import Location, location
from airflow_provider.runner.session_state.sources.globs import escaped

logger = logging.getLogger(__name__)

WITH_RENAMES = ("file", "hdfs", "viewfs")  # elsewhere a rename copies the directory
_TABLE_FORMATS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}
_LONGEST_NAME = 180  # bytes; a name has at most 255
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def run_token(context: ComponentContext | None) -> str:
    """Return a token for this component of this run, unlike all others; a random one if the run is unknown."""
    known = f"{context.run}\n{context.pipeline}\n{context.component}" if context and context.run else uuid.uuid4().hex
    return hashlib.sha256(known.encode()).hexdigest()[:16]


class TargetDirectory:
    """The directory that a component writes.

    :param spark: a classic session
    :param path: where it is
    :param token: see :func:`run_token`
    """

    def __init__(self, spark: Any, path: str, token: str) -> None:
        self._spark = spark
        self._token = token
        self._conf = spark._jsparkSession.sessionState().newHadoopConf()
        written = self._path(path)
        self._system = written.getFileSystem(self._conf)
        qualified = str(self._system.makeQualified(written).toString())
        self.location: Location = location(qualified, resolve_links=True)
        self.is_local = self.location.scheme == "file"
        self._target = self._path(f"file://{self.location}") if self.is_local else self._path(qualified)

    def exists(self) -> bool:
        """Return whether anything is there."""
        return bool(self._system.exists(self._target))

    def is_file(self) -> bool:
        """Return whether a single file is there, not a directory."""
        return bool(self._system.exists(self._target)) and not self._system.getFileStatus(self._target).isDirectory()

    def has_data(self) -> bool:
        """Return whether a reader would see anything at its first level."""
        return any(not _is_hidden(name) for name, _ in self._entries(self._target))

    def directories(self, below: str = "") -> list[str]:
        """Return the names of the directories at its first level, hidden ones left out."""
        start = self._path(self._target, below) if below else self._target
        return [name for name, is_directory in self._entries(start) if is_directory and not _is_hidden(name)]

    def files(self) -> list[str]:
        """Return the names of the files at its first level, hidden ones left out."""
        return [n for n, is_directory in self._entries(self._target) if not is_directory and not _is_hidden(n)]

    def holds(self, below: str, inside: str | None = None) -> bool:
        """Return whether a path exists in it, or in the new directory beside it.

        :param below: path relative to the directory
        :param inside: the new directory, as :meth:`begin` returned it
        """
        return bool(self._system.exists(self._path(self._path(inside) if inside else self._target, below)))

    def table_format(self) -> str | None:
        """Return the table format whose log lies in it, None without one: such a directory must not be exchanged."""
        for name, format_ in _TABLE_FORMATS.items():
            found = [entry for entry, _ in self._entries(self._path(self._target, name))]
            if found and (name != "metadata" or any(entry.endswith(".metadata.json") for entry in found)):
                return format_
        return None

    def why_not_exchanged(self) -> str | None:
        """Return why it cannot be replaced by an exchange, None if it can."""
        scheme, name = self.location.scheme, self._target.getName()
        if scheme not in WITH_RENAMES:
            return f"{scheme}: cannot rename a directory in one step"
        if not self.location.names or len(name.encode()) > _LONGEST_NAME:
            return "no other name fits beside it"
        if format_ := self.table_format():
            return f"it is a {format_} table"
        if not self.is_local:
            return None
        here = Path(str(self.location))
        if os.path.ismount(here):
            return "it is a mount point"
        if here.exists() and _is_sticky(here):
            return f"only its owner may rename it in {here.parent}"
        above = next(parent for parent in here.parents if parent.exists())
        return None if os.access(above, os.W_OK | os.X_OK) else f"this process may not write in {above}"

    def heal(self) -> None:
        """Put the old directory back if an attempt ended between two renames; delete what this run left beside it."""
        if self.location.scheme not in WITH_RENAMES or not self.location.names:
            return
        beside = self._beside()
        replaced = [(path, name) for path, name in beside if ".replaced-" in name]
        if replaced and not self.exists():
            path, name = replaced.pop()
            self._rename(path, self._target)
            logger.warning(
                "%s: an earlier attempt ended while replacing it; the previous data are restored", self.location
            )
        for path, name in [*replaced, *((path, name) for path, name in beside if ".replacing-" in name)]:
            if f"-{self._token}-" in name:
                self._delete(path)

    def begin(self) -> str:
        """Return a new path beside it to write to."""
        return self._named("replacing")

    def give_up(self, new: str) -> None:
        """Delete what was written beside it."""
        try:
            clean_up(lambda: self._delete(self._path(new)))
        except Exception as error:  # noqa: BLE001 - Spark may be what failed; the next attempt deletes it
            logger.info("could not delete %s, so the next attempt will: %s", new, describe(error))

    def remove(self) -> None:
        """Delete it with all its contents."""
        self._delete(self._target)

    def exchange(self, new: str) -> None:
        """Put the new directory in its place, and delete the old one.

        :param new: what :meth:`begin` returned
        :raises Exception: whatever the storage raises; the old directory is in its place then
        """
        written = self._path(new)
        if not self.exists():
            self._rename(written, self._target)
            return
        self._keep_permissions(written)
        if self.is_local and _exchanged_at_once(_local(new), str(self.location)):
            self._delete(written)
            return
        old = self._path(self._named("replaced"))
        self._rename(self._target, old)
        try:
            self._rename(written, self._target)
        except BaseException:
            clean_up(lambda: self._rename(old, self._target))
            raise
        self._delete(old)

    def _keep_permissions(self, written: Any) -> None:
        status = self._system.getFileStatus(self._target)
        if not status.isDirectory():
            return  # with the permissions of a file, a directory cannot be entered
        try:
            self._system.setPermission(written, status.getPermission())
            if status.getGroup() != self._system.getFileStatus(written).getGroup():
                self._system.setOwner(written, None, status.getGroup())
        except Exception as error:  # noqa: BLE001 - not everyone may, and some storage has none
            logger.info("%s: could not keep the permissions of the old directory: %s", self.location, describe(error))

    def _beside(self) -> list[tuple[Any, str]]:
        """Return what was written beside it, the oldest first."""
        around = self._target.getParent()
        if around is None or not self._system.exists(around):
            return []
        pattern = self._path(f"{escaped(str(around.toString()))}/.{escaped(self._target.getName())}.replac*")
        found = list(self._system.globStatus(pattern) or [])
        found = [s for s in found if s.isDirectory() or ".replaced-" in str(s.getPath().getName())]
        found.sort(key=lambda status: status.getModificationTime())
        return [(status.getPath(), str(status.getPath().getName())) for status in found]

    def _named(self, kind: str) -> str:
        around = str(self._target.getParent().toString()).rstrip("/")
        return f"{around}/.{self._target.getName()}.{kind}-{self._token}-{uuid.uuid4().hex[:8]}"

    def _rename(self, old: Any, new: Any) -> None:
        # Unlike FileSystem.rename it never moves a directory into one that has the new name.
        hadoop = self._spark._jvm.org.apache.hadoop.fs
        none = self._spark.sparkContext._gateway.new_array(hadoop.Options.Rename, 0)
        hadoop.FileContext.getFileContext(self._system.getUri(), self._conf).rename(old, new, none)

    def _delete(self, path: Any) -> None:
        try:
            self._system.delete(path, True)
        except Exception as error:  # noqa: BLE001 - nothing depends on it, whatever the storage raises
            logger.warning("cannot delete %s, which is no longer needed: %s", path.toString(), describe(error))

    def _entries(self, path: Any) -> Iterator[tuple[str, bool]]:
        if self._system.exists(path) and self._system.getFileStatus(path).isDirectory():
            for status in self._system.listStatus(path):
                yield str(status.getPath().getName()), bool(status.isDirectory())

    def _path(self, *parts: Any) -> Any:
        return self._spark._jvm.org.apache.hadoop.fs.Path(*parts)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _is_sticky(path: Path) -> bool:
    around = path.parent.stat()
    return bool(around.st_mode & stat.S_ISVTX) and os.geteuid() not in (0, around.st_uid, path.stat().st_uid)


def _local(url: str) -> str:
    return "/" + url.removeprefix("file:").lstrip("/")


def _exchanged_at_once(one: str, other: str) -> bool:
    """Exchange two local directories; False if this system cannot do that in one step."""
    if sys.platform != "linux":
        return False
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None:
        return False
    done: int = exchange(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
