"""Python workers find the modules that the task finds beside its DAG, and no others before those."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from airflow_provider.runner.spark.worker_path import PROPERTY, with_worker_path


@pytest.fixture(autouse=True)
def _no_path_of_the_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)


def folder(path: Path, *modules: str) -> str:
    path.mkdir()
    for module in modules:
        file = path / module
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return str(path)


def test_a_folder_of_the_authors_is_handed_on(tmp_path: Path) -> None:
    dags = folder(tmp_path / "dags", "helper.py", "steps/__init__.py")

    assert with_worker_path({}, [*sys.path, dags])[PROPERTY].split(os.pathsep)[-1] == dags


def test_what_the_author_set_comes_first(tmp_path: Path) -> None:
    dags = folder(tmp_path / "dags", "helper.py")

    assert with_worker_path({PROPERTY: "/mine"}, [dags]) == {PROPERTY: f"/mine{os.pathsep}{dags}"}


def test_an_archive_of_modules_is_handed_on(tmp_path: Path) -> None:
    archive = tmp_path / "dags.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("helper.py", "")

    assert with_worker_path({}, [str(archive)]) == {PROPERTY: str(archive)}


@pytest.mark.parametrize("module", ["types.py", "json/__init__.py", "pydantic/__init__.py"])
def test_a_folder_is_left_out_if_it_would_hide_what_the_driver_imports(tmp_path: Path, module: str) -> None:
    """Airflow puts the DAG folder last, Spark puts it first: a ``types.py`` there would break every worker."""
    dags = folder(tmp_path / "dags", "helper.py", module)

    assert with_worker_path({}, [*sys.path, dags]) == with_worker_path({}, list(sys.path))


def test_the_first_of_two_folders_with_one_module_is_handed_on(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "first", "helper.py"), folder(tmp_path / "second", "helper.py")

    assert with_worker_path({}, [first, second]) == {PROPERTY: first}


def test_installed_modules_and_what_workers_know_already_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = folder(tmp_path / "known", "helper.py")
    monkeypatch.setenv("PYTHONPATH", known)
    installed = [entry for entry in sys.path if "site-packages" in entry]

    assert with_worker_path({}, [known, *installed, "", "relative", str(tmp_path / "missing")]) == {}


def test_what_the_process_has_by_its_environment_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark replaces the ``PYTHONPATH`` of an executor by the property, so that the property must have all of it."""
    known, dags = folder(tmp_path / "known", "jobs.py"), folder(tmp_path / "dags", "helper.py")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([known, "", known]))

    assert with_worker_path({}, [known, dags]) == {PROPERTY: os.pathsep.join([dags, known])}


def test_a_folder_that_cannot_be_listed_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dags = folder(tmp_path / "dags", "helper.py")

    def refuse(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert with_worker_path({}, [dags]) == {}
