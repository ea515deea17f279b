"""The author's folders that Python workers on this host must know, so that a UDF finds the modules that it uses.

Airflow adds the folders of DAGs and plugins only to the task's ``sys.path``, and Spark passes its Python workers only
``PYTHONPATH``. A UDF that calls a helper in a module beside the DAG file would not find it.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from importlib.machinery import PathFinder

from airflow_provider.runner.fingerprint.code.file_origin import CodeOwner, file_origin, time_of_change

PROPERTY = "spark.executorEnv.PYTHONPATH"
"""The Spark property from which Python workers take their ``PYTHONPATH``."""


def with_worker_path(settings: dict[str, str], path: Sequence[str] | None = None) -> dict[str, str]:
    """Return Spark properties with which Python workers on this host find the author's modules.

    The author's own value comes first. Leaves out a folder from which a worker would import another module than the
    driver does: workers search it before the installed packages. The process's own ``PYTHONPATH`` comes last: in an
    executor that is a process of its own (``local-cluster``) the property replaces it.

    :param path: where this process looks for modules; default: ``sys.path``
    """
    path = sys.path if path is None else path
    inherited = dict.fromkeys(entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry)
    known = set(map(os.path.realpath, inherited))
    own = [folder for folder in path if _is_own(folder) and os.path.realpath(folder) not in known]
    found = [folder for folder in dict.fromkeys(own) if not _hides_others(folder, path)]
    given = settings.get(PROPERTY)
    whole = os.pathsep.join([*([given] if given else []), *found, *inherited])
    return {**settings, PROPERTY: whole} if found else settings


def _is_own(folder: str) -> bool:
    if not os.path.isabs(folder) or not (os.path.isdir(folder) or zipfile.is_zipfile(folder)):
        return False
    return file_origin(os.path.join(folder, "module.py")).owner is CodeOwner.OWN


def _hides_others(folder: str, path: Sequence[str]) -> bool:
    """Return whether a folder has a module that the driver imports from elsewhere. True if it cannot be listed."""
    try:
        modules = _modules(folder, time_of_change(folder))
    except OSError:
        return True
    return not all(_is_taken_from(folder, name, path) for name in modules)


def _is_taken_from(folder: str, module: str, path: Sequence[str]) -> bool:
    if module in sys.builtin_module_names:
        return False
    spec = PathFinder.find_spec(module, list(path))
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    return any(place and place.startswith(os.path.join(folder, "")) for place in places)


@lru_cache(maxsize=64)
def _modules(folder: str, changed: int) -> tuple[str, ...]:
    """Return the names of the top-level modules in a folder or zip file."""
    if os.path.isdir(folder):
        with os.scandir(folder) as entries:
            names = [e.name if e.is_file() else f"{e.name}/" for e in entries]
        packages = [n[:-1] for n in names if n[-1] == "/" and os.path.isfile(os.path.join(folder, n, "__init__.py"))]
    else:
        with zipfile.ZipFile(folder) as archive:
            names = archive.namelist()
        packages = [n.partition("/")[0] for n in names if n.count("/") == 1 and n.endswith("/__init__.py")]
    modules = [name[:-3] for name in names if name.endswith(".py") and "/" not in name]
    return tuple(sorted({name for name in (*packages, *modules) if name.isidentifier()}))
