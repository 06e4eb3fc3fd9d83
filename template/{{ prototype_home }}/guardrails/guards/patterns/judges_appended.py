"""Judges of what is appended to a statement that was begun above."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, from_request, interpolations

_SPELLED_OUT = (
    r"(?:includes|has|test|indexOf)\(\s*{0}\b|\[\s*{0}\s*\]|\b{0}\s*(?:===?|!==?)\s*['\"]"
    r"|(?i:validate|allow|sanit|escape|safe)\w*\(\s*{0}\b"
)
"""What is looked up in a list, or compared with words of the code's own, can be nothing else."""


def appended_sql(case: Case) -> Case | None:
    """``query += ` ORDER BY ${sort}` ``, where the request says what `sort` is."""
    for _, value in interpolations(case.match.text):
        name = re.escape(value.strip())
        made = re.search(r"Number\(|parseInt|parseFloat|\?|\(", value)
        if made or not from_request(case, value):
            continue
        if not re.search(_SPELLED_OUT.format(name), case.above):
            return case.but(severity=Severity.CRITICAL, VALUE=value)
    return None


JUDGES: dict[str, Judge] = {"appended-sql": appended_sql}
