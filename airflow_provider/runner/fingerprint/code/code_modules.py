"""Finds modules and their syntax trees without importing anything.

It parses a module's text once for each version of its file, however many components reach it.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import linecache
import os
import re
import sys
import tokenize
import zipimport
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from types import CodeType, ModuleType
from typing import Any

from airflow_provider.runner.fingerprint.code.bindings import ModuleBindings, bindings_of
from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, FileOrigin, file_origin

_DAG_FILE = re.compile(r"^unusual_prefix_[0-9a-f]+_(?=.)")
"""How Airflow names the module of a DAG file: with a hash of its path, which differs between bundle versions."""

_MOST_BYTES = 4_000_000

FileStamp = tuple[int, int]


@dataclass(frozen=True)
class SourceText:
    """The text of a module or notebook cell, parsed.

    :param file: where it is
    """

    file: str
    text: str
    tree: ast.Module

    @cached_property
    def bindings(self) -> ModuleBindings:
        """What its statements bind."""
        return bindings_of(self.tree)

    @cached_property
    def compiled(self) -> Mapping[str, Sequence[CodeType]] | None:
        """The code of all its functions as this Python compiles it, by qualified name; None if this Python cannot
        compile it."""
        found: dict[str, list[CodeType]] = {}
        try:
            stack = [compile(self.text, self.file, "exec", dont_inherit=True)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        while stack:
            code = stack.pop()
            found.setdefault(code.co_qualname, []).append(code)
            stack += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        return found


def module_label(module: str) -> str:
    """Return the name of a module for people and for records, without Airflow's hash of a DAG file's path."""
    return _DAG_FILE.sub("", module)


@dataclass(eq=False)
class CodeModule:
    """A module, loaded or not.

    :param name: its name in ``sys.modules``
    :param file: its file; None for a namespace package
    :param origin: whose it is
    :param search: where its submodules are, None if it is not a package
    :param sources: its text as it is now and, after a change on disk, also as it was; empty without source
    :param loaded: the module object, if it has been imported
    """

    name: str
    file: str | None
    origin: FileOrigin
    search: Sequence[str] | None = None
    sources: Sequence[SourceText] = ()
    loaded: ModuleType | None = None
    stamp: FileStamp | None = None
    cell: bool = False
    targets: dict[str, Any] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        return self.origin.owner is CodeOwner.OWN

    @property
    def label(self) -> str:
        """Its name for people and for the record."""
        return module_label(self.name)

    @property
    def package(self) -> str:
        """What a relative import starts at."""
        return self.name if self.search is not None else self.name.rpartition(".")[0]

    @property
    def short_file(self) -> str:
        return os.path.basename(self.file) if self.file else self.label

    @property
    def bindings(self) -> ModuleBindings:
        """The names that its statements bind."""
        return self.sources[0].bindings if self.sources else ModuleBindings()

    @property
    def namespace(self) -> Mapping[str, Any]:
        """Its names while it is loaded."""
        return vars(self.loaded) if self.loaded is not None else {}


class ModuleFinder:
    """Finds modules as an import would.

    :param roots: real paths of directories with the author's own code
    :param search: where to look for what is nowhere on ``sys.path``
    :ivar off_path: top-level modules that were found there
    """

    def __init__(self, roots: Sequence[str] = (), search: Sequence[str] = ()) -> None:
        self._roots = roots
        self._search = list(search)
        self.off_path: set[str] = set()
        self._found: dict[str, CodeModule | None] = {}

    @property
    def found(self) -> Mapping[str, CodeModule | None]:
        """All modules looked up so far."""
        return self._found

    def is_valid(self) -> bool:
        """Return whether everything found is unchanged."""
        for name, module in self._found.items():
            loaded = sys.modules.get(name)
            if module is None:
                if loaded is not None:
                    return False
            elif module.is_own and (
                loaded is not module.loaded or (module.file is not None and file_stamp(module.file) != module.stamp)
            ):
                return False
        return True

    def find(self, name: str) -> CodeModule | None:
        """Return a module, None if it does not exist."""
        if name not in self._found:
            self._found[name] = None  # for a circle
            self._found[name] = self._look_for(name)
        return self._found[name]

    def cell(self, file: str, namespace: ModuleType) -> CodeModule | None:
        """Return a notebook cell or similar code, whose text only ``linecache`` has."""
        key = f"\0{file}"
        if key not in self._found:
            text = "".join(linecache.getlines(file))
            source = _parse(file, text.encode()) if text else None
            own = FileOrigin(CodeOwner.OWN)
            name = namespace.__name__
            self._found[key] = (
                CodeModule(name, None, own, sources=[source], loaded=namespace, cell=True) if source else None
            )
        return self._found[key]

    def of_file(self, file: str) -> CodeModule | None:
        """Return the loaded module of a file."""
        for name, loaded in list(sys.modules.items()):
            if getattr(loaded, "__file__", None) == file:
                return self.find(name)
        return None

    def _look_for(self, name: str) -> CodeModule | None:
        loaded = sys.modules.get(name)
        if loaded is not None and isinstance(loaded, ModuleType):
            file = getattr(loaded, "__file__", None)
            search = getattr(loaded, "__path__", None)
            loader = getattr(loaded, "__loader__", None) or getattr(getattr(loaded, "__spec__", None), "loader", None)
            return self._module(name, file, list(search) if search is not None else None, loader, loaded)
        top, _, _ = name.partition(".")
        if top in sys.stdlib_module_names:
            return CodeModule(name, None, FileOrigin(CodeOwner.STANDARD))
        spec = self._spec(name)
        if spec is None:
            return None
        file = spec.origin if spec.has_location else None
        search = spec.submodule_search_locations
        return self._module(name, file, list(search) if search is not None else None, spec.loader, None)

    def _spec(self, name: str) -> importlib.machinery.ModuleSpec | None:
        parent, _, _ = name.rpartition(".")
        try:
            if not parent:
                return importlib.util.find_spec(name) or self._spec_off_path(name)
            package = self.find(parent)
            if package is None or package.search is None:
                return None
            return importlib.machinery.PathFinder.find_spec(name, list(package.search))
        except (ImportError, AttributeError, ValueError, OSError):
            return None

    def _spec_off_path(self, name: str) -> importlib.machinery.ModuleSpec | None:
        found = importlib.machinery.PathFinder.find_spec(name, self._search) if self._search else None
        if found is not None:
            self.off_path.add(name)
        return found

    def _module(
        self, name: str, file: str | None, search: list[str] | None, loader: Any, loaded: ModuleType | None
    ) -> CodeModule:
        if file is None and not search:
            whose = CodeOwner.STANDARD if name.partition(".")[0] in sys.stdlib_module_names else CodeOwner.OWN
            return CodeModule(name, None, FileOrigin(whose), search, (), loaded)
        origin = file_origin(file or next(iter(search or [])), self._roots)
        if origin.owner is not CodeOwner.OWN or file is None:
            return CodeModule(name, file, origin, search, (), loaded)
        stamp = file_stamp(file)
        return CodeModule(name, file, origin, search, _sources(name, file, stamp, loader), loaded, stamp)


_parsed: dict[str, list[tuple[FileStamp | None, SourceText | None]]] = {}


def _sources(name: str, file: str, stamp: FileStamp | None, loader: Any) -> list[SourceText]:
    """Return the text of a file as it is now, followed by the text as it was when first read."""
    versions = _parsed.setdefault(file, [])
    if not versions or versions[0][0] != stamp:
        text = _text(name, file, loader)
        versions.insert(0, (stamp, _parse(file, text) if text is not None else None))
        del versions[2:]
    if versions[0][1] is None:
        return []
    return [source for _, source in versions if source is not None]


def _text(name: str, file: str, loader: Any) -> bytes | None:
    if file.endswith(".py"):
        try:
            with open(file, "rb") as opened:
                return opened.read(_MOST_BYTES)
        except OSError:
            pass
    if isinstance(loader, zipimport.zipimporter):
        try:
            text = loader.get_source(name)
        except (ImportError, OSError):
            text = None
        return text.encode() if text is not None else None
    return None


def _parse(file: str, text: bytes) -> SourceText | None:
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(text).readline)
        decoded = text.decode(encoding)
        return SourceText(file, decoded, ast.parse(decoded, file))
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None


def file_stamp(file: str) -> FileStamp | None:
    """Return what distinguishes the versions of a file; for a file in an archive, of the archive."""
    path = file
    while True:
        try:
            status = os.stat(path)
        except OSError:
            parent = os.path.dirname(path)
            if parent == path:
                return None
            path = parent
        else:
            return status.st_mtime_ns, status.st_size


def read_bytes_or_nothing(file: str) -> bytes:
    """Return the content of a file; empty if it cannot be read."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return b""
