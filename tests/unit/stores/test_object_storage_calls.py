"""Calls of paths on object storage that lose data without an error are never used here.

An exception inside ``with path.open("wb")`` publishes half an object; ``open("xb")`` empties the one that is there;
``rmdir()`` deletes everything below; ``rename()`` of a folder moves nothing and reports success.
"""

from __future__ import annotations

import ast
from pathlib import Path

import airflow_provider

PACKAGE = Path(airflow_provider.__file__).parent
NEVER = frozenset(
    ("open", "touch", "write_bytes", "write_text", "rmdir", "rename", "replace", "unlink", "mv", "move", "copy", "rm_r")
)
"""Methods of a path or a file system on object storage. ``pipe_file`` writes an object whole or not at all."""


def _calls(path: Path) -> list[str]:
    """Return calls of these methods on a path or a file system of fsspec's."""
    return [
        f"{path.name}:{node.lineno} {ast.unparse(node.func)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in NEVER
        and ("_fs" in ast.unparse(node.func.value) or "base" in ast.unparse(node.func.value).split("."))
    ]


def test_no_call_that_loses_data_on_object_storage() -> None:
    found = [path for path in PACKAGE.rglob("*.py") if "ObjectStoragePath" in path.read_text(encoding="utf-8")]
    assert PACKAGE / "stores" / "bucket_storage.py" in found
    assert [call for path in found for call in _calls(path)] == []


def test_the_search_finds_such_a_call(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("self._fs.open(path, 'wb')\nbase.rmdir()\nself._fs.pipe_file(path, content)\n")
    assert [call.partition(" ")[2] for call in _calls(module)] == ["self._fs.open", "base.rmdir"]
