"""A Sphinx extension that writes the generated parts of the reference before the pages are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = "_generated"


def write_pages(folder: Path) -> None:
    """Write each generated part that differs from what lies in the folder already.

    :param folder: where the pages of the reference include them from
    """
    from command_reference import commands_page
    from config_reference import component_models, fields_page, pipeline_models
    from error_reference import errors_page
    from left_behind_table import left_behind_page
    from operator_reference import operators_page
    from setting_reference import settings_page

    pages = {
        "pipeline-file": fields_page(pipeline_models()),
        "components": fields_page(component_models(), of_components=True),
        "operators": operators_page(),
        "commands": commands_page(),
        "settings": settings_page(),
        "errors": errors_page(),
        "left-behind": left_behind_page(),
    }
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect with Sphinx."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / FOLDER))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
