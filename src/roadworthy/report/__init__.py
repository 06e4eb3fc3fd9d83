"""An inspection for its readers: a terminal, a browser, a pull request, another program.

Renderers only: nothing here decides what is wrong or how bad it is.
"""

import json
from collections.abc import Callable

from roadworthy.inspection import Inspection

from .html import page
from .markdown import markdown
from .sarif import sarif
from .terminal import summary

__all__ = ["FORMATS", "page", "summary"]


def _json(inspection: Inspection) -> str:
    return json.dumps(inspection.to_json(), indent=2, ensure_ascii=False) + "\n"


def _sarif(inspection: Inspection) -> str:
    return json.dumps(sarif(inspection), indent=2) + "\n"


FORMATS: dict[str, Callable[[Inspection], str]] = {
    "json": _json,
    "markdown": markdown,
    "sarif": _sarif,
}
