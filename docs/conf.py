"""How the documentation site is built: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from pygments.lexers.special import TextLexer  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

import airflow_provider  # noqa: E402 - found through the path above

project = "airflow-provider-pyspark-pipeline"
author = "the maintainers"
release = version = airflow_provider.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "reference_pages"]
exclude_patterns = ["_build", "_generated", "_ext"]
nitpicky = True
# Docstrings also name what only maintainers see, and types of Python, Spark and Airflow: no page describes those.
nitpick_ignore_regex = [("py:.*", r"(?!airflow_provider\.runner\.[A-Za-z_]+$).*")]

myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False

html_theme = "furo"
html_title = "PySpark pipelines for Airflow"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_theme_options = {"footer_icons": []}
pygments_style = "tango"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    """Show HOCON without colours: Pygments does not know it."""
    app.add_lexer("hocon", TextLexer)
