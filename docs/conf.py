"""The documentation site; `make docs` builds it and fails on a broken link."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "assembled")]

project = "Roadworthy"
author = "The Roadworthy authors"
html_title = "Roadworthy"

extensions = ["myst_parser", "generated", "rule_pages"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["README.md"]

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
nitpicky = True
