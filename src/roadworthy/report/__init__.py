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
    """An issue on a line: indented as a whole, it would be written by Python's encoder, not C's."""
    parts = ((key, _lines(value)) for key, value in inspection.to_json().items())
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {text}" for key, text in parts) + "\n}\n"


def _lines(value: object) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(_line(entry) for entry in value) + "\n]"
    return _line(value)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sarif(inspection: Inspection) -> str:
    return json.dumps(sarif(inspection), indent=2) + "\n"


FORMATS: dict[str, Callable[[Inspection], str]] = {
    "json": _json,
    "markdown": markdown,
    "sarif": _sarif,
}
