"""The settings of the documentation site: `make docs` builds it with Sphinx into docs/_build.

The pages are the Markdown files of this folder. The API reference is made from the docstrings of
`packages/*` and `services/*` by _extensions/api_reference.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_extensions"))

project = "Lapwing"
author = "The authors of Lapwing"
html_title = "Lapwing"

extensions = ["myst_parser", "api_reference"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Headings get the anchors that GitHub gives them, so that a link works in both places.
myst_heading_anchors = 4
