"""Importing this package: any module first, and nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider

PACKAGE = Path(airflow_provider.__file__).parent

MODULES = sorted(
    ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)

# What others wrote is imported once; each of our modules then is the first of ours in a child of that process.
IMPORT_EACH = """
import importlib, os, sys, traceback
import airflow.providers.common.compat.sdk, airflow.sdk, jinja2, pydantic, rich.table, tenacity, yaml
for name in [name for name in sys.modules if name.startswith("airflow_provider")]:
    del sys.modules[name]  # Airflow has read the provider's metadata
failed = []
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
sys.exit(f"cannot be the first module: {failed}" if failed else 0)
"""


def test_every_module_can_be_the_first_that_a_fresh_interpreter_imports() -> None:
    """No module of the package works only because another one was imported before it."""
    assert len(MODULES) > 90
    done = subprocess.run([sys.executable, "-c", IMPORT_EACH, *MODULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("package", ["airflow_provider.runner", "airflow_provider.runner.checkpoint"])
def test_a_public_name_is_imported_when_it_is_asked_for(package: str) -> None:
    """The list of names, their homes and what is really there say the same."""
    module = __import__(package, fromlist=["_HOMES"])
    assert sorted(module._HOMES) == module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = module.Nonsense
