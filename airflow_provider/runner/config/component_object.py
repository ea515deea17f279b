"""Components that are classes and functions instead of paths, as in a DAG file.

Nobody can import the module of a DAG file by name, and the files ``etl/jobs.py`` and ``ml/jobs.py`` may have functions
with the same path. So the config carries the object itself, without a table of names in between. The next attempt
recognizes it by its path, on another host and in another version of the bundle: hence the path has only the file's own
name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.config.problems import with_article

_DAG_FILE = re.compile(r"unusual_prefix_[0-9a-f]+_(?=.)")
"""How Airflow names the module of a DAG file: with a hash of its path, which differs between bundle versions."""


@dataclass(frozen=True)
class ComponentObject:
    """A class or function, and the path that stands for it.

    :param path: dotted path, the same in every attempt
    """

    path: str
    target: Any = field(compare=False)

    @classmethod
    def of(cls, target: Any) -> Self:
        """Make one for a class or function.

        :param target: a class, or a function with a name and without variables of an enclosing function
        :raises LookupError: it is something else
        """
        name = getattr(target, "__qualname__", None)
        if name is None:
            raise LookupError(f"{with_article(type(target).__name__)} is not a component: pass a class or a function")
        if "<lambda>" in name:
            raise LookupError("a lambda has no name by which the next attempt could recognize it; define a function")
        if _holds_variables(target):
            raise LookupError(
                f"function {name!r} uses variables of its enclosing function, which no fingerprint covers; pass them "
                f"in 'config', or if a decorator of yours makes the function, apply functools.wraps to it"
            )
        return cls(f"{_DAG_FILE.sub('', target.__module__)}.{name.replace('.<locals>', '')}", target)

    @property
    def importable(self) -> bool:
        """Whether another process that has the module can import it by its path."""
        module, name = self.target.__module__, self.target.__qualname__
        return module != "__main__" and "." not in name and f"{module}.{name}" == self.path

    @property
    def file(self) -> str:
        """Where it is defined."""
        return _file_of(self.target)


def _holds_variables(target: Any) -> bool:
    """Return whether a function depends on variables around it, so that several functions share its path.

    A function that a decorator of the module wraps is also in a variable, but its path identifies it.
    """
    if not hasattr(target, "__wrapped__"):
        return bool(getattr(target, "__closure__", None))
    return bool(getattr(inspect.unwrap(target), "__closure__", None))


def _file_of(target: Any) -> str:
    try:
        return inspect.getfile(inspect.unwrap(target))
    except (OSError, TypeError):
        return f"module {target.__module__}"  # without a file


def component_object_in(fields: Any) -> ComponentObject | None:
    """Return the class or function that ``class_path`` of a component holds, None if it is a path or missing.

    :param fields: the component as the author wrote it
    :raises LookupError: the object is not a component
    """
    target = fields.get("class_path") if isinstance(fields, Mapping) else None
    if isinstance(target, ComponentObject):
        return target
    return ComponentObject.of(target) if callable(target) else None


def ambiguous_paths(
    components: Iterable[tuple[str, str, ComponentObject | None]], find: Callable[[str], Any]
) -> list[ConfigProblem]:
    """Report components of a pipeline that share a path but not the class or function.

    Each would run correctly, but after a change the next attempt could confuse them.

    :param components: name and path of each, and the class or function if the config holds it
    :param find: returns what a path names, or raises ``LookupError``
    """
    problems = []
    first: dict[str, tuple[str, ComponentObject]] = {}
    by_name: dict[str, str] = {}
    for name, path, given in components:
        if given is None:
            by_name.setdefault(path, name)
            continue
        other, known = first.setdefault(path, (name, given))
        if given.target is not known.target:
            problems.append(ConfigProblem(_told_apart(path, given.file, other, known.file), name, "class_path"))
    for path in sorted(first.keys() & by_name.keys()):
        other, known = first[path]
        try:
            file = _file_of(find(path))
        except LookupError:
            continue  # such a pipeline cannot run; the config check says so
        if file != known.file:
            problems.append(ConfigProblem(_told_apart(path, file, other, known.file), by_name[path], "class_path"))
    return problems


def _told_apart(path: str, file: str, other: str, other_file: str) -> str:
    what = path.rpartition(".")[2]
    if file == other_file:
        return (
            f"{file} defines two functions or classes called {what!r}, and component {other!r} uses the other "
            f"one; rename one"
        )
    return (
        f"{path!r} of {file} and that of {other_file}, which is component {other!r}, have one name, so a checkpoint "
        f"could not tell them apart; rename one of the files, or one {what!r}"
    )
