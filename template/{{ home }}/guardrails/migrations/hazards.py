"""What a review would stop in a statement, and squawk does not look at.

squawk judges changes of the schema: neither `delete`, `truncate` nor `lock` is one; and it does
not read the PL/pgSQL that a `do` runs at once.
"""

import re
from collections.abc import Iterator

COMMENT = r"--[^\n]*|/\*.*?\*/"
STRING = r"'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
GENTLE = r"(?![^;]*\bin\s+(?:access\s+share|row\s+share|row\s+exclusive)\s+mode)"
# Nothing is lost with these, or it can be made again from the revisions.
WITHOUT_DATA = (
    "constraint|default|expression|function|identity|materialized|not|policy|procedure|rule"
    "|statistics|trigger|type|view"
)

MESSAGES = {
    "delete": "This deletes rows.",
    "truncate": "This empties a table.",
    "lock-table": "This keeps others from the table until the revision ends.",
    "ban-drop-in-do": "This drops something, out of squawk's sight.",
    "require-concurrent-index-creation": "This builds an index with the table locked.",
}
IN_SQL = {
    "delete": r"\bdelete\s+from\b|\bthen\s+delete\b",
    "truncate": r"^\s*truncate\b",
    "lock-table": rf"^\s*lock\s+{GENTLE}",
}
# Its strings count: in `execute 'drop …'` they are statements.
IN_DO = {
    "delete": r"\bdelete\s+from\b|\bthen\s+delete\b",
    "truncate": r"\btruncate\s+\w",
    "lock-table": rf"(?:;|'|\b(?:begin|else|loop|then))\s*lock\s+\w{GENTLE}",
    "ban-drop-in-do": rf"\bdrop\s+(?!(?:{WITHOUT_DATA})\b)[\w%]",
    "require-concurrent-index-creation": r"\bcreate\s+(?:unique\s+)?index\b",
}


def hazards(sql: str) -> Iterator[tuple[str, str]]:
    """The rule that is broken, and the line that breaks it."""
    for statement in _statements(sql):
        text = _without(COMMENT, statement)
        block = re.match(r"\s*do\b", text, re.IGNORECASE)
        looked_at = text if block else _without(STRING, text)
        for rule, pattern in (IN_DO if block else IN_SQL).items():
            if found := re.search(pattern, looked_at, re.IGNORECASE):
                lines = text[: found.end()].splitlines()
                yield rule, text.splitlines()[len(lines) - 1].strip()


def _statements(sql: str) -> Iterator[str]:
    begin = 0
    for end in re.finditer(r";|\Z", _without(f"{COMMENT}|{STRING}", sql)):
        yield sql[begin : end.start()].strip()
        begin = end.end()


def _without(pattern: str, sql: str) -> str:
    """Blanks for all that matches, so that the rest stays where it is."""
    return re.sub(
        pattern, lambda found: re.sub(r"\S", " ", found[0]), sql, flags=re.IGNORECASE | re.DOTALL
    )
